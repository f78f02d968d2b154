"""Streamlit's own files out of memory, compressed once: those for which a browser asks when it opens a page.

Streamlit reads its hundred files from the disk for every visitor, one thread's work each, and sends them as
they are, since compressing them anew every time would cost more than it gains.  But they are the same for
everybody, and their names hold a hash of their contents.  So they are read and compressed while the server
starts, and answered before a request comes to Streamlit.

All else remains Streamlit's: other files, parts of files, clients that cannot unpack.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from normviz.ui import chunks
from normviz.ui.health import under_base
from normviz.ui.static import YEAR, unpacks, vouched

MOST = 8_000_000
"""Bytes of memory for all files together; those that find no room are left to Streamlit."""

_HASHED = re.compile(r"static/(?:js|css|media)/[\w.-]+\.[\w-]{8}\.(js|css|woff2)")
_TYPES = {"js": "text/javascript", "css": "text/css", "woff2": "font/woff2"}
_LASTING = ("Cache-Control", "ETag", "Vary")
"""Headers of an answer that says that nothing has changed."""
_PACKED = ("js", "css")
"""Endings of files that compression makes smaller; fonts are compressed already."""


@dataclass(frozen=True)
class File:
    """What is answered: a body, and headers that hold for ever."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def packed(self) -> bool:
        """Whether only clients that can unpack may have it."""
        return "Content-Encoding" in self.headers


class Bundles:
    """Answers requests for these files and passes all others on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app = (_answer(scope) if scope["type"] == "http" else None) or self._app
        await app(scope, receive, send)


def _answer(scope: Scope) -> Response | None:
    if "/static/" not in scope["path"] or scope["method"] not in ("GET", "HEAD"):
        return None
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    file = files().get(path.removeprefix(under_base("")))
    asked = Headers(scope=scope)
    if file is None or "range" in asked or (file.packed and not unpacks(asked)):
        return None
    if vouched(asked, file.headers["ETag"]):
        return Response(status_code=304, headers={name: file.headers[name] for name in _LASTING})
    answer = Response(file.body, headers=file.headers)  # which tells the length, whatever the method
    if scope["method"] == "HEAD":
        answer.body = b""
    return answer


def prepare() -> None:
    """Read and compress everything now, so that nobody waits for it later."""
    files()


@cache
def files() -> Mapping[str, File]:
    """Every file by its address relative to the site's base path."""
    folder = chunks.folder()
    found: dict[str, File] = {}
    room = MOST
    for name in chunks.all_files() if folder else ():
        named = _HASHED.fullmatch(name)
        if folder is None or named is None or not (folder / name).is_file():
            continue
        file = _file((folder / name).read_bytes(), named[1])
        if len(file.body) <= room:
            found[name] = file
            room -= len(file.body)
    return found


def _file(contents: bytes, ending: str) -> File:
    headers = {
        "Content-Type": _TYPES[ending] + ("; charset=utf-8" if ending in _PACKED else ""),
        "Cache-Control": f"public, max-age={YEAR}, immutable",
        "ETag": f'"{hashlib.sha256(contents).hexdigest()[:16]}"',
        "Vary": "Accept-Encoding",
    }
    if ending in _PACKED:
        contents = gzip.compress(contents, compresslevel=6, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return File(contents, headers)
