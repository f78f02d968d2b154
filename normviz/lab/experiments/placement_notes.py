"""What to look for in the comparison of places: no place is called better where the intervals overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.specs import placement_frames as recorded
from normviz.specs.placement import Placement

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


class Notes:
    """The notes of a frame, from its numbers alone."""

    def __init__(self, spec: Placement) -> None:
        self.spec = spec

    def at(self, step: int, arrays: Arrays) -> tuple[Note, ...]:
        """First who has diverged, then a sentence about each norm."""
        if step == 0:
            low, high = (float(one(arrays["test_accuracy"])) for one in (np.nanmin, np.nanmax))
            return (Note("placement.start", {"low": _rounded(low), "high": _rounded(high)}),)
        found = [*self._diverged(arrays)]
        for v, norm in enumerate(self.spec.norms):
            found.append(self._steps(step, v, norm, arrays))
        if step == self.spec.steps:
            found += self._accuracy(arrays)
        return tuple(found[: recorded.MOST_NOTES])

    def _diverged(self, arrays: Arrays) -> Iterator[Note]:
        for v, norm in enumerate(self.spec.norms):
            for p, place in enumerate(recorded.PLACES):
                steps = arrays["diverged_at"][v, p]
                count = int(np.isfinite(steps).sum())
                if count:
                    numbers: Numbers = {
                        "norm": NORMS[norm].label, "n": count, "of": len(steps),
                        "step": int(np.nanmin(steps)),
                    }  # fmt: skip
                    yield Note(f"placement.diverged_{place}", numbers)

    def _steps(self, step: int, v: int, norm: str, arrays: Arrays) -> Note:
        """Steps to the target in both places, or how many seeds have got there."""
        numbers: Numbers = {"norm": NORMS[norm].label, "target": recorded.TARGET}
        same = recorded.overlap(arrays["reached_mean"][v], arrays["reached_margin"][v])
        if same is None:
            got = np.isfinite(arrays["reached"][v]).sum(1)
            numbers |= {"step": step, "of": self.spec.seeds, "before": int(got[0]), "after": int(got[1])}
            return Note("placement.underway", numbers)
        two, order = _two(arrays, "reached", v)
        return Note(f"placement.steps_{'overlap' if same else order[0]}", numbers | two)

    def _accuracy(self, arrays: Arrays) -> Iterator[Note]:
        """Final accuracy: one sentence for all norms whose intervals overlap, one for each other."""
        overlapping = []
        for v, norm in enumerate(self.spec.norms):
            same = recorded.overlap(arrays["test_accuracy_mean"][v], arrays["test_accuracy_margin"][v])
            if same:
                overlapping.append(NORMS[norm].label)
            elif same is not None:
                two, order = _two(arrays, "test_accuracy", v)
                yield Note(f"placement.accuracy_{order[1]}", {"norm": NORMS[norm].label, **two})
        if overlapping:
            yield Note("placement.accuracy_overlap", {"norms": ", ".join(overlapping)})


def _two(arrays: Arrays, of: str, v: int) -> tuple[Numbers, list[str]]:
    """Means and margins of both places, and the places, that of the smaller mean first."""
    mean, margin = arrays[f"{of}_mean"][v, :, 0], arrays[f"{of}_margin"][v, :, 0]
    numbers: Numbers = {
        "before": _rounded(mean[0]), "before_margin": _rounded(margin[0]),
        "after": _rounded(mean[1]), "after_margin": _rounded(margin[1]),
    }  # fmt: skip
    return numbers, [recorded.PLACES[p] for p in mean.argsort(kind="stable")]


def _rounded(value: Any) -> float:
    return float(f"{float(value):.4g}")
