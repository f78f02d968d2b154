"""The drain, for updates: newcomers are sent elsewhere, and whoever is here keeps their runs.

    POST /lab/drain, SIGUSR1    begin: /lab/ready answers 503, so that a proxy sends newcomers elsewhere
    DELETE /lab/drain           end it
    SIGTERM                     begin, wait until nobody watches a run in progress and every frame has
                                arrived, NORMVIZ_DRAIN seconds at most (default 0), then end; a second
                                SIGTERM ends the wait

While it waits everything works as always, new runs of those who are here too.  The wait has to come before
the server's own end, which begins with closing every connection; so the signal is kept from it until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from normviz import player
from normviz.ui import gates
from normviz.ui.health import under_base

logger = logging.getLogger(__name__)

_LOOK_EVERY = 0.2  # seconds


def routes() -> list[Route]:
    """The route, under Streamlit's base path."""
    return [Route(under_base("lab/drain"), drain, methods=["GET", "POST", "DELETE"])]


async def drain(request: Request) -> Response:
    """Begin (POST) or end (DELETE) the drain, or tell of it (GET)."""
    if not gates.token():
        return gates.nothing_here()
    if refused := gates.refusal(request):
        return refused
    playing = player.here()
    if request.method != "GET":
        set_draining(playing, request.method == "POST")
    told = {"draining": playing.draining, "attended_runs": playing.attended}
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def set_draining(playing: player.Player, draining: bool) -> None:
    """Begin or end the drain."""
    if playing.draining == draining:
        return
    playing.draining = draining
    told = {"event": "drain_began" if draining else "drain_ended", "attended_runs": playing.attended}
    if draining:
        logger.info("draining: newcomers should go elsewhere; %(attended_runs)d runs are attended", told)
    else:
        logger.info("not draining any more", told)


@contextlib.contextmanager
def on_signals(playing: player.Player) -> Iterator[None]:
    """Heed SIGUSR1 and SIGTERM until the end of the block; in the event loop of the main thread."""
    if threading.current_thread() is not threading.main_thread():  # only there may signals be taken
        yield
        return
    loop = asyncio.get_running_loop()
    ending = _Ending(playing)
    heeded = {signal.SIGTERM: ending.asked}
    if hasattr(signal, "SIGUSR1"):
        heeded[signal.SIGUSR1] = lambda: set_draining(playing, True)
    before = {
        number: signal.signal(number, lambda *_, act=act: loop.call_soon_threadsafe(act))
        for number, act in heeded.items()
    }
    ending.server = before[signal.SIGTERM]
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Ending:
    """From the first SIGTERM to the server's own end."""

    def __init__(self, playing: player.Player) -> None:
        self._player = playing
        self._wait: asyncio.Task[None] | None = None
        self.server: Any = signal.SIG_DFL
        """What the web server does on SIGTERM."""

    def asked(self) -> None:
        """SIGTERM came."""
        if self._wait is not None:
            self._wait.cancel()
            self._end()
        else:
            self._wait = asyncio.create_task(self._end_in_time())

    async def _end_in_time(self) -> None:
        limit = self._player.settings.drain
        if limit:
            set_draining(self._player, True)
            until = time.monotonic() + limit
            while self._player.attended and time.monotonic() < until:
                await asyncio.sleep(_LOOK_EVERY)
        self._end()

    def _end(self) -> None:
        told = {"event": "server_ending", "attended_runs": self._player.attended}
        logger.info("the server ends; %(attended_runs)d runs are attended", told)
        server = getattr(self.server, "__self__", None)
        if isinstance(server, uvicorn.Server):
            # Told of the signal, it would in the end have the process die by it; so that ends with code 0.
            server.should_exit = True
        else:
            signal.signal(signal.SIGTERM, self.server)
            signal.raise_signal(signal.SIGTERM)
