"""Who counts as one visitor."""

from __future__ import annotations

import asyncio
import re

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from normviz.player import Settings
from normviz.ui.visitors import COOKIE, Visitors, of_connection, word

EMBEDDED = Settings(embed_in=("https://moodle.example.org",))


def app(settings: Settings) -> Starlette:
    routes = [Route("/", lambda _: PlainTextResponse("x"))]
    return Starlette(routes=routes, middleware=[Middleware(Visitors, settings)])


def given(
    cookie: str = "", accept: str = "text/html", base: str = "http://site", settings: Settings | None = None
) -> str | None:
    """The cookie that an answer sets."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app(settings or Settings())), base_url=base
        ) as client:
            return await client.get("/", headers={"Accept": accept, **({"Cookie": cookie} if cookie else {})})

    return asyncio.run(ask()).headers.get("set-cookie")


def test_a_browser_is_given_a_word_of_its_own_once() -> None:
    one, other = given(), given()
    assert one
    assert other
    assert one != other
    words = re.fullmatch(rf"{COOKIE}=([\w-]{{24}}); Path=/; HttpOnly; SameSite=Lax", one)
    assert words
    assert word({COOKIE: words[1]}) == words[1]
    assert given(one.split(";")[0]) is None


def test_only_pages_give_it_and_only_safely_where_there_is_tls() -> None:
    assert given(accept="*/*") is None
    assert (given(base="https://site") or "").endswith("; Secure")


def test_what_we_did_not_make_is_nobody() -> None:
    assert word({}) == ""
    for made in ("", "short", "x" * 200, "a word with spaces in it....", "čččččččččččččččččččččččč"):
        assert word({COOKIE: made}) == ""
    assert given(f"{COOKIE}=short")


def connection(address: str, cookie: str = "") -> HTTPConnection:
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())] if cookie else []
    return HTTPConnection({"type": "websocket", "client": (address, 1), "headers": headers})


def test_without_the_cookie_an_address_is_one_visitor_and_with_it_each_browser() -> None:
    pupils = {of_connection(connection("192.0.2.1", f"pupil-number-{n:010}")) for n in range(60)}
    assert len(pupils) == 60
    bare = of_connection(connection("192.0.2.1"))
    assert bare == of_connection(connection("192.0.2.1", "made up"))
    assert bare not in pupils
    assert bare != of_connection(connection("192.0.2.2"))
    assert of_connection(connection("2001:db8::1")) == of_connection(connection("2001:db8::2"))
    assert not word({COOKIE: bare}), "nobody can say that they are somebody else's address"


def test_in_another_sites_frame_the_cookie_needs_tls() -> None:
    assert (given(base="https://site", settings=EMBEDDED) or "").endswith(
        "; SameSite=None; Secure; Partitioned"
    )
    assert (given(settings=EMBEDDED) or "").endswith("; SameSite=Lax")
