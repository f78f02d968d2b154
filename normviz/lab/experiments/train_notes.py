"""What to look for in a training run: which of a frame's numbers deserve a sentence.

Every threshold stands here, and a note is made only of numbers that the charts of the same frame show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.specs import train_frames as recorded
from normviz.specs.train import Train

REACHED = 0.90
"""Median test accuracy for which the variants race."""
UNHEALTHY = {"dead": 0.25, "saturated": 0.25}
"""Share of dead units, or of saturated values, in a layer from which on it is pointed out."""
GRADIENT_RATIO = 10.0
"""Ratio of the activation gradients' norms between first and last layer from which on it is pointed out."""
BEYOND_COUNTING = 1e6
"""Ratio from which on only its order is told."""
UPDATES = (1e-4, 1e-2)
"""Healthy range of update : data; outside of it a layer is pointed out."""
APART = 0.05
"""In batches of two classes: gap between training and test accuracy from which on it is pointed out that a
norm has two modes, if the gap of a norm with one mode is smaller by as much."""
GUESSING = 0.05
"""A variant still guesses while its accuracy is less than this above that of guessing."""
PATIENCE = 50
"""Steps before which nobody is blamed for guessing."""

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


class Notes:
    """Remembers who reached what; asked once for each evaluated frame, in order."""

    def __init__(self, spec: Train) -> None:
        self.spec = spec
        self.labels = [_label(norm) for norm in spec.norms]
        self._reached: dict[int, int] = {}
        """Step at which the median of a variant first came to `REACHED`, by variant."""

    def at(self, step: int, arrays: Arrays) -> tuple[Note, ...]:
        """The notes of a frame that holds an evaluation."""
        for v in np.flatnonzero(arrays["test_accuracy_median"] >= REACHED).tolist():
            self._reached.setdefault(v, step)
        found = [
            *self._diverged(arrays),
            *self._changed(step),
            *self._standing(step, arrays),
            *self._two_classes(step, arrays),
            *self._race(),
            *self._units(arrays),
            *self._gradients(arrays),
            *self._updates(arrays),
        ]
        return tuple(found[: recorded.MOST_NOTES])

    def _changed(self, step: int) -> Iterator[Note]:
        """What has been changed so far; from then on a variant is called by both its norms."""
        done = [change for change in self.spec.planned if change.step <= step]
        now = self.spec.norms_at(step)
        self.labels = [
            _label(norm) if norm == later else f"{_label(norm)} → {_label(later)}"
            for norm, later in zip(self.spec.norms, now, strict=True)
        ]
        for change in done:
            if change.step < done[-1].step:
                continue
            numbers: Numbers = {"step": change.step}
            if change.what == "norm":
                numbers |= {"old": _label(change.variant), "new": _label(str(change.value))}
            else:
                numbers["value"] = change.value
            yield Note(f"train.changed_{change.what}", numbers)

    def _diverged(self, arrays: Arrays) -> Iterator[Note]:
        for v, row in enumerate(arrays["diverged_at"]):
            steps = row[np.isfinite(row)]
            if len(steps):
                numbers: Numbers = {
                    "norm": self.labels[v],
                    "n": len(steps),
                    "of": len(row),
                    "step": int(steps.min()),
                }
                yield Note("train.diverged", numbers)

    def _standing(self, step: int, arrays: Arrays) -> Iterator[Note]:
        """Where the best and the worst variant stand, by their median over the seeds."""
        accuracy = arrays["test_accuracy_median"]
        if not np.isfinite(accuracy).any():
            return
        best, worst = int(np.nanargmax(accuracy)), int(np.nanargmin(accuracy))
        if step == 0 and len(accuracy) > 1:
            yield Note("train.start", {"low": _rounded(accuracy[worst]), "high": _rounded(accuracy[best])})
            return
        numbers: Numbers = {
            "step": step, "best": self.labels[best], "high": _rounded(accuracy[best]),
        }  # fmt: skip
        if best == worst:
            # Equal numbers: nobody is ahead.
            left = int(np.isfinite(accuracy).sum())
            even = "train.even" if left == len(accuracy) else "train.even_left"
            yield Note(even if left > 1 else "train.alone", numbers)
            return
        numbers |= {"worst": self.labels[worst], "low": _rounded(accuracy[worst])}
        seeds = arrays["test_accuracy"]
        if step >= PATIENCE and accuracy[worst] < 1 / self.spec.data.classes + GUESSING:
            yield Note("train.guessing", numbers)
        elif np.nanmax(seeds[worst]) >= np.nanmin(seeds[best]):
            yield Note("train.overlapping", numbers)
        else:
            yield Note("train.standing", numbers)

    def _two_classes(self, step: int, arrays: Arrays) -> Iterator[Note]:
        """In batches of two classes: the norm with running statistics whose accuracies lie furthest apart.

        Its training accuracy may be the lower one: subtracting the mean of a batch takes away what its two
        classes have in common, and what they have in common may tell them from the others.
        """
        if self.spec.batches != "two_classes" or step == 0:
            return
        train, test = arrays["train_accuracy_median"], arrays["test_accuracy_median"]
        gap = np.abs(train - test)
        facts = [NORMS[norm] for norm in self.spec.norms_at(step)]
        known = np.flatnonzero(np.isfinite(gap)).tolist()
        moving = [v for v in known if facts[v].running_statistics]
        steady = [v for v in known if not facts[v].train_differs_from_eval]
        v = max(moving, key=lambda v: gap[v], default=None)
        other = max(steady, key=lambda v: test[v], default=None)
        if v is None or gap[v] < APART:
            return
        numbers: Numbers = {
            "norm": self.labels[v], "train": _rounded(train[v]), "high": _rounded(test[v]),
        }  # fmt: skip
        if other is None:
            yield Note("train.two_classes_alone", numbers)
        elif gap[v] >= gap[other] + APART:
            numbers |= {
                "other": self.labels[other], "other_train": _rounded(train[other]),
                "other_high": _rounded(test[other]),
            }  # fmt: skip
            yield Note("train.two_classes", numbers)

    def _race(self) -> Iterator[Note]:
        """Who reached 90% first, if that was one alone, and who last."""
        order = sorted(self._reached, key=lambda v: self._reached[v])
        if len(order) < 2 or self._reached[order[0]] == self._reached[order[1]]:
            if len(order) == 1 and len(self.labels) > 1:
                yield Note("train.first", self._arrival(order[0]))
            return
        last = self._arrival(order[-1])
        yield Note(
            "train.first_and_last",
            {**self._arrival(order[0]), "other": last["norm"], "later": last["step"], "n": len(order)},
        )

    def _arrival(self, v: int) -> Numbers:
        return {"norm": self.labels[v], "step": self._reached[v], "accuracy": REACHED}

    def _units(self, arrays: Arrays) -> Iterator[Note]:
        """The layer with the most dead units or saturated values, and the variant with the fewest there."""
        for name, threshold in UNHEALTHY.items():
            shares = arrays.get(name)
            if shares is None or not np.isfinite(shares).any() or np.nanmax(shares) < threshold:
                continue
            v, layer = _place(np.nanargmax(shares), shares)
            other = int(np.nanargmin(shares[:, layer]))
            numbers: Numbers = {
                "norm": self.labels[v],
                "layer": self.spec.layer_name(layer),
                "share": _rounded(shares[v, layer]),
            }
            if other == v:
                yield Note(f"train.{name}_alone", numbers)
            else:
                numbers |= {"other": self.labels[other], "less": _rounded(shares[other, layer])}
                yield Note(f"train.{name}", numbers)

    def _gradients(self, arrays: Arrays) -> Iterator[Note]:
        """The variant whose gradient changes most between the last and the first layer."""
        norms = arrays["grad_norm_activation"].astype(np.float64)
        if norms.shape[1] < 2:
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = norms[:, 0] / norms[:, -1]
        known = np.isfinite(ratios) & (ratios > 0)
        if not known.any():
            return
        sizes = np.where(known, np.abs(np.log(np.where(known, ratios, 1.0))), -1.0)
        v = int(sizes.argmax())
        if sizes[v] < np.log(GRADIENT_RATIO):
            return
        grows, times = ratios[v] > 1, float(np.exp(sizes[v]))
        numbers: Numbers = {"norm": self.labels[v], "last": self.spec.layer_name(norms.shape[1] - 1)}
        if times >= BEYOND_COUNTING:
            yield Note("train.gradient_explodes" if grows else "train.gradient_vanishes", numbers)
        else:
            numbers["times"] = _rounded(times)
            yield Note("train.gradient_grows" if grows else "train.gradient_fades", numbers)

    def _updates(self, arrays: Arrays) -> Iterator[Note]:
        """The layer whose update : data ratio is furthest outside the healthy range."""
        ratios = arrays["update_ratio"].astype(np.float64)
        known = np.isfinite(ratios) & (ratios > 0)
        logs = np.log(np.where(known, ratios, np.sqrt(UPDATES[0] * UPDATES[1])))
        beyond = np.maximum(logs - np.log(UPDATES[1]), np.log(UPDATES[0]) - logs)
        v, layer = _place(beyond.argmax(), ratios)
        if beyond[v, layer] <= 0:
            return
        numbers: Numbers = {"norm": self.labels[v], "layer": self.spec.layer_name(layer)}
        numbers["ratio"] = _rounded(ratios[v, layer])
        yield Note("train.update_large" if ratios[v, layer] > UPDATES[1] else "train.update_small", numbers)


def _label(norm: str) -> str:
    """How sentences name a variant."""
    return NORMS[norm].label if norm != "none" else "No normalization"


def _place(flat: np.intp, of: NDArray[Any]) -> tuple[int, int]:
    v, layer = np.unravel_index(flat, of.shape)
    return int(v), int(layer)


def _rounded(value: Any) -> float:
    """Four significant digits: the sentences show fewer, and a frame should be small."""
    return float(f"{float(value):.4g}")
