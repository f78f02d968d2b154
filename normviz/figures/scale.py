"""The charts of the experiment Scale: loss, gradient and angles while one layer's weights are dragged."""

from __future__ import annotations

from typing import Any

from normviz.catalog.norms import NORMS
from normviz.figures.bound import Figure, now
from normviz.figures.predictions import Prediction
from normviz.figures.theme import STYLES, layout, line, reach, reference, variant
from normviz.phrases import phrase
from normviz.specs import scale_frames as recorded
from normviz.specs.scale import Scale

SCALES = (recorded.SCALES[0], recorded.SCALES[-1])
GRADIENTS = (0.03, 30.0)
"""Range of the gradient's axis, relative to the gradient at k = 1."""
CHANGES = (1e-8, 1e2)
"""Range of the axis of the loss's relative change."""
X = "Weights multiplied by k"


def figures(spec: Scale) -> list[Figure]:
    """All charts of a run, the most telling first."""
    return [losses(spec), gradients(spec), angles(spec), changes(spec), turns(spec)]


def prediction(spec: Scale) -> Prediction | None:
    """What ten times the weights will do to the gradient behind batch norm; nothing if it is not there."""
    if "batch" not in spec.norms:
        return None
    v, last = spec.norms.index("batch"), len(recorded.SCALES) - 1
    return Prediction(
        key="scale.gradient",
        question=phrase(
            "The weights of layer {layer} are made ten times as large; batch norm follows. What happens to "
            "the gradient of these weights?",
            layer=spec.layer,
        ),
        covers=("loss", "gradient", "angles", "change", "turn"),
        choices=("ten times larger", "it stays", "ten times smaller"),
        answer="Measured: {times:.3g} times what it was, while the loss went from {before:.4f} to "
        "{after:.4f}.",
        measured={
            "times": now("gradient", v, last),
            "before": now("loss", v, recorded.MIDDLE),
            "after": now("loss", v, last),
        },
        notes=tuple(
            f"scale.{one}" for one in ("moves", "stays", "exact", "nearly", "rows", "whole", "effective_rate")
        ),
    )


def losses(spec: Scale) -> Figure:
    """Loss against the scale of the weights."""
    plan = layout(X, "Loss of the batch (nats)", x_log=True, y_log=True, x_range=SCALES)
    reach(plan["yaxis"], "loss")
    return Figure(
        "loss", "The loss", tuple(_curves(spec, "loss", "%{y:.4g} nats")), _ticked(plan), roles={"x": "step"},
        alt=phrase("Loss of one batch against the factor k by which the weights of layer {layer} are "
                   "multiplied, for each normalization, both axes logarithmic. The mark is at the chosen "
                   "k.", layer=spec.layer),
    )  # fmt: skip


def gradients(spec: Scale) -> Figure:
    """Gradient of the dragged weights against their scale, with the slopes -1 and 0."""
    low, high = SCALES
    slopes = [
        reference([low, 1, high], [1 / low, 1, 1 / high], "1/k", says="1/k: %{y:.3g}"),
        reference([low, high], [1, 1], "no change", dash="dot", says="no change"),
    ]
    plan = layout(
        X, "Norm of the gradient, k = 1 is 1", x_log=True, y_log=True, x_range=SCALES, y_range=GRADIENTS
    )
    return Figure(
        "gradient", "The gradient of these weights", (*slopes, *_curves(spec, "gradient", "%{y:.4g} times")),
        _ticked(plan), roles={"x": "step"},
        alt=phrase("Norm of the gradient of the loss by the weights of layer {layer}, divided by that at k = "
                   "1, against k, for each normalization, both axes logarithmic. Dashed: 1/k; dotted: no "
                   "change.", layer=spec.layer),
    )  # fmt: skip


def angles(spec: Scale) -> Figure:
    """Cosine between weights and gradient: a dot for each unit's row, a bar for the whole matrix."""
    zero = reference([-0.5, len(spec.norms) - 0.5], [0, 0], "perpendicular")
    traces: list[dict[str, Any]] = [zero]
    for v, norm in enumerate(spec.norms):
        style = STYLES[norm]
        dots = {"color": style.colour, "size": 4, "opacity": 0.6}
        whole = {
            "color": style.colour,
            "symbol": "line-ew",
            "size": 46,
            "line": {"width": 3, "color": style.colour},
        }
        traces += [
            {**_marks(norm), "x": now("row_places", v), "y": now("row_cosine", v), "marker": dots,
             "hovertemplate": "one unit: %{y:.3g}"},
            {**_marks(norm), "x": now("whole_places", v), "y": now("whole_cosine", v), "marker": whole,
             "hovertemplate": "the whole layer: %{y:.3g}"},
        ]  # fmt: skip
    plan = layout(
        "Dots: each unit's row; bar: the whole layer", "Cosine of weights and gradient",
        x_range=(-0.5, len(spec.norms) - 0.5),
    )  # fmt: skip
    plan["yaxis"].update(range=[now("span_cosine", 0), now("span_cosine", 1)], autorange=False)
    plan["xaxis"].update(
        tickvals=list(range(len(spec.norms))), ticktext=[_short(norm) for norm in spec.norms], showgrid=False
    )
    return Figure(
        "angles", "Do weights and gradient point the same way?", tuple(traces), plan,
        alt=phrase("Cosine of the angle between weights and gradient in layer {layer}, at the chosen k, for "
                   "each normalization: a dot for every unit's row, a bar for the whole layer. Zero is "
                   "perpendicular: the scale makes no difference.", layer=spec.layer),
    )  # fmt: skip


def changes(spec: Scale) -> Figure:
    """How exactly the loss stays: its relative change, down to rounding."""
    plan = layout(X, "Relative change of the loss", x_log=True, y_log=True, x_range=SCALES, y_range=CHANGES)
    plan["yaxis"]["dtick"] = 2
    return Figure(
        "change", "How exactly does the loss stay?", tuple(_curves(spec, "change", "%{y:.2g}")),
        _ticked(plan), roles={"x": "step"}, expert=True,
        alt="Relative distance of the loss from that at k = 1 against k, for each normalization, both axes "
        "logarithmic. Where it is exactly zero there is no line.",
    )  # fmt: skip


def turns(spec: Scale) -> Figure:
    """How far one step of SGD moves the weights, relative to their size."""
    plan = layout(X, "lr·‖G‖ / ‖W‖", x_log=True, y_log=True, x_range=SCALES)
    reach(plan["yaxis"], "turn")
    return Figure(
        "turn", "One step of SGD, relative to the weights", tuple(_curves(spec, "turn", "%{y:.3g}")),
        _ticked(plan), roles={"x": "step"}, expert=True,
        alt=phrase("Length of one step of SGD at learning rate {lr:g}, divided by the norm of the weights, "
                   "against k, for each normalization, both axes logarithmic.", lr=spec.lr),
    )  # fmt: skip


def _curves(spec: Scale, name: str, hover: str) -> list[dict[str, Any]]:
    """The whole curve of every variant, and a mark where the drag stands."""
    traces = []
    for v, norm in enumerate(spec.norms):
        traces.append(line(now("scales"), now(name, v), norm, hovertemplate=f"k = %{{x:.3g}}: {hover}"))
    for v, norm in enumerate(spec.norms):
        here = line(now("scale"), now(f"{name}_here", v), norm, ghost=False, hoverinfo="skip")
        traces.append({**here, "mode": "markers", "marker": {**here["marker"], "size": 10}})
    return traces


def _marks(norm: str) -> dict[str, Any]:
    marks = variant(norm)
    return {
        "type": "scatter", "mode": "markers", "showlegend": False, **marks,
        "meta": {**marks["meta"], "ghost": False},
    }  # fmt: skip


def _short(norm: str) -> str:
    return "None" if norm == "none" else NORMS[norm].short


def _ticked(plan: dict[str, Any]) -> dict[str, Any]:
    """Plain numbers along the axis of scales."""
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10)
    plan["xaxis"].update(tickvals=list(ticks), ticktext=[f"{one:g}" for one in ticks])
    plan["xaxis"].pop("dtick", None)
    return plan
