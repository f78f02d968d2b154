"""What a run of the batch size records: schema, size, and the answer read from it.

Errors are in percent of the test split.

Legend: V variants (norms), Z batch sizes, S seeds, A norms with accumulated gradients, G batch sizes of the
single layer, C cases, M modes (training, evaluation).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Array, Recording, Schema
from normviz.specs.spreads import spread
from normviz.specs.train_frames import HEAD_BYTES

if TYPE_CHECKING:
    from normviz.specs.batch_size import BatchSize

SIZES = (2, 4, 8, 16, 32)
"""Batch sizes at which networks are trained."""
LARGEST = SIZES[-1]
"""Samples of an update where only the statistics change."""
OVER_PARTS = ("batch", "batch_renorm")
"""Norms whose statistics are taken over parts of the batch where only these change."""
ACCUMULATED = ("batch", "group")
"""Norms that are also trained on accumulated gradients."""
GAP_SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
"""Batch sizes at which the two modes of a single layer are compared."""
MODES = ("train()", "eval()")
"""Columns of the table of cases."""
LAYERS = (
    "BatchNorm1d(8) on (1, 8)",
    "BatchNorm1d(8) on (1, 8, 1)",
    "BatchNorm1d(8, track_running_stats=False) on (1, 8)",
    "BatchNorm2d(8) on (1, 8, 1, 1)",
    "BatchNorm2d(8) on (1, 8, 4, 4)",
    "InstanceNorm2d(8) on (1, 8, 1, 1)",
    "GroupNorm(8, 8) on (1, 8)",
    "GroupNorm(8, 8) on (2, 8)",
    "GroupNorm(4, 8) on (1, 8)",
    "LayerNorm(8) on (1, 8)",
)
"""Layers of torch and the shapes that they are given."""
LOADERS = (
    "MLP, last of 797 digits by 2",
    "MLP, last of 797 digits by 4",
    "MLP, the same by 4, drop_last=True",
    "CNN, last of 797 digits by 4",
)
"""Networks with batch norm, given the last batch of a data loader."""
CASES = (*LAYERS, *LOADERS)
"""Rows of the table."""
OUTCOMES = ("raises", "zero", "runs")
"""What torch does: it raises, returns zeros whatever goes in, or computes something."""
MOST_NOTES = 11
NOTE_BYTES = 300
"""Of one note as JSON, at most."""


def each(spec: BatchSize) -> tuple[Array, ...]:
    """Arrays of every frame.  ``mean``, ``below`` and ``above`` it (to the extremes) are over the seeds."""
    v, s, z, a = len(spec.variants), spec.seeds, len(SIZES), len(spec.accumulated)
    axes = ("variant", "size")
    found = [
        Array("error", (v, z, s), "f4", (*axes, "seed"), "%"),
        *(Array(f"error_{one}", (v, z), "f4", axes, "%") for one in ("mean", "below", "above")),
    ]
    if a:
        found += [
            Array("accumulated", (a, 1, s), "f4", ("accumulated", "micro", "seed"), "%"),
            *(
                Array(f"accumulated_{one}", (a, 1), "f4", ("accumulated", "micro"), "%")
                for one in ("mean", "below", "above")
            ),
        ]
    return tuple(found)


def once(spec: BatchSize) -> tuple[Array, ...]:
    """Arrays of a single frame.

    ``case_raises`` and its like hold the row of a case where torch does that, NaN elsewhere; ``ended`` is
    ``error_mean`` at the end of the training.
    """
    return (
        Array("ended", (len(spec.variants), len(SIZES)), "f4", ("variant", "size"), "%"),
        *(Array(f"case_{one}", (len(MODES), len(CASES)), "f4", ("mode", "case"), "row") for one in OUTCOMES),
        *(Array(f"gap_{one}", (len(GAP_SIZES),), "f4", ("gap",)) for one in ("measured", "formula", "rule")),
    )


def schema(spec: BatchSize) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": spec.variants,
        "size": SIZES,
        "seed": spec.seed_values,
        "accumulated": spec.accumulated,
        "micro": (spec.micro_batch,),
        "gap": GAP_SIZES,
        "mode": MODES,
        "case": CASES,
    }
    return Schema(
        (*each(spec), *once(spec)), labels, {"steps": spec.steps, "frames": len(spec.evaluated_steps)}
    )


def nbytes(spec: BatchSize) -> float:
    """Bytes of all frames, at most."""
    often = sum(array.nbytes for array in each(spec)) + HEAD_BYTES + NOTE_BYTES * MOST_NOTES
    return float(often * len(spec.evaluated_steps) + sum(array.nbytes for array in once(spec)))


def gap(size: int) -> float:
    r"""E(y_train - y_eval)² of one batch norm layer on standard normal inputs, in batches of ``size``.

    $2-2\sqrt{2/B}\;\Gamma(B/2)/\Gamma((B-1)/2)$, about 3/(2B): x̂ and x have second moment 1 each, and
    E x̂x = E σ_B, the mean of the root of a χ² variable with B - 1 degrees of freedom.
    """
    half = size / 2
    return 2.0 - 2.0 * math.sqrt(1 / half) * math.exp(math.lgamma(half) - math.lgamma(half - 0.5))


# --- the answer -----------------------------------------------------------------------------------------


def answer(spec: BatchSize, recording: Recording) -> dict[str, Any]:
    """Every number of a finished run; means and SDs are over the seeds that did not diverge."""
    error = recording.at("error")
    told: dict[str, Any] = {
        "error": {
            norm: {str(size): finite_spread(row) for size, row in zip(SIZES, rows, strict=True)}
            for norm, rows in zip(spec.variants, error, strict=True)
        }
    }
    if spec.accumulated:
        found = recording.at("accumulated")
        told["accumulated"] = {
            norm: {str(spec.micro_batch): finite_spread(rows[0])}
            for norm, rows in zip(spec.accumulated, found, strict=True)
        }
    told["gap"] = {
        str(size): {"measured": float(measured), "formula": gap(size)}
        for size, measured in zip(GAP_SIZES, recording.at("gap_measured"), strict=True)
    }
    told["cases"] = {
        case: {mode: outcome_at(recording, m, c) for m, mode in enumerate(MODES)}
        for c, case in enumerate(CASES)
    }
    return told


def outcome_at(recording: Recording, mode: int, case: int) -> str:
    """Which of `OUTCOMES` a case had."""
    return next(one for one in OUTCOMES if np.isfinite(recording.at(f"case_{one}")[mode, case]))


def finite_spread(values: NDArray[Any]) -> dict[str, float | int] | None:
    """Mean and SD of the values that are finite; None if there are none."""
    return spread(values[np.isfinite(values)])
