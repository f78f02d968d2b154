"""What the race of noisy batch norm records.

Every frame holds the moments of the batch; some hold an evaluation as well.

Legend: V variants, S seeds, L hidden layers, U shown units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Array, Recording, Schema
from normviz.specs.spreads import spread
from normviz.specs.train_frames import HEAD_BYTES

if TYPE_CHECKING:
    from normviz.specs.noisy_bn import NoisyBN

VARIANTS = ("none", "batch", "noisy_batch")
"""No normalization, batch norm, and batch norm with noise behind it."""
LABELS = {"none": "no normalization", "batch": "batch norm", "noisy_batch": "batch norm with noise"}
"""How sentences name them."""
UNITS = 4
"""Units of each layer whose means are drawn, the first ones."""
TARGET = 0.90
"""Accuracy on the training samples for which the variants race."""
FIRST = ("with noise, in every seed", "without normalization, in every seed", "the seeds do not tell")
"""Who gets to `TARGET` first: batch norm with noise, no normalization, neither."""
MOST_NOTES, NOTE_BYTES = 6, 260


def each(spec: NoisyBN) -> tuple[Array, ...]:
    """Arrays of every frame.  Units are those of the first seed; ``shift`` is a median over the seeds."""
    v, n = len(VARIANTS), spec.depth
    layer = ("variant", "layer")
    return (
        Array("unit_mean", (v, n, UNITS), "f4", (*layer, "unit")),
        Array("unit_low", (v, n), "f4", layer),  # mean less one SD, first unit
        Array("unit_high", (v, n), "f4", layer),
        Array("shift", (v, n), "f4", layer, "SD"),
        Array("diverged_at", (v, spec.seeds), "f4", ("variant", "seed"), "step"),  # NaN: it has not
    )


def some(spec: NoisyBN) -> tuple[Array, ...]:
    """Arrays of the frames in which the training samples are evaluated."""
    v, s = len(VARIANTS), spec.seeds
    return (
        Array("accuracy", (v, s), "f4", ("variant", "seed"), "share of the training samples"),
        Array("accuracy_median", (v,), "f4", ("variant",), "share of the training samples"),
        Array("reached", (v, s), "f4", ("variant", "seed"), "step"),  # NaN: not yet
    )


def last(spec: NoisyBN) -> tuple[Array, ...]:
    """Arrays of the last frame alone: who was first, a position in `FIRST`, and the median arrivals.

    Who has not arrived counts as arriving at the run's last step.
    """
    return (
        Array("first", (1,), "f4", ("race",)),
        Array("arrival", (len(VARIANTS),), "f4", ("variant",), "step"),
    )


def schema(spec: NoisyBN) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": VARIANTS, "seed": spec.seed_values, "layer": tuple(range(1, spec.depth + 1)),
    }  # fmt: skip
    facts = {"steps": spec.steps, "frames": spec.steps + 1}
    return Schema((*each(spec), *some(spec), *last(spec)), labels, facts)


def nbytes(spec: NoisyBN) -> float:
    """Bytes of all frames, at most."""
    often = sum(array.nbytes for array in each(spec)) + HEAD_BYTES
    seldom = sum(array.nbytes for array in some(spec)) + MOST_NOTES * NOTE_BYTES
    once = sum(array.nbytes for array in last(spec))
    return float(once + often * (spec.steps + 1) + seldom * len(spec.evaluated_steps))


def answer(recording: Recording, v: int) -> dict[str, Any]:
    """What came of one variant: steps to the target (of the seeds that got there), accuracy, mean shift."""
    reached = recording.at("reached")[v]
    alive = np.isnan(recording.at("diverged_at")[v])
    return {
        f"steps_to_{TARGET:.0%}".rstrip("%"): spread(reached),
        "train_accuracy": spread(recording.at("accuracy")[v][alive]),
        "shift": mean_shift(recording.history("shift")[1][:, v]),
    }


def mean_shift(shift_TL: NDArray[Any]) -> float | None:
    """Mean over steps and layers, where it is known."""
    known = np.isfinite(shift_TL)
    return float(shift_TL[known].astype(np.float64).mean()) if known.any() else None
