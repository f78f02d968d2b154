"""Who counts as one visitor."""

from __future__ import annotations

import asyncio
import re

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from normviz.ui.visitors import COOKIE, Visitors, visitor

APP = Starlette(routes=[Route("/", lambda _: PlainTextResponse("x"))], middleware=[Middleware(Visitors)])


def given(cookie: str = "", accept: str = "text/html", base: str = "http://site") -> str | None:
    """The cookie that an answer sets."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url=base) as client:
            return await client.get("/", headers={"Accept": accept, **({"Cookie": cookie} if cookie else {})})

    return asyncio.run(ask()).headers.get("set-cookie")


def test_a_browser_is_given_a_word_of_its_own_once() -> None:
    one, other = given(), given()
    assert one
    assert other
    assert one != other
    words = re.fullmatch(rf"{COOKIE}=([\w-]{{24}}); Path=/; HttpOnly; SameSite=Lax", one)
    assert words
    assert visitor({COOKIE: words[1]}) == words[1]
    assert given(one.split(";")[0]) is None


def test_only_pages_give_it_and_only_safely_where_there_is_tls() -> None:
    assert given(accept="*/*") is None
    assert (given(base="https://site") or "").endswith("; Secure")


def test_what_we_did_not_make_is_nobody() -> None:
    assert visitor({}) == ""
    for word in ("", "short", "x" * 200, "a word with spaces in it....", "čččččččččččččččččččččččč"):
        assert visitor({COOKIE: word}) == ""
    assert given(f"{COOKIE}=short")
