"""Files of a page that the browser is told of in its HTML, before any script has asked for them.

Streamlit mounts a component only once its own hundred files are there, and it asks for many of them only when
the first element of a kind has come; our modules and plotly.js would come after them, one import behind the
other.  Links in the head of the HTML have all of them come at the same time.  (A ``Link`` header would do the same,
but so many of them are more than some proxies let pass.)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from normviz.ui import chunks, static
from normviz.ui.pages import BESIDE, PAGES, Page

_END_OF_HEAD = b"</head>"


class Ahead:
    """Adds the links to every page that a browser opens (all pages of the site share one HTML file)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _wants_html(scope):
            return await self._app(scope, receive, send)
        answer = _Answer(send, links(_page(scope["path"])))
        await self._app(_uncompressed(scope), receive, answer.send)


def _wants_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _uncompressed(scope: Scope) -> Scope:
    """The same request of a browser that cannot unpack, since what is packed cannot be added to."""
    kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
    return {**scope, "headers": kept}


class _Answer:
    """Passes an answer on; if it is HTML, whole and with the links in its head."""

    def __init__(self, send: Send, added: str) -> None:
        self._send, self._added = send, added.encode()
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Take one message of the answer."""
        if message["type"] == "http.response.start" and _is_plain_html(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        body = self._body.replace(_END_OF_HEAD, self._added + _END_OF_HEAD, 1)
        headers = MutableHeaders(scope=start)
        headers["Content-Length"] = str(len(body))
        for name in ("ETag", "Last-Modified"):  # they vouch for the file alone
            del headers[name]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_plain_html(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers


def _page(path: str) -> Page:
    url_path = path.rstrip("/").rpartition("/")[2]
    return next((page for page in (*PAGES, *BESIDE) if page.url_path == url_path), PAGES[0])


@cache
def links(page: Page) -> str:
    """What goes into the head of a page: all that it needs now, and plotly.js for the next one if it needs none."""
    return "".join(_links(page))


def _links(page: Page) -> Iterator[str]:
    staged = page.module == static.STAGE
    for address in chunks.files(chunks.COMPONENT, *(chunks.CONTROLS if staged else ())):
        yield f'<link rel="modulepreload" crossorigin href="{_rooted(address)}">'
    for name in static.imported(page.module):
        yield f'<link rel="modulepreload" href="{_rooted(static.address(name))}">'
    how = 'rel="preload" as="script" fetchpriority="low"' if staged else 'rel="prefetch"'
    yield f'<link {how} href="{_rooted(static.address(static.PLOTLY))}">'


def _rooted(address: str) -> str:
    base = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"{base.rstrip('/')}/{address}"
