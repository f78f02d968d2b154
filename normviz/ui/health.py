"""Whether this server lives, and whether it can compute: for containers, proxies and whoever watches them.

    GET /lab/live     200 as long as the web process answers
    GET /lab/ready    200 once runs can be computed; 503 before that, while no engine host is warm, while the
                      server drains (``normviz.ui.drains``), and while it ends

One that is stuck does not answer the first either: it is served by the event loop that serves everything.
Both lie under Streamlit's base path and answer with a JSON object; neither tells anything of visitors.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit import config

from normviz import player

_HEADERS = {"Cache-Control": "no-store"}


def routes() -> list[Route]:
    """The two routes."""
    return [
        Route(under_base("lab/live"), live, methods=["GET"]),
        Route(under_base("lab/ready"), ready, methods=["GET"]),
    ]


def under_base(path: str) -> str:
    """Where a path lies, under Streamlit's base path."""
    base = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"{base.rstrip('/')}/{path}"


async def live(_: Request) -> Response:
    """The event loop turns."""
    return JSONResponse({"live": True}, headers=_HEADERS)


async def ready(_: Request) -> Response:
    """The player runs, its engine can compute, and newcomers are welcome."""
    try:
        playing = player.current()
    except RuntimeError:  # before the start, and after the end
        return JSONResponse({"ready": False, "draining": False}, status_code=503, headers=_HEADERS)
    able = playing.able and not playing.draining
    told = {"ready": able, "draining": playing.draining}
    return JSONResponse(told, status_code=200 if able else 503, headers=_HEADERS)
