"""Files of a page that the browser is told of in its HTML, before any script has asked for them.

Streamlit mounts a component only once its own hundred files are there, and it asks for many of them only when
the first element of a kind has come; our modules and plotly.js would come after them, one import behind the
other.  Links in the head of the HTML have all of them come at the same time.  (A ``Link`` header would do the
same, but so many of them are more than some proxies let pass.)

The site's style sheet is linked there too, at the end of the body, so that it follows those that Streamlit
writes into the head and is in force before anything is drawn: what came first would move when it came later.

A page with a stage begins its run at the same time (``ui/assets/ahead.js``): its frames wait for the stage.

Besides, Streamlit takes the address of a page for its base path first, and waits half a second before it
tries the one above.  It is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from normviz.ui import chunks, static
from normviz.ui.doors import page_at
from normviz.ui.pages import PAGES, Page

_END_OF_HEAD, _END_OF_BODY = b"</head>", b"</body>"
DATA = {"tiles.js": "start.bin", "anatomy.js": "anatomy.json"}
"""What a module asks for as soon as it is mounted."""
BASE = "<script>window.__streamlit ??= { BACKEND_BASE_URL: new URL('.', location.href).href };</script>"
"""In the address of a page other than the front door, what stands before its name is the base path."""


class Ahead:
    """Adds the links to every page that a browser opens (all pages of the site share one HTML file)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _wants_html(scope):
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, head(scope["path"].rstrip("/").rpartition("/")[2]), foot())
        await self._app(_uncompressed(scope), receive, answer.send)


def _wants_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _uncompressed(scope: Scope) -> Scope:
    """The same request of a browser that cannot unpack, since what is packed cannot be added to."""
    kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
    return {**scope, "headers": kept}


class _Answer:
    """Passes an answer on; if it is HTML, whole and with the links in its head and at its end."""

    def __init__(self, send: Send, head: str, foot: str) -> None:
        self._send, self._head, self._foot = send, head.encode(), foot.encode()
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
        body = self._body.replace(_END_OF_HEAD, self._head + _END_OF_HEAD, 1)
        before, end, after = body.rpartition(_END_OF_BODY)
        body = before + self._foot + end + after
        headers = MutableHeaders(scope=start)
        headers["Content-Length"] = str(len(body))
        for name in ("ETag", "Last-Modified"):  # they vouch for the file alone
            del headers[name]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_plain_html(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers


@cache
def head(url_path: str) -> str:
    """What goes into the head of a page: where Streamlit is, and all that the page needs."""
    page = page_at(url_path)
    links = "".join(_links(page or PAGES[0]))
    return (BASE if page and url_path else "") + links


def foot() -> str:
    """What goes to the end of the body of every page: the look of the site."""
    return f'<link rel="stylesheet" href="{_rooted(static.address(static.SITE))}">'


def _links(page: Page) -> Iterator[str]:
    """All that the page needs now, and plotly.js for the next one if it needs none."""
    staged = page.module == static.STAGE
    begun: tuple[str, ...] = ()
    if staged:  # at once, without waiting for Streamlit's scripts, which stand before it
        begun = static.imported(static.AHEAD)
        yield f'<script type="module" async src="{_rooted(static.address(static.AHEAD))}"></script>'
        yield from map(_module, begun[1:])
    elements = (*chunks.CONTROLS, chunks.FORMULAS) if staged else ()
    for address in chunks.files(*chunks.EVERYWHERE, *elements):
        yield f'<link rel="modulepreload" crossorigin href="{_rooted(address)}">'
    yield from (_module(name) for name in static.imported(page.module) if name not in begun)
    if data := DATA.get(page.module):
        yield f'<link rel="preload" as="fetch" crossorigin href="{_rooted(static.address(data))}">'
    how = 'rel="preload" as="script" fetchpriority="low"' if staged else 'rel="prefetch"'
    yield f'<link {how} href="{_rooted(static.address(static.PLOTLY))}">'


def _module(name: str) -> str:
    return f'<link rel="modulepreload" href="{_rooted(static.address(name))}">'


def _rooted(address: str) -> str:
    base = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"{base.rstrip('/')}/{address}"
