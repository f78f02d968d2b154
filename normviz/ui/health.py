"""Whether this server lives, and whether it can compute: for containers, proxies and whoever watches them.

    GET /lab/live     200 as long as the web process answers
    GET /lab/ready    200 once runs can be computed, 503 before that and while the server ends

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
    base = "/" + str(config.get_option("server.baseUrlPath") or "").strip("/")
    prefix = base.rstrip("/") + "/lab"
    return [
        Route(f"{prefix}/live", live, methods=["GET"]),
        Route(f"{prefix}/ready", ready, methods=["GET"]),
    ]


async def live(_: Request) -> Response:
    """The event loop turns."""
    return JSONResponse({"live": True}, headers=_HEADERS)


async def ready(_: Request) -> Response:
    """The player runs and an engine host is warm."""
    able = _able()
    return JSONResponse({"ready": able}, status_code=200 if able else 503, headers=_HEADERS)


def _able() -> bool:
    try:
        return player.current().able
    except RuntimeError:  # before the start, and after the end
        return False
