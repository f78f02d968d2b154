"""What a drag of a layer's weights records: the whole curves once, and what stands at each place of the drag.

Legend: V variants (norms), K scales, R rows (units of the layer).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from normviz.frames import Array, Recording, Schema
from normviz.specs.train_frames import HEAD_BYTES

if TYPE_CHECKING:
    from normviz.specs.scale import Scale

DECADE = 20
"""Scales in each power of ten."""
SCALES: tuple[float, ...] = tuple(
    float(k) for k in np.round(10.0 ** (np.arange(2 * DECADE + 1) / DECADE - 1.0), 6)
)
"""What the weights are multiplied by, one after the other: 0.1 to 10, and 1 in the middle."""
MIDDLE = DECADE
"""Place of the scale 1."""
MOST_NOTES, NOTE_BYTES = 10, 260

EXACT = 1e-5
"""Relative change of the loss up to which it is called unchanged: some roundings of float32."""
NEARLY = 0.02
"""Up to here a change is small enough to come from ε alone; whether it does is tested with other ε."""

CURVES = {
    "loss": "nats",
    "change": "",
    "gradient": "",
    "turn": "",
}
"""Curves over the scales, with their units.

| name | is |
| --- | --- |
| loss | loss of the batch with the layer's weights multiplied by k |
| change | its relative distance from the loss at k = 1; NaN where that is exactly zero |
| gradient | Euclidean norm of the gradient by the layer's weights, divided by the one at k = 1 |
| turn | lr·‖G‖/‖W‖: how far one step of SGD moves the weights, compared with their size |
"""


def arrays(spec: Scale) -> tuple[Array, ...]:
    """Curves and places come in the first frame; the others say where the drag stands."""
    v, k, r = len(spec.norms), len(SCALES), spec.width
    curve, here = ("variant", "scale"), ("variant", "place")
    return (
        Array("scales", (k,), "f4", ("scale",)),
        *(Array(name, (v, k), "f4", curve, unit) for name, unit in CURVES.items()),
        *(Array(f"span_{name}", (3,), "f4", ("low, high, tick",), "log10") for name in ("loss", "turn")),
        Array("span_cosine", (2,), "f4", ("low, high",)),
        Array("row_places", (v, r), "f4", ("variant", "row")),
        Array("whole_places", (v, 1), "f4", ("variant", "place")),
        Array("scale", (1,), "f4", ("place",)),
        *(Array(f"{name}_here", (v, 1), "f4", here, unit) for name, unit in CURVES.items()),
        Array("row_cosine", (v, r), "f4", ("variant", "row")),
        Array("whole_cosine", (v, 1), "f4", here),
    )


def schema(spec: Scale) -> Schema:
    """The schema of a run; its frames run over the scales."""
    last = len(SCALES) - 1
    cursor = {"name": "Scale of the weights", "label": "W ×", "values": list(SCALES)}
    facts = {"steps": last, "frames": len(SCALES), "cursor": cursor}
    return Schema(arrays(spec), {"variant": spec.norms}, facts)


def nbytes(spec: Scale) -> float:
    """Bytes of all frames, at most."""
    often = ("scale", "row_cosine", "whole_cosine", *(f"{name}_here" for name in CURVES))
    whole = schema(spec)
    each = sum(whole[name].nbytes for name in often) + HEAD_BYTES + MOST_NOTES * NOTE_BYTES
    return float(sum(array.nbytes for array in whole.arrays) + each * len(SCALES))


def answer(recording: Recording, v: int) -> dict[str, Any]:
    """What came of one variant."""
    loss, gradient = recording.at("loss")[v], recording.at("gradient")[v]
    return {
        "loss": float(loss[MIDDLE]),
        "loss_times_10": float(loss[-1]),
        "gradient_ratio_times_10": float(gradient[MIDDLE] / gradient[-1]),
        "greatest_relative_change_of_the_loss": float(np.nanmax(recording.at("change")[v], initial=0.0)),
        "largest_cosine_of_a_row": float(np.nanmax(np.abs(recording.at("row_cosine")[v]), initial=0.0)),
        "cosine_of_the_whole": float(recording.at("whole_cosine")[v, 0]),
    }
