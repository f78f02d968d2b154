"""What looks along the gradient record: one frame for each look.

Legend: V variants (norms), S seeds, A places on the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from normviz.frames import Array, Recording, Schema
from normviz.specs.spreads import spread
from normviz.specs.train_frames import HEAD_BYTES

if TYPE_CHECKING:
    from normviz.specs.landscape import Landscape

MOST_NOTES, NOTE_BYTES = 6, 260
HERE = 0
"""Place of the line at which the network stands (a = 0)."""

SMOOTHER = (0.5, 2.0, 10.0)
"""Effective smoothness without a norm over that with batch norm, between which a guess about it is right."""

QUANTITIES = {"range": "nats", "change": "", "smoothness": ""}
"""What a look gives for each member, over the steps from the shortest to the longest that is tried.

| name | is |
| --- | --- |
| range | greatest loss minus least loss along the line |
| change | greatest ‖∇L there - ∇L here‖ / ‖∇L here‖ |
| smoothness | greatest ‖∇L there - ∇L here‖ / ‖there - here‖, the effective β |
"""


def arrays(spec: Landscape) -> tuple[Array, ...]:
    """Medians and bounds are over the seeds that are alive; the line itself is of the first seed."""
    v, s, a = len(spec.norms), spec.seeds, len(spec.places)
    one, line = ("variant",), ("variant", "place")
    return (
        Array("places", (a,), "f4", ("place",), "times the learning rate"),
        Array("line_loss", (v, a), "f4", line, "nats"),
        Array("line_change", (v, a), "f4", line),
        *(Array(f"loss_{end}", (v,), "f4", one, "nats") for end in ("low", "high", "here")),
        *(Array(f"change_{end}", (v,), "f4", one) for end in ("low", "high")),
        *(Array(name, (v, s), "f4", ("variant", "seed"), unit) for name, unit in QUANTITIES.items()),
        *(
            Array(f"{name}_{end}", (v,), "f4", one, unit)
            for name, unit in QUANTITIES.items()
            for end in ("median", "least", "most")
        ),
        Array("diverged_at", (v, s), "f4", ("variant", "seed"), "step"),  # NaN: it has not
        *last(spec),
    )


def last(spec: Landscape) -> tuple[Array, ...]:
    """Arrays of the last look alone: each norm's mean over all looks, and what became of the comparison.

    ``smoother`` is the mean without a norm over that of each norm, ``smoother_place`` its place among
    `SMOOTHER`.
    """
    v, one = len(spec.norms), ("variant",)
    return tuple(Array(name, (v,), "f4", one) for name in ("ended", "smoother", "smoother_place"))


def schema(spec: Landscape) -> Schema:
    """The schema of a run."""
    facts = {"steps": spec.steps, "frames": len(spec.looks)}
    return Schema(arrays(spec), {"variant": spec.norms, "seed": spec.seed_values}, facts)


def nbytes(spec: Landscape) -> float:
    """Bytes of all frames, at most."""
    each = sum(array.nbytes for array in arrays(spec)) + HEAD_BYTES + MOST_NOTES * NOTE_BYTES
    return float(each * len(spec.looks))


def answer(recording: Recording, v: int) -> dict[str, Any]:
    """What came of one variant: each quantity's mean over the looks, its spread over the seeds."""
    told: dict[str, Any] = {}
    for name in QUANTITIES:
        values_TS = recording.history(name)[1][:, v]
        alive = np.isfinite(values_TS).all(0)
        told[name] = spread(values_TS[:, alive].mean(0))
    told["diverged"] = int(np.isfinite(recording.at("diverged_at")[v]).sum())
    return told
