"""Whose turn it is: the line of runs that wait, fair between visitors.

- Of the runs that one visitor alone watches only a share is computed, those opened last.  The others are
  *held*: they stand still, or wait without a place until one of the visitor's own is done.
- Of those that may begin, the run goes first whose visitor has the fewest at work and before it in line; of
  equals the one that came first.  So a visitor with thirty windows is ahead of a newcomer with none.
- A run that stands still, held or unwatched, gives way to one whose turn it is.

Whoever has no name is another visitor each time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from normviz.player.runs import Run


class Line:
    """The runs that wait, in the order in which they came; ``live`` are those at work, by attempt."""

    def __init__(self, live: Mapping[int, Run], share: int) -> None:
        self._live, self._share = live, share
        self._runs: dict[str, Run] = {}  # by token
        self._places: dict[str, int] = {}

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def join(self, run: Run) -> None:
        """A run waits from now on."""
        self._runs[run.token] = run

    def leave(self, run: Run) -> None:
        """A run waits no longer."""
        self._runs.pop(run.token, None)

    def clear(self) -> None:
        """Nobody waits any longer."""
        self._runs.clear()

    def place(self, run: Run) -> int:
        """Place from 1, as of the last ``seat``; 0: it does not wait, or only for others of its visitor."""
        return self._places.get(run.token, 0)

    def seat(self) -> list[Run]:
        """Give the places anew; returns the runs whose place is another one than before."""
        before = self._places
        self._places = {run.token: place for place, run in enumerate(self.order(), 1)}
        return [run for token, run in self._runs.items() if self._places.get(token) != before.get(token)]

    def order(self) -> list[Run]:
        """The runs that may begin, the next one first.  Nobody looks at the others, or they are held."""
        at_work = Counter(name for run in self._live.values() if not run.resting for name in _names(run))
        rounds: dict[str, int] = {}
        waiting = [run for run in self._runs.values() if run.eyes and not run.held]
        for run in waiting:
            names = _names(run)
            rounds[run.token] = 0 if "" in names else min(at_work[name] for name in names)
            at_work.update(names)
        return sorted(waiting, key=lambda run: rounds[run.token])

    def held(self) -> Iterator[tuple[Run, bool]]:
        """Each run, waiting or at work, and whether each of its visitors has enough others that come first.

        What is at work goes on until others are at work instead; what waits comes after those that wait.
        """
        live, waiting = list(self._live.values()), list(self._runs.values())
        for runs, others in ((live, live), (waiting, [*live, *waiting])):
            ranks = _ranks(others)
            for run in runs:
                names = _names(run)
                yield (
                    run,
                    bool(names) and all(name and ranks[name, run.token] >= self._share for name in names),
                )

    def gives_way(self, runs: Iterable[Run]) -> Run | None:
        """Which of these runs at work shall make room: one that stands still; None if none does.

        First those that nobody looks at, the one left longest ago; then, of the visitor who has most, the one
        opened longest ago.
        """
        still = [run for run in runs if run.resting]
        if unwatched := [run for run in still if not run.eyes]:
            return min(unwatched, key=lambda run: run.left)
        many = Counter(name for run in self._live.values() for name in _names(run))
        return min(
            (run for run in still if run.held),
            key=lambda run: (-max(many[name] for name in _names(run)), max(eye.number for eye in run.eyes)),
            default=None,
        )


def _names(run: Run) -> set[str]:
    """The visitors of a run."""
    return {eye.visitor for eye in run.eyes}


def _ranks(runs: Iterable[Run]) -> dict[tuple[str, str], int]:
    """By visitor and run, how many other ones of these runs the visitor has opened since."""
    opened: dict[str, dict[str, int]] = defaultdict(dict)
    for run in runs:
        for eye in run.eyes:
            own = opened[eye.visitor]
            own[run.token] = max(eye.number, own.get(run.token, 0))
    return {
        (name, token): rank
        for name, own in opened.items()
        for rank, token in enumerate(sorted(own, key=own.__getitem__, reverse=True))
    }
