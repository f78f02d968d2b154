"""The tables of a run: they fill up while things are measured, and a frame carries what has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normviz.frames import Frame, Note, Schema

Values = NDArray[Any]


class Tables:
    """The arrays of a run, NaN until they are measured."""

    def __init__(self, schema: Schema) -> None:
        self._values = {one.name: np.full(one.shape, np.nan, "<" + one.dtype) for one in schema.arrays}
        self._changed: set[str] = set()
        self.step = 0
        """Training steps done."""

    def __getitem__(self, name: str) -> Values:
        return self._values[name]

    def put(self, name: str, value: ArrayLike, at: Any = ...) -> None:
        """Set (a part of) an array; where it has a spread, that follows."""
        with np.errstate(over="ignore"):  # a network on its way to diverge; infinity says so
            self._values[name][at] = value
        self._changed.add(name)
        if f"{name}_spread" in self._values:
            self._values[f"{name}_spread"][...] = mean_low_high_sd(self._values[name])
            self._changed.add(f"{name}_spread")

    def frame(self, notes: tuple[Note, ...] = ()) -> Frame:
        """What has changed since the last frame."""
        changed = {name: self._values[name].copy() for name in sorted(self._changed)}
        self._changed.clear()
        return Frame(self.step, changed, notes)


def mean_low_high_sd(values: Values) -> Values:
    """Mean, mean - SD, mean + SD and SD over the seeds (first axis) that have a value, stacked.

    A single seed has no spread: low and high are then the mean, SD is 0.  What no seed has is NaN.
    """
    known = np.isfinite(values)
    n = known.sum(0)
    sums = np.where(known, values, 0).sum(0, dtype=np.float64)
    mean = np.divide(sums, n, out=np.full(n.shape, np.nan), where=n > 0)
    squares = np.where(known, values - mean, 0) ** 2
    sd = np.where(n > 0, np.sqrt(squares.sum(0) / np.maximum(n - 1, 1)), np.nan)
    return np.stack((mean, mean - sd, mean + sd, sd))
