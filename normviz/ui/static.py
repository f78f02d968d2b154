"""The files of the stage over HTTP: its modules, its styles, and plotly.js.

Of plotly.js this is the official bundle for charts on plain axes, as its makers publish it (the package
``plotly.js-cartesian-dist-min``; the licence lies beside it), in the version for which the installed plotly
was made.  The whole bundle in that package is three times as large, and takes nearly three times as long
until it is ready.

Everything is local, so nothing is fetched from the internet at run time.  Addresses carry a version made
from the contents, therefore browsers may keep the files for ever and never see a mixture of two versions.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config

FOLDER = Path(__file__).resolve().parent / "assets"
PLOTLY = "plotly.min.js"
STAGE = "stage.js"
AHEAD = "ahead.js"
SITE = "site.css"

_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".bin": "application/octet-stream",
}
YEAR = 31_536_000  # seconds
_SMALL = 2_000  # bytes; below this compression gains nothing
_NEVER = re.compile(r"q=0(\.0*)?", re.IGNORECASE)


def address(name: str) -> str:
    """Where a file is served, relative to the site's base path."""
    return f"lab/assets/{version()}/{name}"


@cache
def version() -> str:
    """Short name of the present contents of all files."""
    digest = hashlib.sha256()
    for name in sorted(_names()):
        digest.update(name.encode())
        digest.update(contents(name))
    return digest.hexdigest()[:12]


def prepare() -> None:
    """Read and compress everything now, so that nobody waits for it later."""
    for name in _names():
        if len(contents(name)) > _SMALL:
            _compressed(name)


@cache
def imported(entry: str) -> tuple[str, ...]:
    """A module and all that it imports, directly or not, in the order in which they are met."""
    names = [entry]
    for name in names:
        found = re.findall(
            r'^import .*?"\./([^"]+)"|from "\./([^"]+)"', contents(name).decode(), re.MULTILINE
        )
        names += [one for one in dict.fromkeys(a or b for a, b in found) if one not in names]
    return tuple(names)


def routes() -> list[Route]:
    """The routes to mount beside Streamlit's own, under the configured base path."""
    base = "/" + str(config.get_option("server.baseUrlPath")).strip("/")
    prefix = base.rstrip("/") + "/lab/assets"
    return [
        Route(f"{prefix}/{{version}}/{{name}}", _serve, methods=["GET"]),
        Route(f"{prefix}/{{name}}", _serve, methods=["GET"]),
    ]


def unpacks(asked: Headers) -> bool:
    """Whether a client takes what gzip has packed (RFC 9110, section 12.5.3)."""
    takes = {}
    for part in asked.get("accept-encoding", "").split(","):
        name, _, weight = part.partition(";")
        takes[name.strip().lower()] = not _NEVER.fullmatch(weight.strip())
    return takes.get("gzip", takes.get("*", False))


def vouched(asked: Headers, etag: str) -> bool:
    """Whether a client has this version already (RFC 9110, section 13.1.2)."""
    known = (one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(","))
    return any(one in (etag, "*") for one in known)


async def _serve(request: Request) -> Response:
    """One file; on the event loop, since all were compressed before the first request (``prepare``)."""
    name = request.path_params["name"]
    if name not in _names():
        return PlainTextResponse("There is no such file.", status_code=404)
    current = request.path_params.get("version") == version()
    headers = {
        "Cache-Control": f"public, max-age={YEAR}, immutable" if current else "no-cache",
        "ETag": f'"{version()}"',
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if vouched(request.headers, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    body = contents(name)
    if len(body) > _SMALL and unpacks(request.headers):
        body = _compressed(name)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=_TYPES[Path(name).suffix], headers=headers)


@cache
def _names() -> frozenset[str]:
    """The only names that are served, so a request cannot reach any other file."""
    return frozenset(path.name for path in FOLDER.iterdir() if path.suffix in _TYPES)


@cache
def contents(name: str) -> bytes:
    """The bytes of a file, by its name."""
    return (FOLDER / name).read_bytes()


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(contents(name), compresslevel=6, mtime=0)
