"""What to look for in the maps: which of a frame's numbers deserve a sentence.

Every threshold stands here, and a note is made only of numbers that the charts of the same frame show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.specs.lr_init import LrInit
from normviz.specs.lr_init_frames import LEARNED, MOST_NOTES

GUESSING = 0.2
"""Test accuracy below which a network of ten classes is said to have learned next to nothing."""

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


def notes(spec: LrInit, step: int, arrays: Arrays) -> tuple[Note, ...]:
    """The notes of a frame, the most telling first."""
    seen = _Seen(spec, step, arrays)
    found = [*seen.start(), *seen.counts(), *seen.widths(), *seen.divergence(), *seen.limits()]
    return tuple(found[:MOST_NOTES])


class _Seen:
    """The maps of a frame."""

    def __init__(self, spec: LrInit, step: int, arrays: Arrays) -> None:
        self.spec, self.step = spec, step
        self.labels = [NORMS[norm].label if norm != "none" else "No normalization" for norm in spec.norms]
        self.accuracy: NDArray[np.float64] = arrays["test_accuracy"].astype(np.float64)
        self.learned: NDArray[np.bool_] = self.accuracy > LEARNED
        self.counts_V = self.learned.sum((1, 2))
        self.best, self.worst = int(self.counts_V.argmax()), int(self.counts_V.argmin())

    def start(self) -> Iterator[Note]:
        """Before the first step."""
        if self.step == 0:
            yield Note(
                "lr_init.start", {"low": _rounded(self.accuracy.min()), "high": _rounded(self.accuracy.max())}
            )

    def counts(self) -> Iterator[Note]:
        """How many cells learned, with the norm for which they are the most, and the fewest."""
        if self.step == 0:
            return
        most, fewest = int(self.counts_V[self.best]), int(self.counts_V[self.worst])
        numbers: Numbers = {"step": self.step, "of": self.spec.grid**2, "accuracy": LEARNED, "most": most}
        if most == 0:
            yield Note("lr_init.nowhere", {"step": self.step, "accuracy": LEARNED})
        elif len(self.labels) == 1:
            yield Note("lr_init.alone", {**numbers, "norm": self.labels[0]})
        elif most == fewest:
            yield Note("lr_init.even", numbers)
        else:
            told: Numbers = {
                "best": self.labels[self.best],
                "worst": self.labels[self.worst],
                "fewest": fewest,
            }
            yield Note("lr_init.counts", {**numbers, **told})

    def widths(self) -> Iterator[Note]:
        """Over which learning rates, and over which gains, the norm with the most cells learns somewhere."""
        for v in dict.fromkeys((self.best, self.worst)):
            if self.counts_V[v]:
                yield self._reach(v)

    def _reach(self, v: int) -> Note:
        columns, rows = self.learned[v].any(0), self.learned[v].any(1)
        numbers: Numbers = {"norm": self.labels[v], "accuracy": LEARNED}
        numbers |= _span("rate", self.spec.rates, columns) | _span("gain", self.spec.gains, rows)
        if columns.sum() == 1 or rows.sum() == 1:
            one = "one" if columns.sum() == rows.sum() else "one_rate" if columns.sum() == 1 else "one_gain"
            return Note(f"lr_init.reach_{one}", numbers)
        whole = self.counts_V[v] == columns.sum() * rows.sum()
        return Note("lr_init.reach_whole" if whole else "lr_init.reach", numbers)

    def divergence(self) -> Iterator[Note]:
        """The norm of which most networks diverged."""
        gone = np.isnan(self.accuracy)
        v = int(gone.sum((1, 2)).argmax())
        if gone[v].any():
            lowest = float(np.array(self.spec.rates)[gone[v].any(0)][0])
            yield Note(
                "lr_init.diverged",
                {"norm": self.labels[v], "n": int(gone[v].sum()), "of": gone[v].size, "lr": lowest},
            )

    def limits(self) -> Iterator[Note]:
        """At the end: what even the norm with the most cells leaves behind."""
        behind = int((~(self.accuracy[self.best] >= GUESSING)).sum())
        if self.step == self.spec.steps and self.spec.norms[self.best] != "none" and behind:
            numbers: Numbers = {"norm": self.labels[self.best], "n": behind, "of": self.spec.grid**2}
            yield Note("lr_init.limits", {**numbers, "accuracy": GUESSING})


def _span(name: str, values: Sequence[float], chosen: NDArray[np.bool_]) -> Numbers:
    """From where to where the chosen values reach."""
    low, high = np.array(values)[chosen][[0, -1]]
    return {f"{name}_low": _rounded(low), f"{name}_high": _rounded(high)}


def _rounded(value: Any) -> float:
    """Four significant digits: the sentences show fewer, and a frame should be small."""
    return float(f"{float(value):.4g}")
