"""A small web server around the stream: its routes, its lifespan, and a route that opens a spec.

uvicorn tests.ui.stream_server:app
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from normviz import player, specs
from normviz.spec import SpecError
from normviz.ui import drains, health, logs, metrics, stream
from normviz.ui.connections import Connections
from normviz.ui.environment import settings
from tests.player import small_experiments

assert "walk" in specs.EXPERIMENTS, small_experiments


def open_spec(request: Request) -> JSONResponse:
    """Open the spec in ``?spec=``; runs in a thread, as Streamlit's scripts do."""
    try:
        return JSONResponse({"token": player.current().open(specs.from_json(request.query_params["spec"]))})
    except SpecError as error:
        return JSONResponse({"sentence": error.sentence}, 400)


def report(request: Request) -> JSONResponse:
    """Facts of the player."""
    return JSONResponse(player.current().report())


logs.set_up(settings())

app = Starlette(
    middleware=[Middleware(Connections, settings())],
    routes=[
        *stream.routes(), *health.routes(), *metrics.routes(), *drains.routes(), Route("/open", open_spec),
        Route("/report", report),
    ],
    lifespan=stream.lifespan,
)  # fmt: skip
