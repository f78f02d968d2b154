"""Streamlit's files out of memory: what is answered, what is left to Streamlit, and that it is the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
import streamlit
from starlette.responses import PlainTextResponse
from streamlit import config

from normviz.ui import bundles, chunks
from normviz.ui.bundles import Bundles, files

FOLDER = Path(streamlit.__file__).parent / "static"
SCRIPT = next(name for name in chunks.all_files() if "/index." in name and name.endswith(".js"))
FONT = next(name for name in chunks.all_files() if name.endswith(".woff2"))
OTHER = "left to Streamlit"


def fetch(path: str, method: str = "GET", root_path: str = "", **headers: str) -> httpx.Response:
    """Ask for a path as a client that says just this; other answers are Streamlit's."""

    async def ask() -> httpx.Response:
        app = Bundles(PlainTextResponse(OTHER))
        transport = httpx.ASGITransport(app, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            client.headers.clear()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=named)

    return asyncio.run(ask())


@pytest.mark.parametrize("name", chunks.all_files())
def test_a_file_is_what_streamlit_has_and_kept_for_ever(name: str) -> None:
    answer = fetch(f"/{name}", accept_encoding="gzip")
    assert answer.status_code == 200
    assert answer.content == (FOLDER / name).read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["vary"] == "Accept-Encoding"
    packed = answer.headers.get("content-encoding") == "gzip"
    assert packed != name.endswith(".woff2")


def test_a_client_that_cannot_unpack_is_left_to_streamlit() -> None:
    for asked in ("", "br", "gzip;q=0", "br, gzip; q=0.0", "*;q=0"):
        assert fetch(f"/{SCRIPT}", accept_encoding=asked).text == OTHER, asked
        assert fetch(f"/{FONT}", accept_encoding=asked).content == (FOLDER / FONT).read_bytes()
    for asked in ("gzip", "deflate, GZIP;q=0.5", "*"):
        assert "content-encoding" in fetch(f"/{SCRIPT}", accept_encoding=asked).headers, asked


def test_whoever_has_it_is_told_so_and_no_more() -> None:
    etag = fetch(f"/{SCRIPT}", accept_encoding="gzip").headers["etag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        answer = fetch(f"/{SCRIPT}", accept_encoding="gzip", if_none_match=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert "content-length" not in answer.headers
    assert fetch(f"/{SCRIPT}", accept_encoding="gzip", if_none_match='"other"').status_code == 200


def test_the_head_alone_says_how_long_the_rest_is() -> None:
    whole = fetch(f"/{SCRIPT}", accept_encoding="gzip")
    head = fetch(f"/{SCRIPT}", "HEAD", accept_encoding="gzip")
    assert head.headers == whole.headers
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(files()[SCRIPT].body) < len(whole.content) / 2


@pytest.mark.parametrize(
    "path",
    [
        "/", "/train", "/static/", "/static/js/", "/static/js/nothing.js", f"/{SCRIPT}/", f"//{SCRIPT}",
        f"/x/{SCRIPT}", f"/static/js/../../{SCRIPT}", f"/static/js/..\\..\\{SCRIPT}", "/static/../index.html",
        "/static/js/../../manifest.json", "/static//etc/passwd", "/manifest.json", f"/{SCRIPT}\0",
    ],
)  # fmt: skip
def test_nothing_else_is_answered(path: str) -> None:
    """As a server hands paths over: with what was escaped in them written out, and nothing resolved."""
    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"accept-encoding", b"gzip")]}
    assert bundles._answer({**scope, "path": f"/{SCRIPT}"}) is not None
    assert bundles._answer(scope) is None


def test_parts_of_files_and_other_methods_are_left_to_streamlit() -> None:
    assert fetch(f"/{SCRIPT}", accept_encoding="gzip", range="bytes=0-9").text == OTHER
    for method in ("OPTIONS", "POST"):
        assert fetch(f"/{SCRIPT}", method, accept_encoding="gzip").text == OTHER


def test_under_a_base_path_they_lie_there_alone() -> None:
    before = config.get_option("server.baseUrlPath")
    try:
        config.set_option("server.baseUrlPath", "lab/site")
        assert fetch(f"/lab/site/{SCRIPT}", accept_encoding="gzip").text != OTHER
        assert fetch(f"/{SCRIPT}", accept_encoding="gzip").text == OTHER
    finally:
        config.set_option("server.baseUrlPath", before)
    assert fetch(f"/above/{SCRIPT}", accept_encoding="gzip", root_path="/above").text != OTHER


def test_no_more_memory_is_taken_than_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(files()) == len(chunks.all_files())
    assert sum(len(file.body) for file in files().values()) < bundles.MOST / 2
    monkeypatch.setattr(bundles, "MOST", 200_000)
    few = files.__wrapped__()
    assert 0 < len(few) < len(files())
    assert sum(len(file.body) for file in few.values()) <= 200_000


def test_a_version_of_streamlit_without_a_manifest_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "all_files", tuple)
    assert files.__wrapped__() == {}
    monkeypatch.setattr(chunks, "all_files", lambda: ("../../secret.js", "index.html", "static/js/plain.js"))
    assert files.__wrapped__() == {}
