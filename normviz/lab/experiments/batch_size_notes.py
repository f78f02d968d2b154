"""What to look for in the errors by batch size: which of a frame's numbers deserve a sentence.

Every threshold stands here, and a note is made only of numbers that the charts of the same frame show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.specs.batch_size import BatchSize
from normviz.specs.batch_size_frames import LARGEST, SIZES

LEARNED = 20.0
"""Error (%) at the largest batch below which a norm has learned enough to be judged."""
UNSTABLE = 5.0, 10.0
"""At the smallest batch a norm is called unstable from so many times, and so many points, more error on."""
FINE = 3.0
"""Points of error by which a batch of four may be worse and is still called fine."""
SAME, ALIKE = 1.05, 1.5
"""Ratio of two errors up to which they are called the same, and about the same if a third is further off."""

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


def notes(spec: BatchSize, step: int, arrays: Arrays) -> tuple[Note, ...]:
    """The notes of a frame, the most telling first."""
    seen = _Seen(spec, arrays)
    if step == 0:
        return tuple(seen.start())
    return (
        *seen.diverged(), *seen.smallest(), *seen.four(), *seen.accumulation(), *seen.renorm(),
        *seen.steady(), *seen.crossing(),
    )  # fmt: skip


class _Seen:
    def __init__(self, spec: BatchSize, arrays: Arrays) -> None:
        self.spec, self.error = spec, arrays["error"].astype(np.float64)
        self.mean = arrays["error_mean"].astype(np.float64)
        self.accumulated = arrays.get("accumulated_mean")

    def start(self) -> Iterator[Note]:
        """Before training: what guessing costs, and which norms take no part."""
        if np.isfinite(self.mean).any():
            low, high = float(np.nanmin(self.mean)), float(np.nanmax(self.mean))
            yield Note("batch_size.start", {"low": _rounded(low), "high": _rounded(high)})
        for norm in self.spec.norms:
            why = self.spec.left_out(norm)
            if why:
                yield Note("batch_size.left_out", {"norm": NORMS[norm].label, "why": why})

    def diverged(self) -> Iterator[Note]:
        """Norms of which some training diverged."""
        lost = np.isnan(self.error).sum((1, 2))
        for v, count in enumerate(lost):
            if count:
                yield Note("batch_size.diverged", {"norm": self._label(v), "n": int(count)})

    def smallest(self) -> Iterator[Note]:
        """Batch norm at the smallest batch against the largest."""
        v = self._place("batch")
        if v is None or not self._learned(v):
            return
        numbers = self._ends(v)
        small, large = self.mean[v, 0], self.mean[v, -1]
        if self.spec.seeds == 1:
            yield Note("batch_size.single", numbers)
            return
        if small >= UNSTABLE[0] * large and small - large >= UNSTABLE[1]:
            yield Note("batch_size.signs" if self.spec.network == "mlp" else "batch_size.unstable", numbers)
        elif np.nanmin(self.error[v, 0]) > np.nanmax(self.error[v, -1]):
            yield Note("batch_size.worse", numbers)
        else:
            yield Note("batch_size.overlaps", numbers)

    def four(self) -> Iterator[Note]:
        """Batch norm at four."""
        v, z = self._place("batch"), SIZES.index(4)
        if v is None or not self._learned(v) or not np.isfinite(self.mean[v, z]):
            return
        numbers: Numbers = {"at": _rounded(self.mean[v, z]), "large": _rounded(self.mean[v, -1])}
        fine = self.mean[v, z] - self.mean[v, -1] <= FINE
        yield Note("batch_size.four_fine" if fine else "batch_size.four_costs", numbers)

    def accumulation(self) -> Iterator[Note]:
        """Accumulated gradients: each norm beside its own error at the micro-batch and at the whole batch."""
        spec, z = self.spec, SIZES.index(self.spec.micro_batch) if self.spec.micro_batch else 0
        if self.accumulated is None:
            return
        for a, norm in enumerate(spec.accumulated):
            v = self._place(norm)
            if v is None or not self._learned(v):
                continue
            own, part, whole = float(self.accumulated[a, 0]), self.mean[v, z], self.mean[v, -1]
            numbers: Numbers = {
                "norm": self._label(v), "count": LARGEST // spec.micro_batch, "micro": spec.micro_batch,
                "own": _rounded(own), "part": _rounded(part), "whole": _rounded(whole), "batch": LARGEST,
            }  # fmt: skip
            if not np.isfinite([own, part, whole]).all() or min(own, part, whole) <= 0:
                continue
            if _ratio(own, whole) <= SAME:
                yield Note("batch_size.accumulated_whole", numbers)
            elif _ratio(own, part) <= ALIKE < _ratio(own, whole):
                yield Note("batch_size.accumulated_part", numbers)
            else:
                yield Note("batch_size.accumulated", numbers)

    def renorm(self) -> Iterator[Note]:
        """Batch renormalization beside batch norm at the smallest batch."""
        b, r = self._place("batch"), self._place("batch_renorm")
        if b is None or r is None or not (self._learned(b) and self._learned(r)):
            return
        numbers: Numbers = {
            "size": SIZES[0], "renorm": _rounded(self.mean[r, 0]), "batch": _rounded(self.mean[b, 0]),
        }  # fmt: skip
        ours, theirs = self.error[r, 0], self.error[b, 0]
        if self.spec.seeds == 1 or not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
            return
        if ours.max() < theirs.min():
            yield Note("batch_size.renorm_helps", numbers)
        elif ours.min() > theirs.max():
            yield Note("batch_size.renorm_harms", numbers)
        else:
            yield Note("batch_size.renorm_overlaps", numbers)

    def steady(self) -> Iterator[Note]:
        """The norms without batch statistics."""
        places = [v for v, norm in enumerate(self.spec.variants) if NORMS[norm].family != "batch"]
        places = [v for v in places if self._learned(v) and np.isfinite(self.mean[v, 0])]
        if not places:
            return
        best, worst = (pick(places, key=lambda v: self.mean[v, 0]) for pick in (min, max))
        numbers: Numbers = {
            "size": SIZES[0], "best": self._label(best), "low": _rounded(self.mean[best, 0]),
            "worst": self._label(worst), "high": _rounded(self.mean[worst, 0]),
        }  # fmt: skip
        if self.spec.changes == "statistics":
            yield Note("batch_size.steady" if best != worst else "batch_size.steady_alone", numbers)
        else:
            yield Note("batch_size.others" if best != worst else "batch_size.other", numbers)

    def crossing(self) -> Iterator[Note]:
        """The batch size from which on batch norm is better than group norm, on average."""
        b, g = self._place("batch"), self._place("group")
        if self.spec.changes != "batch" or b is None or g is None or not self._learned(b):
            return
        better = self.mean[b] < self.mean[g]
        numbers: Numbers = {
            "size": SIZES[0], "batch": _rounded(self.mean[b, 0]), "group": _rounded(self.mean[g, 0]),
            "large": LARGEST, "batch_large": _rounded(self.mean[b, -1]),
            "group_large": _rounded(self.mean[g, -1]),
        }  # fmt: skip
        if not np.isfinite(self.mean[[b, g]]).all():
            return
        if better[-1] and not better[0]:
            numbers["from"] = SIZES[int(np.flatnonzero(~better)[-1]) + 1]
            yield Note("batch_size.crossing", numbers)
        elif not better.any():
            yield Note("batch_size.never", numbers)

    # --- numbers ----------------------------------------------------------------------------------

    def _ends(self, v: int) -> Numbers:
        small = self.error[v, 0][np.isfinite(self.error[v, 0])]
        return {
            "norm": self._label(v), "size": SIZES[0], "small": _rounded(self.mean[v, 0]),
            "low": _rounded(small.min()), "high": _rounded(small.max()), "batch": LARGEST,
            "large": _rounded(self.mean[v, -1]), "seeds": self.spec.seeds,
        }  # fmt: skip

    def _place(self, norm: str) -> int | None:
        return self.spec.variants.index(norm) if norm in self.spec.variants else None

    def _learned(self, v: int) -> bool:
        """Whether a norm does well enough at the largest batch; nothing is known of what diverged."""
        return bool(self.mean[v, -1] < LEARNED and np.isfinite(self.mean[v, 0]))

    def _label(self, v: int) -> str:
        norm = self.spec.variants[v]
        return NORMS[norm].label if norm != "none" else "No normalization"


def _ratio(one: float, other: float) -> float:
    return max(one, other) / min(one, other)


def _rounded(value: Any) -> float:
    """Four digits are more than a sentence shows."""
    return float(f"{float(value):.4g}")
