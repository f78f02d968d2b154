"""The charts of the experiment Signal: what becomes of values, gradients and samples from layer to layer."""

from __future__ import annotations

from collections.abc import Callable
from math import log, log2
from typing import Any

from normviz.figures.bound import Figure, Ref, now
from normviz.figures.predictions import Prediction
from normviz.figures.theme import (
    NEUTRAL,
    OF_A_LAYER,
    OF_A_VALUE,
    STYLES,
    band,
    histogram_heatmap,
    layout,
    line,
    reach,
    reference,
)
from normviz.phrases import phrase
from normviz.specs import signal_frames as recorded
from normviz.specs import signal_theory as theory
from normviz.specs.signal import Signal

VALUES = (-4.0, 4.0)
"""Range of the axes of values: four standard deviations to either side, where a norm has done its work."""
FULL_COLOUR = 0.1 * recorded.WHOLE
"""Share of a layer's values in a bin that gets the full colour (a standard normal has 0.05 at its top)."""
FULL_GRADIENT = 0.15 * recorded.WHOLE
"""The same for gradients, whose bins are octaves."""
_PERCENT = {"tickformat": ".0%"}
_ZERO_BIN = 31
"""Bin of a gradient's histogram that holds zero; the others are octaves, the smallest beside it."""


def figures(spec: Signal) -> list[Figure]:
    """All charts of a run, the most telling first."""
    health = [unit_health(spec)] if recorded.health(spec) else []
    return [
        deviations(spec),
        activation_gradients(spec),
        weight_gradients(spec),
        cosines(spec),
        entering_histograms(spec),
        leaving_histograms(spec),
        gradient_histograms(spec),
        chosen_layer(spec),
        *health,
        initial_losses(spec),
    ]


def prediction(spec: Signal) -> Prediction | None:
    """What batch norm does to the gradient on its way back; nothing where there is none, or no way."""
    if "batch" not in spec.norms or spec.depth < 2:
        return None
    v, (less, same, more) = spec.norms.index("batch"), recorded.BACK
    return Prediction(
        key="signal.back",
        question=phrase(
            "A fresh network of {depth} layers with batch norm. The gradient of the activations travels from "
            "layer {depth} back to layer 1: what becomes of its size?",
            depth=spec.depth,
        ),
        covers=("grad_activation", "grad_weight", "hist_grad"),
        choices=(
            phrase("it shrinks, to less than 1/{parts:g}", parts=1 / less),
            phrase("it stays, within a factor of {same:g}", same=same),
            phrase("it grows, less than {more:g}-fold", more=more),
            phrase("it explodes, {more:g}-fold or more", more=more),
        ),
        right=now("back_place", v),
        answer="Measured: in layer 1 it is {times:.3g} times as large; {right}.",
        measured={"times": now("back", v)},
        notes=tuple(f"signal.{told}" for told in _TELLING),
    )


_TELLING = (
    "explodes", "explodes_about", "explodes_unbounded", "explodes_alone", "held", "which_gradient",
    "free_grows", "free_fades", "free_flat",
)  # fmt: skip
"""Notes that tell of gradients."""


# --- forward --------------------------------------------------------------------------------------------


def deviations(spec: Signal) -> Figure:
    """Standard deviation of the pre-activations by layer, over the band in which theory expects it."""
    scales = theory.scales(spec)
    traces: list[Any] = []
    places = _of_each_kind(scales, theory.scale_kind)
    for t in places:
        traces += _theory_band(now("theory_sd_low", t), now("theory_sd_high", t))
    traces += _measured(spec, "sd", "%{y:.3g}")
    traces += [_expected(now("theory_sd", t), "%{y:.3g}") for t in places]
    plan = layout(
        "Layer", "SD of the pre-activations", y_log=True,
        **_remark(phrase("dashed: theory; band: 95% of networks of width {width}", width=spec.width)),
    )  # fmt: skip
    reach(plan["yaxis"], "sd")
    return Figure(
        "sd", "Size of the signal", tuple(traces), _layered(spec, plan, "x"), roles={"x": "layer"},
        alt=phrase("Standard deviation of the pre-activations of each layer, before any norm, on a "
                   "logarithmic axis, for each normalization{seeds}. Dashed: the closed form for wide "
                   "networks; the grey band holds 95% of the networks of width "
                   "{width}.", seeds=_seeds(spec), width=spec.width),
    )  # fmt: skip


def entering_histograms(spec: Signal) -> Figure:
    """What enters the norm in every layer, one map for each variant."""
    return _maps(
        spec,
        "hist_pre",
        "Before the norm",
        "Value that enters the norm",
        "Histogram of the values that enter the norm",
    )


def leaving_histograms(spec: Signal) -> Figure:
    """What leaves the norm in every layer."""
    return _maps(
        spec,
        "hist_post",
        "After the norm",
        "Value that leaves the norm",
        "Histogram of the values that leave the norm",
    )


def chosen_layer(spec: Signal) -> Figure:
    """Histograms of one layer before and after the norm, all variants on one axis."""
    traces = tuple(
        line(now("bins"), now(name, v, "layer"), norm, panel=panel, hoverinfo="skip", line={
            "color": STYLES[norm].colour, "dash": STYLES[norm].dash, "width": 2, "shape": "hvh"})
        for panel, name in enumerate(("hist_pre", "hist_post"), start=1)
        for v, norm in enumerate(spec.norms)
    )  # fmt: skip
    plan = layout(
        "Value", "Share of the values", panels=("Before the norm", "After the norm"), x_range=VALUES,
        y_range=(0, 0.12 * recorded.WHOLE),
    )  # fmt: skip
    shares = (0, 0.05, 0.1)
    for axis in ("yaxis", "yaxis2"):
        plan[axis].update(
            tickvals=[one * recorded.WHOLE for one in shares], ticktext=[f"{one:.0%}" for one in shares]
        )
    return Figure(
        "chosen_layer", "The chosen layer", traces, plan, expert=True,
        alt="Histograms of the values before and after the norm in the chosen layer, a line for each "
        "normalization; what lies beyond 4 is counted at the edge. First seed.",
    )  # fmt: skip


# --- backward -------------------------------------------------------------------------------------------


def activation_gradients(spec: Signal) -> Figure:
    """Norm of the gradient with respect to each layer's activations, and the rate that theory expects."""
    return _gradients(spec, "grad_activation", "activations", theory.flows(spec))


def weight_gradients(spec: Signal) -> Figure:
    """Norm of the gradient with respect to each layer's weights, and the rate that theory expects."""
    return _gradients(spec, "grad_weight", "weights", theory.weight_flows(spec))


def _gradients(spec: Signal, name: str, what: str, flows: tuple[str, ...]) -> Figure:
    traces = _measured(spec, name, "%{y:.2g}")
    traces += [_expected(now(f"theory_{name}", t), "%{y:.2g}", norm) for t, norm in enumerate(flows)]
    plan = layout(
        "Layer", "Norm of the gradient", y_log=True, meta={"place": "Which gradient", "option": what},
        **_remark("dashed: theory, drawn from the last layer on"),
    )  # fmt: skip
    reach(plan["yaxis"], name)
    return Figure(
        name, phrase("Gradient: {what}", what=what), tuple(traces), _layered(spec, plan, "x"),
        roles={"x": "layer"},
        alt=phrase("Norm of the gradient of the loss with respect to the {what} of each layer, on a "
                   "logarithmic axis, for each normalization{seeds}. The gradient flows from the last layer, "
                   "right, to the first. Dashed: the rate that theory expects, drawn from the last layer "
                   "on.", what=what, seeds=_seeds(spec)),
    )  # fmt: skip


def gradient_histograms(spec: Signal) -> Figure:
    """Gradients of the loss with respect to each layer's activations, by sign and power of two."""
    figure = _maps(
        spec, "hist_grad", "Gradients of the activations, one by one", "Gradient of one activation",
        "Histogram, by sign and power of two, of the gradients with respect to the activations",
        zmax=FULL_GRADIENT,
    )  # fmt: skip
    places = {power: _octave(10.0**power) for power in (-6, -2)}
    ticks = {
        **{f"−10<sup>{power}</sup>": 2 * _ZERO_BIN - place for power, place in places.items()},
        "0": float(_ZERO_BIN),
        **{f"10<sup>{power}</sup>": place for power, place in places.items()},
    }
    for axis in (name for name in figure.layout if name.startswith("xaxis")):
        figure.layout[axis].update(
            range=[-0.5, 63.5],
            autorange=False,
            tickvals=list(ticks.values()),
            ticktext=list(ticks),
            tickangle=0,
        )
    return figure


def _octave(gradient: float) -> float:
    """Where a positive gradient lies among the bins: 2**-31 at the right edge of the one that holds zero."""
    return _ZERO_BIN + 0.5 + 31 + log2(gradient)


# --- samples and units ----------------------------------------------------------------------------------


def cosines(spec: Signal) -> Figure:
    """Mean cosine between samples by layer: at 1 the network no longer tells its inputs apart."""
    angles = theory.angles(spec)
    traces = _measured(spec, "cosine", "%{y:.2f}")
    traces += [
        _expected(now("theory_cosine", t), "%{y:.2f}") for t in _of_each_kind(angles, theory.angle_kind)
    ]
    lowest = -1 / (min(theory.samples(spec, norm) for norm in spec.norms) - 1)  # all samples sum to zero
    plan = layout("Layer", "Mean cosine between samples", y_range=(min(-0.1, 1.1 * lowest), 1.05))
    if angles:
        plan |= _remark("dashed: theory")
    return Figure(
        "cosine", "Do samples stay apart?", tuple(traces), _layered(spec, plan, "x"), roles={"x": "layer"},
        alt=phrase("Mean cosine of the angle between the activations of two samples, by layer, for each "
                   "normalization{seeds}. At 1 all samples look alike to the next layer. Dashed: the closed "
                   "form for wide networks.", seeds=_seeds(spec)),
    )  # fmt: skip


def unit_health(spec: Signal) -> Figure:
    """Share of dead ReLU units, or of saturated values of tanh and sigmoid, by layer."""
    (name,) = recorded.health(spec)
    title, what, y_title = {
        "dead": ("Dead units", "units that are zero for every sample of the batch", "Share of units"),
        "saturated": (
            "Saturated values",
            "values of the activation function within 0.03 of its bounds",
            "Share of values",
        ),
    }[name]
    plan = _layered(spec, layout("Layer", y_title, y_range=(0, 1.01)), "x")
    plan["yaxis"].update(_PERCENT)
    return Figure(
        "unit_health", title, tuple(_measured(spec, name, "%{y:.1%}")), plan, roles={"x": "layer"},
        expert=True, alt=phrase("Share of {what}, in each layer, for each "
                                "normalization{seeds}.", what=what, seeds=_seeds(spec)),
    )  # fmt: skip


def initial_losses(spec: Signal) -> Figure:
    """Loss before any training, one mark for each seed, against that of guessing."""
    labels = [STYLES[norm].label for norm in spec.norms]
    chance = log(spec.classes)
    traces: list[Any] = [
        reference(
            [chance, chance],
            [labels[0], labels[-1]],
            "Guessing",
            says=phrase("guessing: ln {classes}", classes=spec.classes),
        )
    ]
    traces += [
        line(
            now("loss", v), [STYLES[norm].label] * spec.seeds, norm, mode="markers", ghost=False,
            hovertemplate="%{x:.3g} nats",
        )
        for v, norm in enumerate(spec.norms)
    ]  # fmt: skip
    plan = layout("Loss (nats)", "", x_log=True, height=60 + 40 * len(labels))
    reach(plan["xaxis"], "loss")
    plan["yaxis"].update(
        type="category", categoryorder="array", categoryarray=labels[::-1],
        range=[-0.5, len(labels) - 0.5], autorange=False,
    )  # fmt: skip
    plan["margin"] = {**plan["margin"], "l": 150}
    return Figure(
        "initial_loss", "Loss before training", tuple(traces), plan, expert=True,
        alt=phrase("Loss of the untrained network on the batch, a mark for each seed, for each "
                   "normalization. The dashed line is guessing: the logarithm of {classes} classes, "
                   "{chance:.2f}.", classes=spec.classes, chance=chance),
    )  # fmt: skip


# --- parts ----------------------------------------------------------------------------------------------


def _measured(spec: Signal, name: str, value: str) -> list[dict[str, Any]]:
    """Median over the seeds by layer for every variant, with the band from lowest to highest."""
    traces: list[dict[str, Any]] = []
    for v, norm in enumerate(spec.norms):
        if spec.seeds > 1:
            traces += band(now("layers"), now(f"{name}_low", v), now(f"{name}_high", v), norm)
    for v, norm in enumerate(spec.norms):
        traces.append(
            line(now("layers"), now(f"{name}_median", v), norm, markers=True, marker=_marks(norm),
                 hovertemplate="layer %{x}: " + value)
        )  # fmt: skip
    return traces


def _marks(norm: str) -> dict[str, Any]:
    """The variant's marker, on ten layers at most: fifty markers would be a band."""
    style = STYLES[norm]
    return {
        "color": style.colour, "symbol": style.symbol, "size": 7, "maxdisplayed": 10,
        "line": {"width": 1.5, "color": style.colour},
    }  # fmt: skip


def _remark(text: str) -> dict[str, Any]:
    """What the grey lines of a chart are, above it: for ``layout``."""
    words = {
        "text": text, "x": 1, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "right",
        "yanchor": "bottom", "showarrow": False, "font": {"size": 11},
    }  # fmt: skip
    return {"annotations": [words], "margin": {"l": 56, "r": 12, "t": 22, "b": 44}}


def _expected(y: Ref, value: str, norm: str = "") -> dict[str, Any]:
    """A dashed line of theory; that of a single variant is shown and hidden with it."""
    of = f", {STYLES[norm].label.lower()}" if norm else ""
    own: dict[str, Any] = {"meta": {"variant": norm, "ghost": False}, "legendgroup": norm} if norm else {}
    hover = phrase("theory{of}, layer %{{x}}: {value}", of=of, value=value)
    return reference(now("layers"), y, f"Theory{of}", says=hover, **own)


def _theory_band(low: Ref, high: Ref) -> list[dict[str, Any]]:
    """The area in which theory expects a finite network, in grey."""
    bare: dict[str, Any] = {"line": {"width": 0}, "hoverinfo": "skip"}
    return [
        reference(now("layers"), low, "Theory", **bare),
        reference(now("layers"), high, "Theory", fill="tonexty", fillcolor=_grey(0.16), **bare),
    ]


def _grey(alpha: float) -> str:
    return f"rgba({','.join(str(int(NEUTRAL[i : i + 2], 16)) for i in (1, 3, 5))},{alpha:g})"


def _of_each_kind(norms: tuple[str, ...], kind: Callable[[str], str]) -> list[int]:
    """Places of the variants of which theory draws one line each, the first of its kind."""
    kinds = [kind(norm) for norm in norms]
    return [kinds.index(one) for one in dict.fromkeys(kinds)]


def _maps(spec: Signal, name: str, title: str, x_title: str, what: str, zmax: float = FULL_COLOUR) -> Figure:
    values = name != "hist_grad"
    traces, plan = histogram_heatmap(
        {norm: now(name, v) for v, norm in enumerate(spec.norms)},
        bins=now("bins") if values else list(range(64)), layers=now("layers"), zmax=zmax,
        x_title=x_title, height=170 * -(-len(spec.norms) // 2) + 70, x_range=VALUES if values else None,
        told=OF_A_VALUE if values else OF_A_LAYER,
    )  # fmt: skip
    beyond = " What lies beyond 4 is counted at the edge." if values else ""
    return Figure(
        name, title, traces, _layered(spec, plan, "y"), roles={"y": "layer"}, expert=True,
        alt=phrase("{what} of each layer as a row of colours, one map for each normalization, first "
                   "seed.{beyond}", what=what, beyond=beyond),
    )  # fmt: skip


def _layered(spec: Signal, plan: dict[str, Any], axis: str) -> dict[str, Any]:
    """Numbered ticks and half a layer of margin along an axis of layers."""
    every = next(one for one in (1, 2, 5, 10) if spec.depth <= 10 * one)
    for name in plan:
        if name.startswith(f"{axis}axis"):
            plan[name].update(range=[0.5, spec.depth + 0.5], autorange=False, tick0=every, dtick=every)
    return plan


def _seeds(spec: Signal) -> str:
    return phrase(" (median and spread of {seeds} seeds)", seeds=spec.seeds) if spec.seeds > 1 else ""
