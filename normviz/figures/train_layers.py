"""The charts of the experiment Train that look into every layer: values, gradients, updates, statistics."""

from __future__ import annotations

from typing import Any

from normviz.catalog.networks import PLACEMENTS
from normviz.catalog.norms import NORMS
from normviz.figures.bound import Figure, Index, Ref, history, now, steps
from normviz.figures.theme import (
    OF_A_LAYER,
    STYLES,
    healthy,
    heatmap,
    histogram_heatmap,
    layout,
    line,
    moment,
)
from normviz.phrases import phrase
from normviz.specs import train_frames as recorded
from normviz.specs.train import Train
from normviz.specs.train_changes import Change

VALUES = (-4.0, 4.0)
"""Range of the axes of activations, that of the histograms: what lies beyond is in the outermost bins."""
FULL_COLOUR = 0.12 * recorded.WHOLE
"""Share of a layer's values in one bin that gets the full colour (a standard normal: 0.05 in the middle)."""
HEALTHY_UPDATE = (1e-4, 1e-2)
"""Band around the rule of thumb that a step changes weights by about a thousandth of their size."""

_FIRST_SEED = "for each normalization, at the cursor's step, for the first seed."


# --- histograms ---------------------------------------------------------------------------------------


def layer_histograms(spec: Train) -> Figure:
    """What leaves the norm in every layer, one map for each variant."""
    where = spec.net.enters[PLACEMENTS.index(spec.placement)]
    whose = "each norm" if spec.net.parts else "each layer's norm"
    return _maps(spec, "hist_post", phrase("From {whose} into {where}", whose=whose, where=where))


def entering_histograms(spec: Train) -> Figure:
    """What enters the norm in every layer."""
    whose = "each norm" if spec.net.parts else "each layer's norm"
    return _maps(spec, "hist_pre", phrase("What enters {whose}", whose=whose), expert=True)


def _maps(spec: Train, name: str, title: str, expert: bool = False) -> Figure:
    traces, plan = histogram_heatmap(
        {norm: now(name, v) for v, norm in enumerate(spec.norms)},
        bins=now("bins"), layers=now("layers"), zmax=FULL_COLOUR,
        x_title="Value", y_title=_axis(spec), height=height(spec), x_range=VALUES,
    )  # fmt: skip
    traces += _blanks(spec)
    return Figure(
        name, title, traces, _layered(spec, plan, "y"), roles={"y": "layer"}, expert=expert,
        alt=phrase("{title}: the histogram of each layer's values as a row of colours, one map "
                   "{first_seed}{remarks}", title=title, first_seed=_FIRST_SEED, remarks=_remarks(spec)),
    )  # fmt: skip


def gradient_histograms(spec: Train) -> Figure:
    """Gradients of the loss with respect to each layer's activations, by sign and power of two."""
    traces, plan = histogram_heatmap(
        {norm: now("hist_grad", v) for v, norm in enumerate(spec.norms)},
        bins=list(range(recorded.BINS)), layers=now("layers"), zmax=FULL_COLOUR,
        x_title="Gradient", y_title=_axis(spec), height=height(spec), told=OF_A_LAYER,
    )  # fmt: skip
    traces += _blanks(spec, "middle right")
    return Figure(
        "hist_grad", "Gradients in each layer", traces, _octaves(_layered(spec, plan, "y")),
        roles={"y": "layer"}, expert=True,
        alt=phrase("The histogram of the gradients with respect to each layer's activations as a row of "
                   "colours, magnitudes in powers of two with zero in the middle, one map "
                   "{first_seed}{remarks}", first_seed=_FIRST_SEED, remarks=_remarks(spec)),
    )  # fmt: skip


def chosen_layer(spec: Train) -> Figure:
    """Histogram of one layer for all variants."""
    traces = []
    for v, norm in enumerate(spec.norms):
        trace = line(now("bins"), now("hist_post", v, "layer"), norm, hovertemplate="%{x}")
        traces.append({**trace, "line": {**trace["line"], "shape": "hvh"}})
    plan = layout(
        "Value that leaves the norm", "Share of the layer's values", x_range=VALUES,
        y_range=(0, 0.2 * recorded.WHOLE),
    )  # fmt: skip
    plan["yaxis"].update(_shares(0, 0.05, 0.1, 0.15, 0.2))
    return Figure(
        "chosen_layer", "The chosen layer", tuple(traces), plan, expert=True,
        alt=phrase("The histogram of the values that leave the norm in the chosen layer, a line "
                   "{first_seed}{remarks}", first_seed=_FIRST_SEED, remarks=_remarks(spec)),
    )  # fmt: skip


def chosen_layer_over_time(spec: Train) -> Figure:
    """Histogram of one layer from the first step to the cursor."""
    traces = [
        heatmap(
            history("hist_post", v, "layer"), norm, x=steps("hist_post"), y=now("bins"), panel=v + 1,
            zmax=FULL_COLOUR, transpose=True, hovertemplate="step %{x}, value %{y:.2f}: %{z} values",
        )
        for v, norm in enumerate(spec.norms)
    ]  # fmt: skip
    plan = layout(
        "Training step", "Value", x_range=(0, spec.steps), y_range=VALUES, height=height(spec),
        panels=[STYLES[norm].label for norm in spec.norms], shapes=moments(spec, len(spec.norms)),
    )  # fmt: skip
    return Figure(
        "chosen_layer_over_time", "The chosen layer over time", tuple(traces), plan,
        roles={"x": "step"}, expert=True,
        alt=phrase("How the histogram of the values that leave the norm in the chosen layer has moved since "
                   "the first step, a map for each normalization, for the first "
                   "seed.{remarks}", remarks=_remarks(spec)),
    )  # fmt: skip


# --- one number a layer -------------------------------------------------------------------------------


def activation_gradients(spec: Train) -> Figure:
    """Norm of the gradient with respect to each layer's activations."""
    return _by_layer(
        spec, "grad_norm_activation", "Gradient of the activations", "Norm over the whole batch",
        "Norm of the gradient of the loss with respect to the activations of each layer",
    )  # fmt: skip


def weight_gradients(spec: Train) -> Figure:
    """Norm of the gradient with respect to each layer's weights."""
    return _by_layer(
        spec, "grad_norm_weight", "Gradient of the weights", "Norm of the gradient",
        "Norm of the gradient of the loss with respect to the weights of each layer",
    )  # fmt: skip


def update_ratios(spec: Train) -> Figure:
    """Size of one step's change of the weights relative to the weights."""
    return _by_layer(
        spec, "update_ratio", "Update : data ratio", "‖change of weights‖ / ‖weights‖",
        "Norm of this step's change of the weights, divided by the norm of the weights, in each layer; the "
        "grey band is the healthy range from 0.0001 to 0.01",
        y_range=(1e-6, 1e1), shapes=[healthy("y", *HEALTHY_UPDATE)],
    )  # fmt: skip


def _by_layer(
    spec: Train, name: str, title: str, y_title: str, what: str,
    y_range: tuple[float, float] = (1e-6, 1e2), **more: Any,
) -> Figure:  # fmt: skip
    traces = tuple(
        line(
            now("layers"),
            now(name, v),
            norm,
            markers=True,
            hovertemplate=f"{_axis(spec).lower()} %{{x}}: %{{y:.2g}}",
        )
        for v, norm in enumerate(spec.norms)
    )
    plan = _layered(spec, layout(_axis(spec), y_title, y_log=True, y_range=y_range, **more), "x")
    return Figure(
        name, title, traces, plan, roles={"x": "layer"}, expert=True,
        alt=phrase("{what}, for each normalization (median over the "
                   "seeds).{parts}", what=what, parts=_parts(spec)),
    )  # fmt: skip


def unit_health(spec: Train) -> Figure:
    """Share of dead ReLU units, or of saturated values of tanh and sigmoid."""
    (name,) = recorded.health(spec)
    title, what = {
        "relu": ("Dead units", "units that are zero for every sample of the batch"),
        "tanh": ("Saturated values", "values of tanh beyond 0.97 in magnitude"),
        "sigmoid": ("Saturated values", "values of the sigmoid below 0.03 or above 0.97"),
    }[spec.activation]
    traces = tuple(
        line(
            now("layers"),
            now(name, v),
            norm,
            markers=True,
            hovertemplate=f"{_axis(spec).lower()} %{{x}}: %{{y:.0%}}",
        )
        for v, norm in enumerate(spec.norms)
    )
    plan = layout(_axis(spec), phrase("Share of {split}", split=what.split(" ")[0]), y_range=(-0.02, 1.02))
    plan["yaxis"]["tickformat"] = ".0%"
    return Figure(
        "unit_health", title, traces, _layered(spec, plan, "x"), roles={"x": "layer"}, expert=True,
        alt=phrase("Share of {what}, in each layer, for each normalization (median over the "
                   "seeds).{remarks}", what=what, remarks=_remarks(spec)),
    )  # fmt: skip


# --- what the norms learn and keep --------------------------------------------------------------------


def affine_parameters(spec: Train) -> Figure:
    """γ and β of every layer: mean over the units, and their standard deviation as bars."""
    traces = []
    for panel, name in enumerate(("gamma", "beta"), start=1):
        for a, norm in enumerate(recorded.affine(spec)):
            bars = {"type": "data", "array": now(f"{name}_sd", a), "thickness": 1, "width": 3}
            mean = line(now("layers"), now(f"{name}_mean", a), norm, panel=panel, markers=True, error_y=bars)
            traces.append({**mean, "hovertemplate": f"{_axis(spec).lower()} %{{x}}: %{{y:.3g}}"})
    plan = layout(_axis(spec), "Mean and SD over units", panels=("γ, the scale", "β, the shift"))
    _own_axis(plan, {})
    plan["yaxis"].update(range=[0, 2], autorange=False)
    plan["yaxis2"].update(range=[-1, 1], autorange=False)
    return Figure(
        "affine_parameters", "Learned scale γ and shift β", tuple(traces), _layered(spec, plan, "x"),
        roles={"x": "layer"}, expert=True,
        alt=phrase("Mean over the units of the learned scale and shift in each layer, with their standard "
                   "deviation, for each normalization that has them. They start at 1 and "
                   "0.{parts}", parts=_parts(spec)),
    )  # fmt: skip


def running_statistics(spec: Train) -> Figure:
    """Statistics of the current batch against the running ones, for the first units of the chosen layer."""
    traces = []
    for panel, name in enumerate(("mean", "var"), start=1):
        for r, norm in enumerate(recorded.running(spec)):
            at: tuple[Index, ...] = (r, "layer")
            dash = {"symbol": "line-ew-open", "size": 13, "line": {"width": 2}}
            traces += [
                _units(now(f"batch_{name}", *at), norm, panel, "this batch", {}),
                _units(now(f"running_{name}", *at), norm, panel, "running", dash),
            ]
    plan = layout("Unit of the chosen layer", "Value before the norm", panels=("Mean", "Variance"))
    _own_axis(plan, {"type": "log"})
    return Figure(
        "running_statistics", "Batch (symbols) and running (dashes) statistics", tuple(traces), plan,
        expert=True,
        alt="Mean and variance of the first units of the chosen layer: of the current batch, which count "
        "while training, and the running ones, which count in eval mode.",
    )  # fmt: skip


def _units(y: Ref, norm: str, panel: int, what: str, marker: dict[str, Any]) -> dict[str, Any]:
    trace = line(list(range(1, recorded.UNITS + 1)), y, norm, panel=panel, markers=True, ghost=False)
    return {
        **trace,
        "mode": "markers",
        "marker": {**trace["marker"], **marker},
        "hovertemplate": phrase("unit %{{x}}, {what}: %{{y:.3g}}", what=what),
    }


def _blanks(spec: Train, position: str = "middle center") -> tuple[dict[str, Any], ...]:
    """In each panel the word for the blank that a diverged network leaves."""
    return tuple(blank(v, norm, (len(spec.layers) + 1) / 2, position) for v, norm in enumerate(spec.norms))


def blank(v: int, norm: str, y: float, position: str = "middle center") -> dict[str, Any]:
    """The word in the panel of variant v: shown at x = 0 once its first seed has diverged."""
    trace = line(now("diverged_mark", v), [y], norm, panel=v + 1, ghost=False, hoverinfo="skip")
    return {**trace, "mode": "text", "text": ["diverged"], "textposition": position}


def moments(spec: Train, panels: int = 1, foot: bool = False) -> list[dict[str, Any]]:
    """Lines along the steps at which something changes; named in the first panel."""
    named: dict[int, list[str]] = {}
    for change in spec.planned:
        named.setdefault(change.step, []).append(_short(change))
    return [
        moment(step, ", ".join(texts) if panel == 1 else "", panel=panel, foot=foot)
        for panel in range(1, panels + 1)
        for step, texts in named.items()
    ]


def _short(change: Change) -> str:
    if change.what == "norm":
        return " → ".join(_brief(norm) for norm in (change.variant, str(change.value)))
    return (
        phrase("lr {value:g}", value=change.value)
        if change.what == "lr"
        else phrase("batch {value}", value=change.value)
    )


def _brief(norm: str) -> str:
    return NORMS[norm].short if norm != "none" else "none"


# --- parts --------------------------------------------------------------------------------------------


def height(spec: Train, two_rows: int = 370) -> int:
    """Pixels of a figure with a panel for each variant, two in a row; lower rows where there are three."""
    rows = -(-len(spec.norms) // 2)
    return {1: two_rows // 2 + 40, 2: two_rows, 3: round(1.25 * two_rows)}[rows]


def _axis(spec: Train) -> str:
    """Title of an axis that counts the layers with a norm."""
    return "Norm" if spec.net.parts else "Layer"


def _parts(spec: Train) -> str:
    """A sentence on what the norms belong to, where a layer has several."""
    if not spec.net.parts:
        return ""
    odd, even = spec.net.parts
    return phrase(" Odd norms belong to a layer's {odd}, even ones to its {even}.", odd=odd, even=even)


def _remarks(spec: Train) -> str:
    """Sentences on norms and padding that belong to histograms and shares."""
    return _parts(spec) + (" Steps in the padding count too." if spec.data.padded else "")


def _layered(spec: Train, plan: dict[str, Any], axis: str) -> dict[str, Any]:
    """Numbered ticks, and half a layer of margin, along an axis of layers."""
    every = next(one for one in (1, 2, 5, 10) if len(spec.layers) <= 10 * one)
    for name in plan:
        if name.startswith(f"{axis}axis"):
            plan[name].update(range=[0.5, len(spec.layers) + 0.5], autorange=False, tick0=every, dtick=every)
    return plan


def _own_axis(plan: dict[str, Any], facts: dict[str, Any]) -> None:
    """Free the second panel's y axis from the first's: it shows another quantity."""
    del plan["yaxis2"]["matches"]
    plan["yaxis2"].update(showticklabels=True, **facts)


def _octaves(plan: dict[str, Any]) -> dict[str, Any]:
    """Ticks in powers of two along x, an axis of the numbers of logarithmic bins.

    Bin 31 holds zero and magnitudes below 2**-31; each further one to the right an octave, up to 2**0 and
    beyond in bin 63; to the left the same for negative values.
    """
    places, texts = [9.5, 31, 52.5], ["−2⁻¹⁰", "0", "2⁻¹⁰"]
    facts = {"tickvals": places, "ticktext": texts, "range": [-0.5, recorded.BINS - 0.5], "autorange": False}
    for name in plan:
        if name.startswith("xaxis"):
            plan[name].update(facts)
    return plan


def _shares(*shares: float) -> dict[str, Any]:
    """Ticks in percent on an axis of recorded shares."""
    places = [one * recorded.WHOLE for one in shares]
    return {"tickvals": places, "ticktext": [f"{one:.0%}" for one in shares]}
