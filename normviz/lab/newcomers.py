"""Newcomers first: which runs stand still while others have not shown anything yet.

Of sixty runs that begin at once, each gets a sixtieth of the machine if the kernel decides: all of them show
their first frame at the same late moment, and those that came a little earlier take time for their second.
Here runs without a frame go first, a few at a time, in the order in which they came; the others stand still
so long.  The last one is done sooner, the first one after a fraction of the time.

Whoever needs long for its first frame loses the precedence, and a crowd that never ends does so too, for a
while.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Set

_SPARE = 1  # runs beyond the number of cores: one may wait for its pipe or for memory
_HEAD_START = 2.0  # seconds of precedence for one run
_CROWD = 8.0  # seconds of precedence for all newcomers together, before half as long for everybody


class Newcomers:
    """Who has not shown anything yet, and who stands still for them.  Times are seconds of one clock."""

    def __init__(self, at_once: int | None = None) -> None:
        self._at_once = at_once or len(os.sched_getaffinity(0)) + _SPARE
        self._new: dict[int, float | None] = {}  # run -> since when it goes; in the order of their coming
        self._since: float | None = None  # when the present crowd began

    def came(self, run: int) -> None:
        """A run has begun."""
        self._new[run] = None

    def known(self, run: int) -> None:
        """A run has shown something, or has ended."""
        self._new.pop(run, None)

    def held(self, runs: Iterable[int], resting: Set[int], now: float) -> set[int]:
        """Those of all ``runs`` that stand still now."""
        self._new = {run: at for run, at in self._new.items() if at is None or now - at < _HEAD_START}
        waiting = [run for run in self._new if run not in resting]
        if not waiting:
            self._since = None
            return set()
        crowded = now - self._since if self._since is not None else 0.0
        if self._since is None or crowded > 1.5 * _CROWD:
            self._since, crowded = now, 0.0
        if crowded > _CROWD:
            return set()
        going = waiting[: self._at_once]
        for run in going:
            if self._new[run] is None:
                self._new[run] = now
        return set(runs).difference(going)

    @property
    def look_again(self) -> float | None:
        """Seconds after which ``held`` may be another without an event; None: never."""
        return _HEAD_START / 4 if self._new else None
