"""Who is one visitor: all windows of one browser, known by a cookie that says nothing else.

The player shares the machine by visitor (``Player.watch``), and cannot go by the network address, which a
classroom shares, or by the page, of which one visitor may open many.  The cookie is a random word that lasts
as long as the browser runs; no log and no page ever shows it.  All that come without it from one address
(``ui/connections.py``) are one visitor, so that nobody gains by leaving it away.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from normviz.player import Settings
from normviz.ui.connections import address, network

COOKIE = "normviz_visitor"
_WORD = re.compile(r"[\w-]{20,40}", re.ASCII)


_HERE = "127.0.0.1"


def of_connection(connection: HTTPConnection) -> str:
    """The name of whoever is at the other end: the cookie's word, else the address."""
    return word(connection.cookies) or f"at {address(connection.scope)}"


def of_page() -> str:
    """The same for the visitor for whom a page's script runs."""
    # Streamlit keeps this machine's own address to itself.
    return word(st.context.cookies) or f"at {network(st.context.ip_address or _HERE)}"


def word(cookies: Mapping[str, str]) -> str:
    """The word of a visitor; empty if there is none that we could have made."""
    found = cookies.get(COOKIE, "")
    return found if _WORD.fullmatch(found) else ""


class Visitors:
    """Gives the cookie to whoever opens a page without one."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._framed = app, bool(settings.embed_in)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _opens_a_page(scope):
            await self._app(scope, receive, send)
            return

        async def give(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append(
                    "Set-Cookie", _cookie(scope["scheme"] == "https", self._framed)
                )
            await send(message)

        await self._app(scope, receive, give)


def _opens_a_page(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    known = word(cookie_parser(headers.get("cookie", "")))
    return scope["method"] == "GET" and "text/html" in headers.get("accept", "") and not known


def _cookie(secure: bool, framed: bool) -> str:
    path = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
    made = secrets.token_urlsafe(18)
    return f"{COOKIE}={made}; Path={path}; HttpOnly; {_where(secure, framed)}"


def _where(secure: bool, framed: bool) -> str:
    """To whom a browser tells it; in a frame of another site only what is marked so, which asks for TLS."""
    if secure and framed:
        return "SameSite=None; Secure; Partitioned"
    return "SameSite=Lax" + ("; Secure" if secure else "")
