"""What one look at a deep network at initialization records: schema, size, and the answer read from it.

Everything comes in a single frame.  Besides what was measured it holds what theory expects, so that figures
have nothing to compute.

Legend: V variants (norms), S seeds, L hidden layers, B bins.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Array, Recording, Schema
from normviz.specs import signal_theory as theory
from normviz.specs.spreads import spread
from normviz.specs.train_frames import BINS as BINS
from normviz.specs.train_frames import HEAD_BYTES
from normviz.specs.train_frames import WHOLE as WHOLE

if TYPE_CHECKING:
    from normviz.specs.signal import Signal

MOST_NOTES = 8
"""Notes of the frame."""
NOTE_BYTES = 200
"""Of one note as JSON, at most."""

MEASURED = {
    "sd": "",
    "grad_activation": "",
    "grad_weight": "",
    "cosine": "",
}
"""Quantities of every member and layer, with their units.

| name | is |
| --- | --- |
| sd | standard deviation of the pre-activations over units and samples |
| grad_activation | Euclidean norm of the gradient of the loss by the layer's activations, over the batch |
| grad_weight | Euclidean norm of the gradient by the layer's weights |
| cosine | mean cosine of the angle between the activations of two samples |
| dead | share of rectified units that are zero for the whole batch |
| saturated | share of the activation function's values within 0.03 of its bounds |
"""


MOST_TICKS = 8
"""Steps between the ticks of a logarithmic axis."""
BACK = (0.5, 2.0, 10.0)
"""Sizes of a gradient in layer 1, that in the last layer being 1, between which a guess about it is right."""
SPANS = {"sd": (-2.0, 2.0), "grad_activation": (-2.0, 1.0), "grad_weight": (-1.0, 1.0), "loss": (0.0, 1.0)}
"""Quantities on logarithmic axes, and the powers of ten between which an axis reaches at least."""


def health(spec: Signal) -> dict[str, str]:
    """The measures of unhealthy units that the activation function has, and their units."""
    if spec.activation == "relu":
        return {"dead": "share of units"}
    return {"saturated": "share of values"} if spec.activation in ("tanh", "sigmoid") else {}


def quantities(spec: Signal) -> dict[str, str]:
    """All quantities of every member and layer, with their units."""
    return {**MEASURED, **health(spec)}


def arrays(spec: Signal) -> tuple[Array, ...]:
    """Everything in the frame.  Medians and bounds are over the seeds; histograms are of the first seed."""
    v, s, n = len(spec.norms), spec.seeds, spec.depth
    spreads = ("median", "low", "high")
    return (
        Array("layers", (n,), "u1", ("layer",)),
        Array("bins", (BINS,), "f4", ("bin",)),
        *(
            Array(f"hist_{one}", (v, n, BINS), "u2", ("variant", "layer", "bin"), f"1/{WHOLE}")
            for one in ("pre", "post", "grad")
        ),
        *(
            Array(name, (v, s, n), "f4", ("variant", "seed", "layer"), unit)
            for name, unit in quantities(spec).items()
        ),
        *(
            Array(f"{name}_{one}", (v, n), "f4", ("variant", "layer"), unit)
            for name, unit in quantities(spec).items()
            for one in spreads
        ),
        Array("loss", (v, s), "f4", ("variant", "seed"), "nats"),
        *(Array(f"loss_{one}", (v,), "f4", ("variant",), "nats") for one in spreads),
        # The activation gradient in layer 1 over that in the last layer, and its place among `BACK`.
        Array("back", (v,), "f4", ("variant",)),
        Array("back_place", (v,), "f4", ("variant",)),
        *(Array(f"span_{name}", (3,), "f4", ("low, high, tick",), "log10") for name in SPANS),
        *_expected("sd", ("", "_low", "_high"), "scale", len(theory.scales(spec)), n),
        *_expected("grad_activation", ("",), "flow", len(theory.flows(spec)), n),
        *_expected("grad_weight", ("",), "weight_flow", len(theory.weight_flows(spec)), n),
        *_expected("cosine", ("",), "angle", len(theory.angles(spec)), n),
    )


def _expected(name: str, endings: tuple[str, ...], axis: str, count: int, layers: int) -> list[Array]:
    if not count:
        return []
    return [Array(f"theory_{name}{one}", (count, layers), "f4", (axis, "layer")) for one in endings]


def schema(spec: Signal) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": spec.norms,
        "seed": spec.seed_values,
        "layer": tuple(range(1, spec.depth + 1)),
        "scale": theory.scales(spec),
        "flow": theory.flows(spec),
        "weight_flow": theory.weight_flows(spec),
        "angle": theory.angles(spec),
    }
    facts = {"steps": 0, "frames": 1, "classes": spec.classes, "ln_classes": math.log(spec.classes)}
    return Schema(arrays(spec), labels, facts)


def nbytes(spec: Signal) -> float:
    """Bytes of the frame, at most."""
    return float(sum(array.nbytes for array in arrays(spec)) + HEAD_BYTES + NOTE_BYTES * MOST_NOTES)


# --- the answer -----------------------------------------------------------------------------------------


def answer(spec: Signal, recording: Recording, v: int) -> dict[str, Any]:
    """What was found of one variant; means and SDs are over the seeds with a finite value."""
    norm = spec.norms[v]

    def last(name: str, axis: str) -> float | None:
        places = recording.schema.labels[axis]
        if norm not in places:
            return None
        return _plain(recording.at(f"theory_{name}")[places.index(norm), -1])

    told: dict[str, Any] = {
        "sd_last": spread(recording.at("sd")[v, :, -1]),
        "sd_last_predicted": last("sd", "scale"),
    }
    for name, squared in (("activation", True), ("weight", False)):
        told[f"growth_{name}{'_squared' * squared}"] = spread(
            np.array([growth(row, name) for row in recording.at(f"grad_{name}")[v]])
        )
        told[f"growth_{name}{'_squared' * squared}_predicted"] = predicted_growth(recording, norm, name)
    for name in health(spec):
        told[name] = spread(recording.at(name)[v].mean(-1))
    told["initial_loss"] = spread(recording.at("loss")[v])
    told["cosine_first"] = spread(recording.at("cosine")[v, :, 0])
    told["cosine_last"] = spread(recording.at("cosine")[v, :, -1])
    told["cosine_last_predicted"] = last("cosine", "angle")
    return told


def growth(gradients: NDArray[Any], name: str) -> float:
    """Growth of a gradient's norm per layer towards the input, by a straight line through its logarithm.

    ``name`` "activation": of the *squared* norm, over all layers.  "weight": of the norm itself, without
    layer 1, whose fan-in is another.  NaN for fewer than two layers, or if a norm is zero or not finite.

    Shapes: [L].
    """
    values = np.asarray(gradients, np.float64)[1 if name == "weight" else 0 :]
    if len(values) < 2 or not (np.isfinite(values).all() and (values > 0).all()):
        return math.nan
    slope = np.polyfit(np.arange(len(values)), np.log(values), 1)[0]
    return float(np.exp(-slope * (2 if name == "activation" else 1)))


def predicted_growth(recording: Recording, norm: str, name: str) -> float | None:
    """`growth` of the curve that theory expects; None if it expects none."""
    flows = recording.schema.labels["flow" if name == "activation" else "weight_flow"]
    if norm not in flows:
        return None
    return _plain(growth(recording.at(f"theory_grad_{name}")[flows.index(norm)], name))


def _plain(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
