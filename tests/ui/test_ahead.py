"""What a page will need is told with its HTML."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from normviz.ui import static
from normviz.ui.ahead import Ahead
from normviz.ui.pages import PAGES, Page


def html(_: Request) -> Response:
    return HTMLResponse("<!doctype html>", headers={"Link": "</x>; rel=icon"})


def text(_: Request) -> Response:
    return PlainTextResponse("no page")


APP = Starlette(routes=[Route("/text", text), Route("/{path:path}", html)], middleware=[Middleware(Ahead)])


def links(path: str) -> list[str]:
    """The Link headers of an answer."""

    async def ask() -> list[str]:
        transport = httpx.ASGITransport(APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return (await client.get(path)).headers.get_list("link")

    return asyncio.run(ask())


def told(path: str) -> dict[str, str]:
    """Name of each file of ours in the headers → its rel."""
    return dict(re.findall(r'/lab/assets/\w+/([\w.]+)>; rel="(\w+)"', ", ".join(links(path))))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url_path or "start")
def test_a_page_names_all_that_its_module_imports(page: Page) -> None:
    files = told(f"/{page.url_path}")
    entry = page.module
    assert files.pop(static.PLOTLY) == ("preload" if entry == static.STAGE else "prefetch")
    assert set(files.values()) == {"modulepreload"}
    assert entry in files
    sources = {name: (static.FOLDER / name).read_text() for name in files}
    wanted = {one for source in sources.values() for one in re.findall(r'"\./([\w.]+\.js)"', source)}
    assert wanted | {entry} == set(files)


def test_other_answers_and_other_headers_stay_as_they_are() -> None:
    assert links("/text") == []
    assert "</x>; rel=icon" in links("/train")


def test_an_address_that_is_no_page_gets_the_front_doors_files() -> None:
    assert told("/nothing/at/all") == told("/")
