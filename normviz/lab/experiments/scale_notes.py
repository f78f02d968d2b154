"""What to look for while weights are dragged: which of the numbers deserve a sentence.

Every threshold stands here and in ``scale_frames``, and a note is made only of numbers that the charts show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.specs import scale_frames as recorded
from normviz.specs.scale import Scale

INVARIANT = ("batch", "layer", "group", "rms", "weight_norm", "weight_standardization", "ghost_batch")
"""Norms in which the scale of the weights cancels, but for ε."""
TOGETHER = ("layer", "group", "rms")
"""Those in which it is the common scale of several units that cancels, not that of each."""
PERPENDICULAR = 0.01
"""Cosine between weights and gradient below which they are called perpendicular."""
ASLANT = 0.05
"""Cosine of a single row above which that is pointed out."""
TOLD = 0.02
"""Relative error up to which a measured factor is said to be the expected one."""

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


def notes(spec: Scale, whole: Arrays, i: int) -> tuple[Note, ...]:
    """The notes of one place of the drag, the most telling first."""
    seen = _Seen(spec, whole, i)
    found = [
        *seen.diverged(),
        *seen.losses(),
        *seen.invariance(),
        *seen.angles(),
        *seen.effective_rate(),
    ]
    return tuple(found[: recorded.MOST_NOTES])


class _Seen:
    def __init__(self, spec: Scale, whole: Arrays, i: int) -> None:
        self.spec, self.whole, self.i = spec, whole, i
        self.k = recorded.SCALES[i]
        self.labels = [
            "Without normalization" if norm == "none" else NORMS[norm].label for norm in spec.norms
        ]
        self.finite = np.asarray(np.isfinite(whole["loss"] + whole["gradient"]).all(axis=1))
        """Variants that the training before has left with a loss and a gradient."""
        self.most = np.where(self.finite, np.nanmax(whole["change"], axis=1, initial=0.0), np.nan)

    def diverged(self) -> Iterator[Note]:
        """Variants without a loss, or without a gradient."""
        for label, finite in zip(self.labels, self.finite, strict=True):
            if not finite:
                yield Note("scale.diverged", {"norm": label})

    def losses(self) -> Iterator[Note]:
        """What loss and gradient do at this scale: one variant that keeps its loss, one that does not."""
        if self.i == recorded.MIDDLE:
            yield Note("scale.untouched", {"layer": self.spec.layer})
            return
        keeps = [v for v in range(len(self.labels)) if self.most[v] < recorded.NEARLY]
        for kind, places in (("moves", self._others(keeps)), ("stays", keeps)):
            if places:
                # Without normalization comes first where it is among them, else the first that was chosen.
                v = places[0]
                yield Note(f"scale.{kind}", self._at(v))

    def _others(self, keeps: list[int]) -> list[int]:
        return [v for v in range(len(self.labels)) if v not in keeps and self.finite[v]]

    def _at(self, v: int) -> Numbers:
        return {
            "norm": self.labels[v], "k": _rounded(self.k),
            "loss": _rounded(self.whole["loss"][v, self.i]),
            "first": _rounded(self.whole["loss"][v, recorded.MIDDLE]),
            "gradient": _rounded(self.whole["gradient"][v, self.i]),
        }  # fmt: skip

    def invariance(self) -> Iterator[Note]:
        """Which variants keep their loss over the whole range: to rounding, but for ε, or not at all."""
        norms = self.spec.norms
        exact = [v for v, most in enumerate(self.most) if most < recorded.EXACT]
        nearly = [
            v for v, most in enumerate(self.most)
            if recorded.EXACT <= most < recorded.NEARLY and norms[v] in INVARIANT
        ]  # fmt: skip
        for name, places in (("exact", exact), ("nearly", nearly)):
            if places:
                yield Note(f"scale.{name}", self._told(places))
        swamped = [v for v, m in enumerate(self.most) if m >= recorded.NEARLY and norms[v] in INVARIANT]
        if swamped:
            yield Note("scale.swamped", self._told(swamped))
        if "batch_renorm" in norms and self.most[norms.index("batch_renorm")] >= recorded.EXACT:
            yield Note("scale.renorm", self._told([norms.index("batch_renorm")]))
        if "dyt" in norms and self.most[norms.index("dyt")] >= recorded.EXACT:
            yield Note("scale.dyt", self._told([norms.index("dyt")]))

    def _told(self, places: list[int]) -> Numbers:
        names = ", ".join(self.labels[v] for v in places)
        return {"norms": names, "most": _rounded(self.most[places].max()), "eps": self.spec.eps}

    def angles(self) -> Iterator[Note]:
        """Where every row is perpendicular to its gradient, and where only the whole is."""
        told = set()
        for v, (norm, label) in enumerate(zip(self.spec.norms, self.labels, strict=True)):
            rows = self.whole["row_cosine"][v, self.i]
            rows = np.abs(rows[np.isfinite(rows)])
            whole = abs(float(self.whole["whole_cosine"][v, self.i]))
            if not rows.size or not np.isfinite(whole) or not self.most[v] < recorded.NEARLY:
                continue
            row = float(rows.max())
            kind = ""
            if norm in INVARIANT and row < PERPENDICULAR:
                kind = "rows"
            elif norm in TOGETHER and whole < PERPENDICULAR and row > ASLANT:
                kind = "whole"
            if kind and kind not in told:
                told.add(kind)
                yield Note(f"scale.{kind}", {"norm": label, "row": _rounded(row), "whole": _rounded(whole)})

    def effective_rate(self) -> Iterator[Note]:
        """How much a step of SGD turns the weights, where that falls with k²."""
        for v, norm in enumerate(self.spec.norms):
            here, first = (float(self.whole["turn"][v, place]) for place in (self.i, recorded.MIDDLE))
            if norm not in INVARIANT or self.i == recorded.MIDDLE or not first > 0:
                continue
            if abs(here * self.k**2 / first - 1.0) < TOLD:
                numbers: Numbers = {
                    "norm": self.labels[v], "lr": self.spec.lr, "k": _rounded(self.k),
                    "square": _rounded(self.k**2), "here": _rounded(here), "first": _rounded(first),
                }  # fmt: skip
                yield Note("scale.effective_rate", numbers)
                return


def _rounded(value: Any) -> float:
    """Five digits are enough for a sentence."""
    return float(f"{value:.5g}")
