"""What to look for in the race of noisy batch norm: which of the numbers deserve a sentence.

One variant is said to be ahead of another only if every seed of it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Note
from normviz.specs import noisy_bn_frames as recorded
from normviz.specs.noisy_bn import NoisyBN

PLAIN, BATCH, NOISY = (recorded.VARIANTS.index(name) for name in ("none", "batch", "noisy_batch"))
MOVES = 1.5
"""Ratio of two shifts from which on one is said to be larger."""

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


class Notes:
    """Remembers how far the means moved; is shown every frame in order, and asked at evaluations."""

    def __init__(self, spec: NoisyBN) -> None:
        self.spec = spec
        self._shifts: list[NDArray[Any]] = []

    def see(self, arrays: Arrays) -> None:
        """Take in one frame."""
        self._shifts.append(arrays["shift"])

    def at(self, step: int, arrays: Arrays) -> tuple[Note, ...]:
        """The notes of a frame with an evaluation."""
        reached, alive = arrays["reached"], np.isnan(arrays["diverged_at"])
        found = [
            *self._diverged(arrays),
            *self._standing(step, arrays),
            *self._shift(),
            *self._ahead(reached, alive, step),
        ]
        return tuple(found[: recorded.MOST_NOTES])

    def _diverged(self, arrays: Arrays) -> Iterator[Note]:
        for v, row in enumerate(arrays["diverged_at"]):
            steps = row[np.isfinite(row)]
            if len(steps):
                numbers: Numbers = {
                    "norm": _label(v), "n": len(steps), "of": len(row), "step": int(steps.min()),
                }  # fmt: skip
                yield Note("noisy_bn.diverged", numbers)

    def _standing(self, step: int, arrays: Arrays) -> Iterator[Note]:
        """Who has reached the target and when; how far the others are."""
        for v, row in enumerate(arrays["reached"]):
            steps = row[np.isfinite(row)]
            if len(steps) == len(row):
                numbers: Numbers = {
                    "norm": _label(v), "target": recorded.TARGET, "step": _rounded(np.median(steps)),
                    "first": int(steps.min()), "last": int(steps.max()), "seeds": len(row),
                }  # fmt: skip
                yield Note("noisy_bn.reached" if len(row) > 1 else "noisy_bn.reached_alone", numbers)
            elif np.isfinite(arrays["accuracy_median"][v]):
                yield Note(
                    "noisy_bn.underway",
                    {
                        "norm": _label(v), "step": step, "n": len(steps), "of": len(row),
                        "accuracy": _rounded(arrays["accuracy_median"][v]), "target": recorded.TARGET,
                    },
                )  # fmt: skip

    def _shift(self) -> Iterator[Note]:
        """How far the means move from step to step, with noise and without normalization."""
        shifts = self._mean_shifts()
        noisy, plain = shifts[NOISY], shifts[PLAIN]
        if noisy is None or plain is None:
            return
        numbers: Numbers = {"noisy": _rounded(noisy), "plain": _rounded(plain)}
        yield Note("noisy_bn.wanders" if noisy > MOVES * plain else "noisy_bn.shift", numbers)

    def _ahead(self, reached: NDArray[Any], alive: NDArray[np.bool_], step: int) -> Iterator[Note]:
        """Whether noisy batch norm is before the plain network in every seed, and behind batch norm."""
        noisy, batch = reached[NOISY], reached[BATCH]
        if not np.isfinite(noisy).all():
            return
        # A network that has not arrived arrives later than now, if it ever does.
        plain = np.where(np.isfinite(reached[PLAIN]), reached[PLAIN], step + 1)
        shifts = self._mean_shifts()
        wanders = shifts[NOISY] is not None and shifts[PLAIN] is not None
        if noisy.max() < plain.min():
            more = wanders and shifts[NOISY] > MOVES * shifts[PLAIN]  # type: ignore[operator]
            yield Note("noisy_bn.ahead_and_wanders" if more else "noisy_bn.ahead", {})
        elif np.isfinite(reached[PLAIN]).all():
            behind = noisy.min() > plain.max()
            yield Note("noisy_bn.behind" if behind else "noisy_bn.overlaps", {})
        if np.isfinite(batch).all() and noisy.min() > batch.max():
            yield Note("noisy_bn.costs", {})

    def _mean_shifts(self) -> list[float | None]:
        shift_TVL = np.stack(self._shifts)
        return [recorded.mean_shift(shift_TVL[:, v]) for v in range(len(recorded.VARIANTS))]


def _label(v: int) -> str:
    return recorded.LABELS[recorded.VARIANTS[v]]


def _rounded(value: Any) -> float:
    """Five digits are enough for a sentence."""
    return float(f"{value:.5g}")
