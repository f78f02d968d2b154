"""A player in an event loop of its own thread, as in the server; the tests are a script thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any

from normviz.frames import Frame, Schema
from normviz.player import Player, Run, Settings
from normviz.spec import Spec

EXPERIMENTS = ("tests.player.small_experiments",)


class Stand:
    """A running player and its event loop."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.player = Player(settings)
        self.wait(self.player.start())

    def wait(self, coroutine: Coroutine[Any, Any, Any], within: float = 300) -> Any:
        """Run a coroutine in the player's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(within)

    def open(self, spec: Spec, visitor: str = "") -> Run:
        """Open a spec, as a visitor of this name, and look at its run."""
        run = self.player.run(self.player.open(spec, visitor))
        assert run
        return run

    def watch(self, spec: Spec) -> Future[Run]:
        """Open a spec and watch its run to the end."""
        return asyncio.run_coroutine_threadsafe(self.player.finished(self.player.open(spec)), self._loop)

    @contextlib.contextmanager
    def watching(self, spec: Spec) -> Iterator[Run]:
        """Watch a run for a while; leaving does not wait for its end."""
        end = self.watch(spec)
        try:
            yield self.open(spec)
        finally:
            end.cancel()

    @contextlib.contextmanager
    def looking(self, run: Run, visitor: str) -> Iterator[None]:
        """Look at a run for a while, as a visitor of this name."""

        async def look(there: threading.Event, leave: asyncio.Event) -> None:
            with self.player.watch(run, visitor):
                there.set()
                await leave.wait()

        there, leave = threading.Event(), asyncio.Event()
        end = asyncio.run_coroutine_threadsafe(look(there, leave), self._loop)
        assert there.wait(60)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(leave.set)
            end.result(60)

    def finish(self, spec: Spec) -> Run:
        """Watch a run to the end and wait for it."""
        return self.watch(spec).result(300)

    @property
    def hosts(self) -> list[int]:
        """Process ids of the engine hosts."""
        engine: Any = self.player.report()["engine"]
        return [host["pid"] for host in engine["hosts"] if host["ready"]]

    @property
    def at_work(self) -> int:
        """Runs that the engine computes."""
        engine: Any = self.player.report()["engine"]
        return sum(host["runs"] for host in engine["hosts"])

    @property
    def log(self) -> str:
        """What the engine's processes logged elsewhere than in this one's log."""
        return ""

    def close(self) -> None:
        """End everything."""
        self.wait(self.player.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def frames_of(spec: Spec, runner: Callable[[Any], Iterator[Schema | Frame]]) -> list[bytes]:
    """The frames of an undisturbed run, computed here."""
    first, *frames = runner(spec)
    assert isinstance(first, Schema)
    return [first.encode(frame) for frame in frames if isinstance(frame, Frame)]
