"""What a training run records: its schema, how many bytes it takes, and the answer read from it.

Arrays travel at three paces: constants once; ``EACH`` with every frame; ``SOME`` with the frames at which
the whole test split is evaluated.

Legend: V variants (norms), S seeds, L layers with a norm, B bins, U units of which statistics are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Array, Recording, Schema
from normviz.specs.spreads import spread

if TYPE_CHECKING:
    from normviz.specs.train import Train

BINS = 64
"""Bins of each histogram."""
UNITS = 16
"""Units (the first of each layer) whose batch and running statistics are recorded."""
WHOLE = 65535
"""A layer's histogram is recorded as shares of its values in units of 1/WHOLE, so that layers of any size
fit the same 16 bits and can share a colour scale."""
GRID = 48
"""Points along each side of a decision surface."""
EXTENT = 2.4
"""A decision surface reaches from -EXTENT to EXTENT in both coordinates."""
SHOWN_POINTS = 250
"""Training samples that are drawn over a decision surface."""
CLASS_STEP = 85
"""A decision surface is coded as CLASS_STEP·(predicted class) + SURE·confidence."""
SURE = 80
NEVER = -1
"""In place of a step that has not come."""
MOST_NOTES = 6
"""Notes of one frame."""
NOTE_BYTES = 140
"""Of one note as JSON, at most."""
HEAD_BYTES = 8 + 8
"""Head of a frame and its mask, at most."""
NOBODY = "nobody, their seeds overlap"
"""The winner of a race without a clear one."""
TARGETS = (0.90, 0.94)
"""Test accuracies to which the steps are counted."""


def constants(spec: Train) -> tuple[Array, ...]:
    """Arrays of the first frame alone."""
    always = (
        Array("layers", (len(spec.layers),), "u1", ("layer",)),
        Array("bins", (BINS,), "f4", ("bin",)),
    )
    if not spec.data.planar:
        return always
    return (
        *always,
        Array("points", (2, SHOWN_POINTS), "f4", ("coordinate", "point")),
        Array("classes", (SHOWN_POINTS,), "u1", ("point",)),
        Array("grid", (GRID,), "f4", ("place",)),
    )


def each(spec: Train) -> tuple[Array, ...]:
    """Arrays of every frame.  Medians and bounds are over the seeds; histograms are of the first seed."""
    v, s, n = len(spec.norms), spec.seeds, len(spec.layers)
    by_member, by_layer = ("variant", "seed"), ("variant", "layer")
    share = f"1/{WHOLE}"
    return (
        Array("loss", (v, s), "f4", by_member, "nats"),
        *(Array(f"loss_{one}", (v,), "f4", ("variant",), "nats") for one in ("median", "low", "high")),
        Array("train_accuracy", (v, s), "f4", by_member, "share of the batch"),
        Array("train_accuracy_median", (v,), "f4", ("variant",), "share of the batch"),
        Array("diverged_at", (v, s), "f4", by_member, "step"),  # NaN: it has not
        # Where a panel that stays blank says so: 0 if the first seed has diverged, else NaN.
        Array("diverged_mark", (v, 1), "f4", ("variant", "mark")),
        *(
            Array(f"hist_{one}", (v, n, BINS), "u2", (*by_layer, "bin"), share)
            for one in ("pre", "post", "grad")
        ),
        Array("grad_norm_activation", (v, n), "f4", by_layer),
        Array("grad_norm_weight", (v, n), "f4", by_layer),
        Array("update_ratio", (v, n), "f4", by_layer),
        *(Array(name, (v, n), "f4", by_layer, unit) for name, unit in health(spec).items()),
    )


def some(spec: Train) -> tuple[Array, ...]:
    """Arrays of the frames at which the test split is evaluated."""
    v, s, n = len(spec.norms), spec.seeds, len(spec.layers)
    arrays = [
        Array("test_accuracy", (v, s), "f4", ("variant", "seed"), "share of the test split"),
        Array("test_accuracy_median", (v,), "f4", ("variant",), "share of the test split"),
    ]
    if affine(spec):
        a = len(affine(spec))
        arrays += [
            Array(f"{name}_{one}", (a, n), "f4", ("affine", "layer"))
            for name in ("gamma", "beta")
            for one in ("mean", "sd")
        ]
    if running(spec):
        shape, axes = (len(running(spec)), n, UNITS), ("running", "layer", "unit")
        arrays += [
            Array(f"{of}_{one}", shape, "f4", axes) for of in ("batch", "running") for one in ("mean", "var")
        ]
    if spec.data.planar:
        arrays.append(Array("surface", (v, GRID, GRID), "u1", ("variant", "y", "x")))
    return tuple(arrays)


def last(spec: Train) -> tuple[Array, ...]:
    """Arrays of the last frame alone.  ``winner`` is a position in the norms, or after them: nobody."""
    return (
        Array("winner", (1,), "f4", ("race",), "variant"),
        *(Array(f"ended_{one}", (1,), "f4", ("race",), "share of the test split") for one in ENDED),
    )


ENDED = ("best", "worst", "next")
"""What is told of the end: the best median, the lowest seed of that variant, the highest of all others."""


def health(spec: Train) -> dict[str, str]:
    """The measures of unhealthy units that the activation function has, and their units.

    None for a network whose norms stand elsewhere than beside an activation function.
    """
    if not spec.net.healths:
        return {}
    if spec.activation == "relu":
        return {"dead": "share of units"}
    return {"saturated": "share of values"} if spec.activation in ("tanh", "sigmoid") else {}


def affine(spec: Train) -> tuple[str, ...]:
    """The variants with a learned scale γ at some step (RMS norm has no shift β beside it)."""
    return tuple(
        one for one in spec.norms if any("γ" in NORMS[norm].parameters for norm in spec.norms_of(one))
    )


def running(spec: Train) -> tuple[str, ...]:
    """The variants with running statistics at some step.

    None for sequences: there a batch norm leaves the padding out, or has statistics for each step, and the
    values of a layer taken together are not what it compares.
    """
    if spec.net.form == "sequence":
        return ()
    return tuple(
        one for one in spec.norms if any(NORMS[norm].running_statistics for norm in spec.norms_of(one))
    )


def schema(spec: Train) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": spec.norms,
        "seed": spec.seed_values,
        "layer": _layers(spec),
        "affine": affine(spec),
        "running": running(spec),
    }
    facts = {"steps": spec.steps, "frames": len(spec.recorded_steps), "classes": spec.data.classes}
    return Schema((*constants(spec), *each(spec), *some(spec), *last(spec)), labels, facts)


def _layers(spec: Train) -> tuple[str | int, ...]:
    """What notes and the chooser of a layer call them: numbers, or "2 (attention)"."""
    return tuple(spec.layer_name(place) for place in range(len(spec.layers)))


def nbytes(spec: Train) -> float:
    """Bytes of all frames, at most."""
    often = sum(array.nbytes for array in each(spec)) + HEAD_BYTES
    seldom = sum(array.nbytes for array in some(spec)) + NOTE_BYTES * MOST_NOTES
    once = sum(array.nbytes for array in (*constants(spec), *last(spec)))
    return float(once + often * len(spec.recorded_steps) + seldom * len(spec.evaluated_steps))


# --- the answer -------------------------------------------------------------------------------------


def answer(spec: Train, recording: Recording, v: int) -> dict[str, Any]:
    """What came of one variant.  Means are over the seeds that did not diverge (or got that far).

    In the medians a seed that did not get that far comes after all others; None if the median one did not.
    """
    steps, accuracy_TS = (
        one if i == 0 else one[:, v] for i, one in enumerate(recording.history("test_accuracy"))
    )
    diverged = recording.at("diverged_at")[v]
    alive = np.isnan(diverged)
    told: dict[str, Any] = {
        "test_accuracy": spread(accuracy_TS[-1][alive]),
        "best_test_accuracy": spread(np.nanmax(accuracy_TS, 0, initial=0.0)),
        "final_loss": spread(recording.at("loss")[v][alive]),
    }
    for target in TARGETS:
        reached = first_steps(steps, accuracy_TS, target)
        name = f"steps_to_{target:.0%}".rstrip("%")
        told[name] = spread(reached[reached >= 0])
        told[f"median_{name}"] = _median(reached)
    told["diverged"] = {
        str(seed): int(step) for seed, step in zip(spec.seed_values, diverged, strict=True) if step >= 0
    }
    return told


def _median(reached_S: NDArray[np.int64]) -> float | None:
    middle = float(np.median(np.where(reached_S == NEVER, np.inf, reached_S)))
    return middle if np.isfinite(middle) else None


def first_steps(steps: NDArray[Any], accuracy_TS: NDArray[Any], target: float) -> NDArray[np.int64]:
    """The first evaluated step at which each seed reaches ``target``; ``NEVER`` if none.

    Shapes: steps [T], accuracy_TS [T, S] -> [S].
    """
    reached = accuracy_TS >= target
    return np.where(reached.any(0), steps[reached.argmax(0)], NEVER).astype(np.int64)
