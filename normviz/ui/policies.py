"""What browsers are told to allow on our pages, and what requests this server takes.

Every answer carries a content security policy (https://www.w3.org/TR/CSP3/) under which a page can load, ask
and send nothing outside this server, and run no script but ours: should markup of a stranger ever come onto a
page, it would find nothing that it may do.  Encryption, and the header that demands it, are the proxy's.

The site takes settings in the address and over websockets.  No request has a body: uploads and the like,
which Streamlit would keep in memory, are refused unread.  Of Streamlit's own routes those are open that pages
ask for; the others would tell of the process or work for whoever asks.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from normviz.player.settings import Settings
from normviz.ui import ahead
from normviz.ui.health import under_base

OPEN = ("_stcore/health", "_stcore/host-config", "_stcore/stream", "_stcore/agent/openapi.json")
"""Of ``_stcore/``: what a page asks for before it connects, the websocket of its session, and what the HTML
refers programs to, which tells them that there is nothing for them."""
CLOSED = ("_stcore", "auth", "oauth2callback", "component")
"""Where nothing else is found: metrics of Streamlit's process, script runs on demand for health checks, the
interface for programs, uploads, files of components (ours have none), signing in and out."""
_METHODS = ("GET", "HEAD", "OPTIONS")
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Policies:
    """Adds the headers to every answer, and refuses requests that would bring something."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = headers(settings.embed_in)
        self._open = {under_base(path) for path in OPEN}
        self._closed = tuple(under_base(path) + "/" for path in CLOSED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        app = self._served(scope["path"]) if scope["method"] in _METHODS else _NO_BODY
        await app(scope, receive, guarded)

    def _served(self, path: str) -> ASGIApp:
        closed = path not in self._open and f"{path}/".startswith(self._closed)
        return _NOTHING if closed else self._app


_NOTHING = PlainTextResponse("Not found.\n", 404, {"Cache-Control": "no-store"})
_NO_BODY = PlainTextResponse(
    "This site only shows; nothing can be sent to it.",
    405,
    {"Allow": ", ".join(_METHODS), "Connection": "close"},
)


def headers(embed_in: Sequence[str] = ()) -> dict[str, str]:
    """The headers; pages may be shown in frames of this site and of the origins ``embed_in``."""
    return {
        "Content-Security-Policy": "; ".join(_policy(embed_in)),
        "X-Content-Type-Options": "nosniff",
        # Addresses hold settings and whole lessons: they are nobody else's business.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


_UNUSED = (
    "accelerometer", "bluetooth", "camera", "display-capture", "geolocation", "gyroscope", "hid",
    "magnetometer", "microphone", "midi", "payment", "screen-wake-lock", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip


def _policy(embed_in: Sequence[str]) -> Iterator[str]:
    yield "default-src 'self'"
    # Streamlit makes modules of blobs from the text of our components (stage, anatomy, tiles, languages).
    # The inline scripts are one line of Streamlit's HTML and the one of ours.
    yield " ".join(["script-src 'self' blob:", *map(_hash, _inline_scripts())])
    # Styles are written into elements by Streamlit (emotion), by plotly.js and by our charts.
    yield "style-src 'self' 'unsafe-inline'"
    # Plotly makes pictures of its charts from data: and blob: addresses; themes draw signs from data:.
    yield "img-src 'self' data: blob:"
    yield "font-src 'self' data:"
    for nowhere in ("object-src", "frame-src", "worker-src", "media-src", "base-uri", "form-action"):
        yield f"{nowhere} 'none'"
    yield " ".join(["frame-ancestors 'self'", *embed_in])


def _inline_scripts() -> list[str]:
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    return [script for html in (page.read_text("utf-8"), ahead.BASE) for script in _INLINE.findall(html)]


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
