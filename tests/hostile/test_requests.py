"""HTTP of a running server: whatever is asked, no error of the server, and the headers on every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.web.server.starlette import starlette_agent_routes, starlette_routes

from normviz.ui import policies
from normviz.ui.pages import BESIDE, PAGES
from tests.browser.visitors import Server, serving
from tests.hostile.servers import ask, raw
from tests.hostile.texts import tried

PATHS = [f"/{page.url_path}" for page in (*PAGES, *BESIDE)] + [
    "/lab/assets/stage.js", "/lab/assets/0/stage.js", "/lab/live", "/lab/ready", "/lab/stream/x",
    "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/stream",
    "/_stcore/upload_file/a/b", "/media/x.png", "/component/x/y",
    "/_stcore/bidi-components/normviz.stage/x", "/_stcore/agent/interact", "/static/js/x.js",
]  # fmt: skip
ODD = (
    "/lab/assets/../app.py", "/lab/assets/%2e%2e/%2e%2e/app.py", "/lab/assets/..%2f..%2fapp.py",
    "/lab/assets/%00", "/lab/assets/0/%00stage.js", "/%00", "/media/%00",
    "/component/normviz.stage/%2e%2e%2fapp.py", "//evil.example/", "/\\evil.example", "/%5c%5cevil.example",
    "/%ff%fe", "/%", "/%zz", "/" + "a" * 20_000, "/?" + "a=b&" * 4000, "/train?lr=%ED%A0%80",
    "/%F0%9F%98%80", "/./././train", "/train//", "/static/../../../etc/passwd", "*", "http://evil.example/",
    "/_stcore/metrics?families=x&families=%00", "/C:/windows", "/train;x=1", "/lab/stream/",
    "/" + "../" * 50 + "etc/passwd", "/" + "%2e%2e%2f" * 50 + "etc/passwd", "/component/", "/media/", "/lab",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "log") as server:
        yield server
        log = server.log.read_text()
    assert "Traceback" not in log
    assert "Exception in ASGI" not in log


def fine(status: int, headers: dict[str, str]) -> None:
    """Not the server's error; and what the application answers carries the headers."""
    assert 200 <= status < 500
    if "content-security-policy" not in headers:
        assert status == 400, "only what is no HTTP is answered before the application is asked"


@pytest.mark.parametrize("path", [*PATHS, *ODD], ids=range(len(PATHS) + len(ODD)))
def test_any_path_is_answered(server: Server, path: str) -> None:
    fine(*ask(server, path))


@tried(60)
@given(
    st.sampled_from([*PATHS, *ODD]) | st.text(max_size=60).map(lambda text: "/" + text),
    st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT",
    "PROPFIND", "GeT"]),
    st.lists(
        st.sampled_from(
            ["Range: bytes=9-1", "Range: bytes=0-,5-", "Range: x", "Accept: text/html",
             "Accept-Encoding: gzip;q=x", "Host: ", "Host: evil.example", "If-None-Match: *",
             "Cookie: _streamlit_xsrf=2|x|y|z", "Cookie: _streamlit_session=e30=.x.y", "Content-Length: 5",
             "Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: h2c",
             "X-Forwarded-For: x, , 1", "X-Forwarded-Proto: gopher", "Origin: null", "Accept: \xff",
             "Content-Type: multipart/form-data"]
        ),
        max_size=4,
    ),
)  # fmt: skip
def test_any_request_is_answered(server: Server, path: str, method: str, headers: list[str]) -> None:
    fine(*ask(server, re.sub(r"[\s\x00-\x1f]", "", path), method, *headers))


@pytest.mark.parametrize(
    "data",
    [b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"GET /\r\n\r\n",
     b"\x00" * 100 + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
     b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
     b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
     b"GET /_stcore/stream HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_http_is_refused(server: Server, data: bytes) -> None:
    assert raw(server, data)[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 2")


def test_of_streamlits_own_routes_only_those_of_pages_are_open(server: Server) -> None:
    """As its installed version names them."""
    known = {
        path
        for module in (starlette_agent_routes, starlette_routes)
        for name, path in vars(module).items()
        if "ROUTE_" in name and isinstance(path, str) and path.startswith("_stcore/")
    }
    assert len(known) > 6
    known |= {"_stcore/metrics", "_stcore/metrics?families=active_sessions", "_stcore/bidi-components/x/y"}
    for path in known - set(policies.OPEN):
        assert ask(server, "/" + path)[0] == 404, path
    for path in ("_stcore/health", "_stcore/host-config", "_stcore/agent/openapi.json"):
        assert ask(server, "/" + path)[0] == 200, path


def test_the_headers_are_on_every_answer(server: Server) -> None:
    for path in PATHS:
        _, told = ask(server, path, "GET", "Accept: text/html")
        for name, value in policies.headers().items():
            assert told[name.lower()] == value, path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/_stcore/upload_file/a/b", "/_stcore/agent/mcp", "/", "/lab/live"])
def test_nothing_is_taken_in(server: Server, method: str, path: str) -> None:
    """The answer comes although the body never does."""
    status, headers = ask(server, path, method, "Content-Length: 999999999")
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert headers["connection"] == "close"
