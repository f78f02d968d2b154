"""The runs that a player knows: found by what they compute or by their token, forgotten by age."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable

from normviz.player.runs import Run, State
from normviz.player.settings import MB, Settings
from normviz.spec import Spec

_OLD_AFTER = 60.0  # seconds unwatched; the memory for recordings is then a smaller one
_MOST_RUNS = 10_000  # known runs, with or without frames


class Registry:
    """All runs, the one asked for last at the end; its methods may be called from any thread."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, Run] = OrderedDict()  # by key
        self._keys: dict[str, str] = {}  # token -> key
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._runs)

    def of(self, spec: Spec, version: str) -> Run:
        """The one run of a spec by this version of the engine; a new one if there is none."""
        key = f"{spec.key} {version}"
        with self._lock:
            run = self._runs.get(key)
            if run is None:
                run = self._runs[key] = Run(spec, version)
                self._keys[run.token] = key
            self._runs.move_to_end(key)
            run.left = time.monotonic()
        return run

    def find(self, token: str) -> Run | None:
        """The run of a token."""
        with self._lock:
            return self._runs.get(self._keys.get(token, ""))

    def all(self) -> list[Run]:
        """The runs known."""
        with self._lock:
            return list(self._runs.values())

    def touch(self, run: Run) -> None:
        """A run was asked for or watched just now."""
        run.left = time.monotonic()
        with self._lock:
            key = self._keys.get(run.token)
            if key:
                self._runs.move_to_end(key)

    def make_room(self, settings: Settings) -> None:
        """Let go of the recordings watched least recently, and of runs beyond the number to be known."""
        now = time.monotonic()
        with self._lock:
            idle = [
                (key, run)
                for key, run in self._runs.items()
                if not run.watches and run.state not in (State.LIVE, State.WAITING)
            ]
            old = [run for _, run in idle if now - run.left > _OLD_AFTER and not run.adopted]
            _forget(old, sum(run.nbytes for run in old) - settings.kept * MB)
            total = sum(run.nbytes for run in self._runs.values())
            _forget([run for _, run in idle], total - settings.recordings * MB)
            for key, run in idle[: max(0, len(self._runs) - _MOST_RUNS)]:
                del self._runs[key], self._keys[run.token]


def _forget(runs: Iterable[Run], excess: int) -> None:
    """Let go of recordings, in this order, until so many bytes are free."""
    for run in runs:
        if excess <= 0:
            return
        excess -= run.nbytes
        run.forget()
