"""Files of a page that the browser is told of with its HTML, before any script has asked for them.

Streamlit mounts a component only once its own hundred files are there; our modules and plotly.js would come
after them, one import behind the other.  A ``Link`` header has them come at the same time.
"""

from __future__ import annotations

from functools import cache

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from normviz.ui import static
from normviz.ui.pages import PAGES


class Ahead:
    """Adds the header to every HTML answer (all pages of the site share one HTML file)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("Link", links(scope["path"].rstrip("/").rpartition("/")[2]))
            await send(message)

        return await self._app(scope, receive, told)


@cache
def links(url_path: str) -> str:
    """The header for a page: what it needs now, and plotly.js for the next page where it needs none."""
    base = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
    entry = next((page.module for page in PAGES if page.url_path == url_path), PAGES[0].module)
    found = [f'<{_address(base, name)}>; rel="modulepreload"' for name in static.imported(entry)]
    how = 'rel="preload"; as="script"' if entry == static.STAGE else 'rel="prefetch"'
    return ", ".join([*found, f"<{_address(base, static.PLOTLY)}>; {how}"])


def _address(base: str, name: str) -> str:
    return f"{base.rstrip('/')}/{static.address(name)}"
