"""What to look for along the gradient: which of the looks' numbers deserve a sentence.

Every threshold stands here.  Variants are compared by their means over all looks so far; one is said to be
above another only if every seed of it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.lab.experiments.seeds import over_seeds
from normviz.specs import landscape_frames as recorded
from normviz.specs.landscape import FARTHEST, NEAREST, Landscape

TURNED = 1.0
"""Change of the gradient, relative to its length, from which on it is called another gradient."""
PATIENCE = 5
"""Looks before which nothing is compared."""

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


class Notes:
    """Remembers the looks so far; asked once for each of them, in order."""

    def __init__(self, spec: Landscape) -> None:
        self.spec = spec
        self.labels = [NORMS[norm].within for norm in spec.norms]
        self._looks = 0
        self._sums = {name: np.zeros((len(spec.norms), spec.seeds)) for name in recorded.QUANTITIES}

    def at(self, step: int, arrays: Arrays) -> tuple[Note, ...]:
        """The notes of one look."""
        self._looks += 1
        for name, total in self._sums.items():
            total += arrays[name]  # NaN from the step on at which a member diverged
        found = [
            *self._diverged(arrays),
            *self._here(step, arrays),
            *(note for name in recorded.QUANTITIES for note in self._compared(name)),
            *self._turned(arrays),
        ]
        return tuple(found[: recorded.MOST_NOTES])

    def _diverged(self, arrays: Arrays) -> Iterator[Note]:
        for v, row in enumerate(arrays["diverged_at"]):
            steps = row[np.isfinite(row)]
            if len(steps):
                numbers: Numbers = {
                    "norm": self.labels[v], "n": len(steps), "of": len(row), "step": int(steps.min()),
                }  # fmt: skip
                yield Note("landscape.diverged", numbers)

    def _here(self, step: int, arrays: Arrays) -> Iterator[Note]:
        """This look, in the variant whose loss ranges widest."""
        widths = arrays["range_median"]
        if not np.isfinite(widths).any():
            return
        v = int(np.nanargmax(widths))
        yield Note(
            "landscape.here",
            {
                "step": step, "norm": self.labels[v], "here": _rounded(arrays["loss_here"][v]),
                "low": _rounded(arrays["loss_low"][v]), "high": _rounded(arrays["loss_high"][v]),
                "near": NEAREST, "far": FARTHEST,
            },
        )  # fmt: skip

    def _compared(self, name: str) -> Iterator[Note]:
        """The variants with the greatest and the least mean over the looks so far."""
        if self._looks < PATIENCE:
            return
        means_VS = self._sums[name] / self._looks
        medians = over_seeds(np.median, means_VS, np.isfinite(means_VS))
        if np.isfinite(medians).sum() < 2:
            return
        most, least = int(np.nanargmax(medians)), int(np.nanargmin(medians))
        apart = np.nanmin(means_VS[most]) > np.nanmax(means_VS[least])
        numbers: Numbers = {
            "looks": self._looks, "seeds": self.spec.seeds,
            "norm": self.labels[most], "most": _rounded(medians[most]),
            "other": self.labels[least], "least": _rounded(medians[least]),
        }  # fmt: skip
        yield Note(f"landscape.{name}" if apart else f"landscape.{name}_overlaps", numbers)

    def _turned(self, arrays: Arrays) -> Iterator[Note]:
        """Variants in which a longer step would meet another gradient than the one that led there."""
        turned = [
            label for label, change in zip(self.labels, arrays["change_median"], strict=True)
            if change > TURNED
        ]  # fmt: skip
        if turned and len(turned) < len(self.labels):
            yield Note("landscape.turned", {"norms": ", ".join(turned), "far": FARTHEST})


def _rounded(value: Any) -> float:
    """Five digits are enough for a sentence."""
    return float(f"{value:.5g}")
