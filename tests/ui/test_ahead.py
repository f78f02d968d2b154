"""What a page will need is told in its HTML."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from normviz.ui import chunks, static
from normviz.ui.ahead import DATA, Ahead
from normviz.ui.pages import PAGES, Page

FOLDER = Path(streamlit.__file__).parent / "static"
BEFORE, BETWEEN, AFTER = "<!doctype html><head><title>č</title>", f"</head><body>{'x' * 2000}", "</body>"
HTML = BEFORE + BETWEEN + AFTER


def html(_: Request) -> Response:
    return HTMLResponse(HTML, headers={"ETag": '"file"', "X-Other": "stays"})


def text(_: Request) -> Response:
    return PlainTextResponse(HTML)


ROUTES = [Route("/text", text), Route("/{path:path}", html)]
APP = Starlette(routes=ROUTES, middleware=[Middleware(Ahead), Middleware(GZipMiddleware)])


def get(path: str, accept: str = "text/html,*/*") -> httpx.Response:
    """The answer to a browser."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.get(path, headers={"Accept": accept})

    return asyncio.run(ask())


def links(path: str) -> dict[str, str]:
    """Address of each file in the head → its rel."""
    body = get(path).text
    assert body.startswith(BEFORE)
    added = re.sub("^<script>.*?</script>", "", body[len(BEFORE) :].partition(BETWEEN)[0])
    found = {href: rel for rel, href in re.findall(r'<link rel="(\w+)".*?href="([^"]+)">', added)}
    assert added.count("<link ") == len(found)
    return found


def told(path: str) -> dict[str, str]:
    """Name of each file of ours in the head → its rel."""
    ours = {href: rel for href, rel in links(path).items() if href.startswith("/lab/assets/")}
    return {href.rpartition("/")[2]: rel for href, rel in ours.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url_path or "start")
def test_a_page_names_all_that_its_module_imports(page: Page) -> None:
    files = told(f"/{page.url_path}")
    entry = page.module
    assert files.pop(static.PLOTLY) == ("preload" if entry == static.STAGE else "prefetch")
    if entry in DATA:
        assert files.pop(DATA[entry]) == "preload"
    assert set(files.values()) == {"modulepreload"}
    assert entry in files
    sources = {name: (static.FOLDER / name).read_text() for name in files}
    wanted = {one for source in sources.values() for one in re.findall(r'"\./([\w.]+\.js)"', source)}
    assert wanted | {entry} == set(files)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url_path or "start")
def test_a_page_names_the_files_of_streamlit_that_mount_its_component(page: Page) -> None:
    """They exist under these names in the installed version, and its HTML does not name them itself."""
    theirs = [href for href in links(f"/{page.url_path}") if href.startswith("/static/")]
    assert all(any(f"/{name}." in href for href in theirs) for name in chunks.EVERYWHERE)
    assert any("Slider" in href for href in theirs) == (page.module == static.STAGE)
    assert all((FOLDER / href[1:]).is_file() for href in theirs)
    assert not any(href[1:] in (FOLDER / "index.html").read_text() for href in theirs)


@pytest.mark.parametrize("path", ["/", "/train", "/nothing"])
def test_the_style_sheet_is_the_last_of_a_page(path: str) -> None:
    """Behind those that Streamlit writes into the head, so that it wins where both speak of the same."""
    link = f'<link rel="stylesheet" href="/{static.address("site.css")}">'
    assert get(path).text.endswith(BETWEEN + link + AFTER)


def test_all_that_an_element_imports_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = {
        "index.html": {"file": "index.js", "imports": ["_react"]},
        "_react": {"file": "react.js"},
        "lib/Slider/Slider.tsx": {"file": "slider.js", "imports": ["_react", "_a", "index.html"]},
        "_a": {"file": "a.js", "imports": ["_b"]},
        "_b": {"file": "b.js", "imports": ["_a", "_gone"]},
        "lib/Other/Other.tsx": {"file": "other.js"},
        "../node_modules/package/index.js": {"file": "package.js", "imports": ["_a"]},
    }
    monkeypatch.setattr(chunks, "_manifest", lambda: manifest)
    assert chunks.files.__wrapped__("Slider") == ("slider.js", "a.js", "b.js")
    assert chunks.files.__wrapped__("package", "Slider") == ("package.js", "a.js", "b.js", "slider.js")
    assert chunks.files.__wrapped__("Unknown") == ()


@pytest.mark.parametrize("content", [None, "no JSON", "[1]", json.dumps({"a": "b"})])
def test_a_streamlit_without_a_manifest_is_not_helped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    (tmp_path / "static").mkdir()
    if content is not None:
        (tmp_path / "static" / "manifest.json").write_text(content)
    monkeypatch.setattr(
        chunks, "find_spec", lambda name: type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    )
    assert chunks._manifest.__wrapped__() == {}


def test_an_answer_says_its_new_length_and_vouches_for_nothing_else() -> None:
    answer = get("/train")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "etag" not in answer.headers
    assert answer.headers["x-other"] == "stays"


def test_other_answers_stay_as_they_are() -> None:
    assert get("/text").text == HTML
    packed = get("/train", accept="*/*")
    assert packed.text == HTML
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url_path or "start")
def test_streamlit_is_told_its_base_path_where_it_would_guess_wrong(page: Page) -> None:
    told = "BACKEND_BASE_URL: new URL('.', location.href)" in get(f"/base/{page.url_path}").text
    assert told == bool(page.url_path)
    assert "BACKEND_BASE_URL" not in get("/nothing").text


def test_an_address_that_is_no_page_gets_the_front_doors_files() -> None:
    assert links("/nothing/at/all") == links("/")
