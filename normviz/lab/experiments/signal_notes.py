"""What to look for in a deep network at initialization: which of the frame's numbers deserve a sentence.

Every threshold stands here, and a note is made only of numbers that the charts show.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.specs import signal_frames as recorded
from normviz.specs import signal_theory as theory
from normviz.specs.signal import Signal

SIZE_RATIO = 10.0
"""Ratio of the SDs of first and last layer from which on the signal is said to grow or to die away."""
STEEP = 1.05
"""Growth per layer of the squared activation gradient from which on it is pointed out (and its inverse)."""
FLAT = (0.95, 1.05)
"""Growth per layer of the weight gradient that is called flat."""
UNHEALTHY = 0.25
"""Share of dead units, or of saturated values, from which on a layer is counted."""
ALIKE = 0.9
"""Mean cosine from which on samples are said to look alike."""
APART = 0.6
"""Mean cosine below which they are said to stay apart."""
SURPLUS = 0.1
"""Nats above guessing from which on the initial loss is pointed out."""

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


def notes(spec: Signal, arrays: Arrays) -> tuple[Note, ...]:
    """The notes of the frame, the most telling first."""
    seen = _Seen(spec, arrays)
    found = [
        *seen.overflow(),
        *seen.batch_gradients(),
        *seen.held_gradients(),
        *seen.free_gradients(),
        *seen.sizes(),
        *seen.samples(),
        *seen.health(),
        *seen.losses(),
    ]
    return tuple(found[: recorded.MOST_NOTES])


class _Seen:
    """The frame's medians over the seeds, by variant."""

    def __init__(self, spec: Signal, arrays: Arrays) -> None:
        self.spec, self.arrays = spec, arrays
        self.labels = [
            "Without normalization" if norm == "none" else NORMS[norm].label for norm in spec.norms
        ]

    def overflow(self) -> Iterator[Note]:
        """Variants whose numbers leave float32's range."""
        for v, row in enumerate(self.arrays["sd_median"]):
            if not np.isfinite(row).all():
                yield Note(
                    "signal.overflow", {"norm": self.labels[v], "layer": int(np.argmin(np.isfinite(row))) + 1}
                )

    def batch_gradients(self) -> Iterator[Note]:
        """The growth of the gradient behind batch norm, beside what theory expects."""
        for v, norm in enumerate(self.spec.norms):
            measured = self._growth(v)
            if norm not in ("batch", "ghost_batch") or not measured > STEEP:
                continue
            samples = theory.samples(self.spec, norm)
            numbers: Numbers = {
                "norm": self.labels[v], "growth": _rounded(measured), "batch": samples,
                "times": _rounded(self._over_all(v)),
            }  # fmt: skip
            predicted = self._predicted(norm)
            if predicted is not None:
                exact = self.spec.activation in ("relu", "linear") and self.spec.placement == "before"
                known = "signal.explodes" if exact else "signal.explodes_about"
                yield Note(known, {**numbers, "theory": _rounded(predicted)})
            else:
                yield Note("signal.explodes_unbounded" if samples == 3 else "signal.explodes_alone", numbers)

    def held_gradients(self) -> Iterator[Note]:
        """A variant whose activation gradient keeps its size, beside one of batch norm where it does not."""
        for v, norm in enumerate(self.spec.norms):
            growth = self._growth(v)
            if norm in ("layer", "rms", "group") and 1 / STEEP <= growth <= STEEP:
                yield Note("signal.held", {"norm": self.labels[v], "growth": _rounded(growth)})
                return

    def free_gradients(self) -> Iterator[Note]:
        """What gradients do without normalization, those of the weights beside those of the activations."""
        if "none" not in self.spec.norms:
            return
        v = self.spec.norms.index("none")
        activation, weight = self._growth(v), recorded.growth(self.arrays["grad_weight_median"][v], "weight")
        if not math.isfinite(activation):
            return
        numbers: Numbers = {"growth": _rounded(activation), "times": _rounded(self._over_all(v))}
        steep = not 1 / STEEP <= activation <= STEEP
        if steep and FLAT[0] <= weight <= FLAT[1]:
            yield Note("signal.which_gradient", {**numbers, "weight": _rounded(weight)})
        elif activation > STEEP:
            yield Note("signal.free_grows", numbers)
        elif steep:
            yield Note(
                "signal.free_fades", {"growth": numbers["growth"], "times": _rounded(1 / self._over_all(v))}
            )
        else:
            yield Note("signal.free_flat", numbers)

    def sizes(self) -> Iterator[Note]:
        """The SD of the last layer where nothing holds it, and where theory expects it."""
        scales = theory.scales(self.spec)
        for v, norm in enumerate(self.spec.norms):
            row = self.arrays["sd_median"][v]
            if theory.scale_kind(norm) == "held" or not np.isfinite(row).all() or not row[-1] > 0:
                continue
            change = row[-1] / row[0]
            low, high = (self.arrays[f"theory_sd_{one}"][scales.index(norm), -1] for one in ("low", "high"))
            numbers: Numbers = {
                "norm": self.labels[v], "depth": self.spec.depth, "width": self.spec.width,
                "first": _rounded(row[0]), "last": _rounded(row[-1]),
                "low": _rounded(low), "high": _rounded(high),
            }  # fmt: skip
            if not (np.isfinite(low) and np.isfinite(high)):
                continue
            if change > SIZE_RATIO:
                yield Note("signal.grows", numbers)
            elif change < 1 / SIZE_RATIO:
                yield Note("signal.dies", numbers)
            elif norm == "none":
                yield Note("signal.keeps", numbers)
            return

    def samples(self) -> Iterator[Note]:
        """Where all samples come to look alike, and where they stay apart."""
        last = self.arrays["cosine_median"][:, -1]
        if not np.isfinite(last).any() or self.spec.depth < 2:
            return
        most, least = int(np.nanargmax(last)), int(np.nanargmin(last))
        numbers: Numbers = {
            "norm": self.labels[most], "cosine": _rounded(last[most]), "depth": self.spec.depth,
            "first": _rounded(self.arrays["cosine_median"][most, 0]),
        }  # fmt: skip
        if last[most] < ALIKE:
            return
        if last[least] < APART:
            yield Note(
                "signal.alike_and_apart",
                {**numbers, "other": self.labels[least], "apart": _rounded(last[least])},
            )
        else:
            yield Note("signal.alike", numbers)

    def health(self) -> Iterator[Note]:
        """How many layers are saturated, or have dead units, in the variant that suffers most."""
        for name in recorded.health(self.spec):
            rows = np.nan_to_num(self.arrays[f"{name}_median"])
            v = int(rows.mean(1).argmax())
            ill = int((rows[v] > UNHEALTHY).sum())
            if ill:
                worst = int(rows[v].argmax())
                numbers: Numbers = {
                    "norm": self.labels[v], "layers": ill, "depth": self.spec.depth, "layer": worst + 1,
                    "share": _rounded(rows[v, worst]),
                }  # fmt: skip
                yield Note(f"signal.{name}", numbers)

    def losses(self) -> Iterator[Note]:
        """The largest initial loss beside that of guessing."""
        loss = self.arrays["loss_median"]
        if not np.isfinite(loss).any():
            return
        chance = math.log(self.spec.classes)
        worst = int(np.nanargmax(loss))
        numbers: Numbers = {
            "norm": self.labels[worst], "loss": _rounded(loss[worst]), "classes": self.spec.classes,
            "chance": _rounded(chance),
        }  # fmt: skip
        yield Note("signal.loss" if loss[worst] > chance + SURPLUS else "signal.guessing", numbers)

    # --- numbers --------------------------------------------------------------------------------------

    def _growth(self, v: int) -> float:
        return recorded.growth(self.arrays["grad_activation_median"][v], "activation")

    def _over_all(self, v: int) -> float:
        """Norm of the activation gradient in layer 1 against that in the last layer."""
        row = self.arrays["grad_activation_median"][v].astype(np.float64)
        return float(row[0] / row[-1])

    def _predicted(self, norm: str) -> float | None:
        flows = theory.flows(self.spec)
        if norm not in flows:
            return None
        return recorded.growth(self.arrays["theory_grad_activation"][flows.index(norm)], "activation")


def _rounded(value: Any) -> float:
    """Five digits are enough for a sentence."""
    return float(f"{value:.5g}")
