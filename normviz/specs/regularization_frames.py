"""What a run of the regularization records: schema, size, and the answer read from it.

Errors are in percent, gaps and differences in percentage points.  Intervals are those of the mean, at 95%,
by Student's t.

Legend: V variants, S seeds, P pairs of variants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Array, Recording, Schema
from normviz.specs.train_frames import HEAD_BYTES

if TYPE_CHECKING:
    from normviz.specs.regularization import Regularization


@dataclass(frozen=True)
class Variant:
    """One way to build the network."""

    label: str
    norm: str
    dropout: bool = False


VARIANTS: dict[str, Variant] = {
    "none": Variant("Neither", "none"),
    "dropout": Variant("Dropout", "none", dropout=True),
    "batch": Variant("Batch norm", "batch"),
    "both": Variant("Batch norm and dropout", "batch", dropout=True),
    "layer": Variant("Layer norm", "layer"),
}
"""Layer norm is the control: it normalizes without the noise of a batch."""
PAIRS = (
    ("dropout", "none"),
    ("batch", "none"),
    ("batch", "dropout"),
    ("both", "dropout"),
    ("batch", "layer"),
)
"""Differences that are taken within each seed: the first minus the second."""
MEAN, LOW, HIGH, HALF = range(4)
"""Rows of an interval; HALF is half its width."""
MOST_NOTES = 6
NOTE_BYTES = 260
"""Of one note as JSON, at most."""

_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
)  # fmt: skip
"""0.975 quantile of Student's t with 1, 2, … degrees of freedom."""


def interval(values: NDArray[Any]) -> NDArray[np.float64]:
    r"""Mean and its 95% interval, mean ± t·s/√n over the values that are finite, as `MEAN` … `HALF`.

    Fewer than two values have no interval: NaN.

    Shapes: [S] -> [4].
    """
    known = values[np.isfinite(values)].astype(np.float64)
    n = len(known)
    mean = float(known.mean()) if n else math.nan
    half = _T95[n - 2] * float(known.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return np.array([mean, mean - half, mean + half, half])


def overlap(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two intervals have a point in common."""
    return bool(max(one[LOW], other[LOW]) <= min(one[HIGH], other[HIGH]))


def arrays(spec: Regularization) -> tuple[Array, ...]:
    """Arrays of every frame."""
    v, s, p = len(VARIANTS), spec.seeds, len(PAIRS)
    shown = (("test_error", "%"), ("train_error", "%"), ("gap", "points"))
    return (
        *(Array(name, (v, s), "f4", ("variant", "seed"), unit) for name, unit in shown),
        *(Array(f"{name}_interval", (4, v), "f4", ("interval", "variant"), unit) for name, unit in shown),
        # The interval of the test error once more, as the charts draw it: one mark for each variant.
        *(Array(f"test_error_{one}", (v, 1), "f4", ("variant", "mark"), "%") for one in ("mean", "half")),
        Array("difference", (p, s), "f4", ("pair", "seed"), "points"),
        Array("difference_interval", (4, p), "f4", ("interval", "pair"), "points"),
    )


def schema(spec: Regularization) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": tuple(VARIANTS),
        "seed": spec.seed_values,
        "interval": ("mean", "low", "high", "half"),
        "pair": tuple(f"{one} - {other}" for one, other in PAIRS),
    }
    return Schema(arrays(spec), labels, {"steps": spec.steps, "frames": len(spec.evaluated_steps)})


def nbytes(spec: Regularization) -> float:
    """Bytes of all frames, at most."""
    often = sum(array.nbytes for array in arrays(spec)) + HEAD_BYTES + NOTE_BYTES * MOST_NOTES
    return float(often * len(spec.evaluated_steps))


# --- the answer -----------------------------------------------------------------------------------------


def answer(recording: Recording) -> dict[str, Any]:
    """Everything with its interval, at the end of the run."""
    found = {name: recording.at(f"{name}_interval") for name in ("test_error", "train_error", "gap")}
    test = found["test_error"]
    places = list(VARIANTS)
    return {
        "variants": {
            name: {quantity: _told(rows[:, v]) for quantity, rows in found.items()}
            for v, name in enumerate(VARIANTS)
        },
        "overlaps": {
            f"{one}, {other}": overlap(test[:, places.index(one)], test[:, places.index(other)])
            for one, other in PAIRS
        },
        "differences": {
            f"{one} - {other}": _told(recording.at("difference_interval")[:, p])
            for p, (one, other) in enumerate(PAIRS)
        },
    }


def _told(rows: NDArray[Any]) -> dict[str, float | None]:
    numbers = (None if math.isnan(one) else float(one) for one in rows[:HALF])
    return dict(zip(("mean", "low", "high"), numbers, strict=True))
