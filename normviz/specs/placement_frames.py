"""What the comparison of places records, and when two intervals overlap.

Legend: V norms, P places (before, after), S seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.networks import PLACEMENTS
from normviz.frames import Array, Recording, Schema
from normviz.specs.spreads import spread
from normviz.specs.train_frames import HEAD_BYTES

if TYPE_CHECKING:
    from normviz.specs.placement import Placement

PLACES = PLACEMENTS
"""Before the activation, after it."""
TARGET = 0.94
"""Test accuracy to which the steps are counted."""
QUANTITIES = ("test_accuracy", "reached")
"""What has an interval over the seeds."""
MOST_NOTES, NOTE_BYTES = 6, 260

_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5% quantiles of Student's t for 1 to 9 degrees of freedom."""


def arrays(spec: Placement) -> tuple[Array, ...]:
    """Arrays of every frame."""
    shape, axes = (len(spec.norms), len(PLACES)), ("variant", "place")
    return (
        Array("test_accuracy", (*shape, spec.seeds), "f4", (*axes, "seed"), "share of the test samples"),
        Array("test_accuracy_median", shape, "f4", axes, "share of the test samples"),
        Array("reached", (*shape, spec.seeds), "f4", (*axes, "seed"), "step"),  # NaN: not yet
        Array("diverged_at", (*shape, spec.seeds), "f4", (*axes, "seed"), "step"),  # NaN: it has not
        *(
            Array(f"{of}_{one}", (*shape, 1), "f4", (*axes, "mark"))
            for of in QUANTITIES
            for one in ("mean", "margin")
        ),
    )


def schema(spec: Placement) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": spec.norms, "place": PLACES, "seed": spec.seed_values,
    }  # fmt: skip
    return Schema(arrays(spec), labels, {"steps": spec.steps, "frames": len(spec.evaluated_steps)})


def nbytes(spec: Placement) -> float:
    """Bytes of all frames, at most."""
    each = sum(array.nbytes for array in arrays(spec)) + HEAD_BYTES + MOST_NOTES * NOTE_BYTES
    return float(each * len(spec.evaluated_steps))


def interval(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and half width of its 95% interval over the seeds, by Student's t; NaN unless all are known.

    mean ± t·SD/√S with S-1 degrees of freedom.

    Shapes: [..., S] -> twice [..., 1].
    """
    seeds = values.shape[-1]
    wide = values.astype(np.float64)
    margin = _T[seeds - 2] * wide.std(-1, ddof=1, keepdims=True) / np.sqrt(seeds)
    return wide.mean(-1, keepdims=True), margin


def overlap(mean_P: NDArray[Any], margin_P: NDArray[Any]) -> bool | None:
    """Whether the intervals of the two places overlap; None if one of them is not known.

    Shapes: both [P, 1].
    """
    if not (np.isfinite(mean_P).all() and np.isfinite(margin_P).all()):
        return None
    return bool(abs(float(mean_P[0, 0]) - float(mean_P[1, 0])) <= float(margin_P.sum()))


def answer(recording: Recording, v: int) -> dict[str, Any]:
    """What came of one norm in both places."""
    told: dict[str, Any] = {}
    accuracy, reached = recording.at("test_accuracy")[v], recording.at("reached")[v]
    for p, place in enumerate(PLACES):
        told[place] = {
            f"steps_to_{TARGET:.0%}".rstrip("%"): spread(reached[p][np.isfinite(reached[p])]),
            "test_accuracy": spread(accuracy[p][np.isfinite(accuracy[p])]),
        }
    for of in QUANTITIES:
        told[f"{of}_overlaps"] = overlap(recording.at(f"{of}_mean")[v], recording.at(f"{of}_margin")[v])
    return told
