"""The headers, and what of them an operator decides.  A running server and a browser: ``tests/hostile``."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from streamlit import config

from normviz.player import Settings
from normviz.spec import SpecError
from normviz.ui import ahead
from normviz.ui.policies import OPEN, Policies, headers
from normviz.ui.portions import SIZE, Portions


def directives(embed_in: tuple[str, ...] = ()) -> dict[str, list[str]]:
    policy = headers(embed_in)["Content-Security-Policy"]
    return {name: allowed for name, *allowed in (part.split() for part in policy.split("; "))}


def test_nothing_comes_from_elsewhere() -> None:
    sources = {source for allowed in directives().values() for source in allowed}
    assert {one for one in sources if not one.startswith("'sha256-")} == {
        "'self'", "'none'", "'unsafe-inline'", "blob:", "data:",
    }  # fmt: skip
    assert "'unsafe-inline'" not in directives()["script-src"]
    assert "'unsafe-eval'" not in directives()["script-src"]
    assert "data:" not in directives()["script-src"]


def test_every_inline_script_of_a_page_is_known_and_no_other() -> None:
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text() + ahead.head("train")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    known = {base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts}
    assert known == {one[8:-1] for one in directives()["script-src"] if one.startswith("'sha256-")}
    assert len(known) == 2


def test_frames_of_others_are_the_operators_choice() -> None:
    assert directives()["frame-ancestors"] == ["'self'"]
    set_ = Settings.from_environment(
        {"NORMVIZ_EMBED_IN": "https://moodle.example.org, https://*.school.edu:8443"}
    )
    assert directives(set_.embed_in)["frame-ancestors"] == [
        "'self'", "https://moodle.example.org", "https://*.school.edu:8443",
    ]  # fmt: skip
    assert directives(Settings(embed_in=("*",)).embed_in)["frame-ancestors"] == ["'self'", "*"]


@pytest.mark.parametrize(
    "origin", ["moodle.example.org", "https://x.org/path", "https://x.org; script-src *", "x y", "'none'"]
)
def test_what_is_no_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(SpecError, match=r"NORMVIZ_EMBED_IN: “.*” does not work; allowed is origins such as"):
        Settings.from_environment({"NORMVIZ_EMBED_IN": origin})


async def _fails(request: object) -> None:
    raise AssertionError("it was asked")


APP = Starlette(
    routes=[
        Route(
            "/own",
            lambda _: PlainTextResponse("x", headers={"Referrer-Policy": "unsafe-url", "X-Own": "stays"}),
        ),
        Route("/large", lambda _: PlainTextResponse(bytes(range(256)) * 2000, headers={"ETag": "e"})),
        Route("/parts", lambda _: StreamingResponse(iter([b"a" * 10, b"b" * (3 * SIZE), b"", b"c"]))),
        Route("/taken", _fails, methods=["POST", "PUT"]),
    ],
    middleware=[Middleware(Policies, Settings()), Middleware(Portions)],
)


def ask(path: str, method: str = "GET") -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await client.request(method, path)

    return asyncio.run(asked())


def test_headers_replace_those_of_the_same_name_and_leave_others() -> None:
    answer = ask("/own")
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-own"] == "stays"
    assert ask("/nothing").headers["content-security-policy"]


def test_what_would_bring_something_is_not_even_asked() -> None:
    assert ask("/taken", "POST").status_code == 405


def test_portions_are_the_whole() -> None:
    assert ask("/large").content == bytes(range(256)) * 2000
    assert ask("/parts").content == b"a" * 10 + b"b" * (3 * SIZE) + b"c"


@pytest.mark.parametrize("size", [0, 1, SIZE - 1, SIZE, SIZE + 1, 3 * SIZE, 3 * SIZE + 7])
def test_no_portion_is_larger_than_one(size: int) -> None:
    told: list[dict[str, object]] = []

    async def app(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.body", "body": b"x" * size})  # type: ignore[operator]

    async def send(message: dict[str, object]) -> None:
        told.append(message)

    asyncio.run(Portions(app)({"type": "http"}, None, send))  # type: ignore[arg-type]
    bodies = [one["body"] for one in told]
    assert [len(body) for body in bodies[:-1]] == [SIZE] * (len(bodies) - 1)  # type: ignore[arg-type]
    assert b"".join(bodies) == b"x" * size  # type: ignore[arg-type]
    assert len(bodies) == max(1, -(-size // SIZE))
    assert [bool(one.get("more_body")) for one in told] == [True] * (len(told) - 1) + [False]


@pytest.fixture
def based(request: pytest.FixtureRequest) -> Iterator[str]:
    """A base path."""
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", request.param)
    yield request.param.strip("/")
    config.set_option("server.baseUrlPath", before)


@pytest.mark.parametrize("based", ["", "lab/norms", "/lab/norms/"], indirect=True)
def test_of_streamlits_own_routes_those_of_pages_are_open(based: str) -> None:
    """Whatever routes it has or will have."""
    closed = (
        "_stcore/metrics", "_stcore/metrics/", "_stcore/script-health-check", "_stcore/agent/interact",
        "_stcore/agent/mcp", "_stcore/upload_file/a/b", "_stcore/bidi-components/x/y",
        "_stcore/health/x", "_stcore/", "_stcore", "auth/login", "auth/logout", "oauth2callback",
        "component/x/index.html",
    )  # fmt: skip
    open_ = (*OPEN, "media/x.png", "static/js/x.js", "train", "", "authors")
    for path, status in [*((one, 404) for one in closed), *((one, 200) for one in open_)]:
        for method in ("GET", "OPTIONS"):
            assert answered(f"/{based}/{path}" if based else f"/{path}", method) == status, path


def answered(path: str, method: str) -> int:
    """The status with an application behind the policies that answers everything."""

    async def asked() -> int:
        site = Policies(PlainTextResponse("x"), Settings())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://site") as client:
            answer = await client.request(method, path)
            assert answer.headers["content-security-policy"]
            return answer.status_code

    return asyncio.run(asked())
