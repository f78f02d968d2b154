"""Who is one visitor: all windows of one browser, known by a cookie that says nothing else.

The player shares the machine by visitor (``Player.watch``), and cannot go by the network address, which a
classroom shares, or by the page, of which one visitor may open many.  The cookie is a random word that lasts
as long as the browser runs; no log and no page ever shows it.  Whoever refuses it is a new visitor with each
window.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

COOKIE = "normviz_visitor"
_WORD = re.compile(r"[\w-]{20,40}", re.ASCII)


def visitor(cookies: Mapping[str, str]) -> str:
    """The word of a visitor; empty if there is none that we could have made."""
    word = cookies.get(COOKIE, "")
    return word if _WORD.fullmatch(word) else ""


class Visitors:
    """Gives the cookie to whoever opens a page without one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _opens_a_page(scope):
            await self._app(scope, receive, send)
            return

        async def give(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", _cookie(scope["scheme"] == "https"))
            await send(message)

        await self._app(scope, receive, give)


def _opens_a_page(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    known = visitor(cookie_parser(headers.get("cookie", "")))
    return scope["method"] == "GET" and "text/html" in headers.get("accept", "") and not known


def _cookie(secure: bool) -> str:
    path = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
    word = secrets.token_urlsafe(18)
    return f"{COOKIE}={word}; Path={path}; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")
