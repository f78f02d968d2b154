"""The charts of the experiment Landscape: loss and gradient along the gradient, training step by step."""

from __future__ import annotations

from math import log
from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.figures.bound import Figure, history, now, steps
from normviz.figures.predictions import Prediction
from normviz.figures.theme import band, layout, line, reference
from normviz.phrases import phrase
from normviz.specs import landscape_frames as recorded
from normviz.specs.landscape import FARTHEST, NEAREST, Landscape

LOSSES = (1e-3, 30.0)
"""Range of the axes of losses, nats."""
CHANGES = (0.03, 100.0)
"""Range of the axes of the gradient's change, in lengths of the gradient."""
STEP = "Training step"


def figures(spec: Landscape) -> list[Figure]:
    """All charts of a run, the most telling first."""
    return [loss_bands(spec), change_bands(spec), smoothness(spec), line_losses(spec), line_changes(spec)]


def prediction(spec: Landscape) -> Prediction | None:
    """How much smoother batch norm is; nothing to ask without both networks."""
    if not {"none", "batch"} <= set(spec.norms):
        return None
    v, (rougher, same, much) = spec.norms.index("batch"), recorded.SMOOTHER
    return Prediction(
        key="landscape.smoothness",
        question="How much the gradient changes for the way walked along it is the effective smoothness β; "
        "smaller is smoother. Beside the network without normalization, on average over the training, with "
        "batch norm β is …",
        covers=("change", "smoothness", "line_change"),
        choices=(
            phrase("more than {rougher:g} times larger", rougher=1 / rougher),
            phrase("the same, within a factor of {same:g}", same=same),
            phrase("{same:g} to {much:g} times smaller", same=same, much=much),
            phrase("over {much:g} times smaller", much=much),
        ),
        right=now("smoother_place", v),
        answer="Measured, median over the seeds: {plain:.1f} without normalization, {batch:.1f} with batch "
        "norm; a ratio of {ratio:.2g}: {right}.",
        measured={
            "plain": now("ended", spec.norms.index("none")),
            "batch": now("ended", v),
            "ratio": now("smoother", v),
        },
        until=now("ended", v),
        notes=tuple(f"landscape.{told}" for told in _TELLING),
    )


_TELLING = ("change", "change_overlaps", "smoothness", "smoothness_overlaps", "turned")
"""Notes that tell of the gradient's change."""


def loss_bands(spec: Landscape) -> Figure:
    """From the least to the greatest loss along the gradient, look by look."""
    chance = log(DATASETS["digits"].classes)
    guessing = reference([0, spec.steps], [chance, chance], "Guessing", says="guessing")
    traces = [guessing, *_bands(spec, "loss")]
    for v, norm in enumerate(spec.norms):
        here = history("loss_here", v)
        traces.append(line(steps("loss_here"), here, norm, hovertemplate="step %{x}, here: %{y:.3g} nats"))
    plan = layout(STEP, "Loss (nats)", y_log=True, x_range=(0, spec.steps), y_range=LOSSES)
    return Figure(
        "loss", "Loss along the gradient", tuple(traces), plan, roles={"x": "step"},
        alt=phrase("For each normalization the least and the greatest loss of a batch at steps of "
                   "{nearest:g} to {farthest:g} times the learning rate along its gradient, as a band, and "
                   "the loss before the step as a line, against the training step, on a logarithmic "
                   "axis{seeds}. Dashed: guessing.", nearest=NEAREST, farthest=FARTHEST, seeds=_seeds(spec)),
    )  # fmt: skip


def change_bands(spec: Landscape) -> Figure:
    """From the least to the greatest change of the gradient along the gradient, look by look."""
    traces = _bands(spec, "change")
    for v, norm in enumerate(spec.norms):
        x, y = steps("change_high"), history("change_high", v)
        traces.append(line(x, y, norm, width=1, hovertemplate="step %{x}, greatest: %{y:.3g}"))
    plan = layout(
        STEP, "Change of the gradient / its length", y_log=True, x_range=(0, spec.steps), y_range=CHANGES
    )
    return Figure(
        "change", "Change of the gradient along the gradient", tuple(traces), plan, roles={"x": "step"},
        alt=phrase("For each normalization the least and the greatest distance between the gradient at steps "
                   "of {nearest:g} to {farthest:g} times the learning rate and the gradient before the step, "
                   "divided by the length of the latter, as a band against the training step, logarithmic "
                   "axis{seeds}.", nearest=NEAREST, farthest=FARTHEST, seeds=_seeds(spec)),
    )  # fmt: skip


def smoothness(spec: Landscape) -> Figure:
    """Effective smoothness: the greatest change of the gradient for the way to it."""
    name = "smoothness"
    traces: list[dict[str, Any]] = []
    if spec.seeds > 1:
        for v, norm in enumerate(spec.norms):
            x = steps(f"{name}_least")
            traces += band(x, history(f"{name}_least", v), history(f"{name}_most", v), norm)
    for v, norm in enumerate(spec.norms):
        x, y = steps(f"{name}_median"), history(f"{name}_median", v)
        traces.append(line(x, y, norm, hovertemplate="step %{x}: β = %{y:.3g}"))
    reach = (CHANGES[0] / spec.lr, CHANGES[1] / spec.lr)
    plan = layout(STEP, "Effective smoothness β", y_log=True, x_range=(0, spec.steps), y_range=reach)
    return Figure(
        name, "Effective smoothness (smaller is smoother)", tuple(traces), plan, roles={"x": "step"},
        alt="Greatest change of the gradient along the gradient, divided by the way to it, against the "
        "training step, for each normalization, on a logarithmic axis: median over the seeds, with the band "
        "from the least to the greatest.",
    )  # fmt: skip


def line_losses(spec: Landscape) -> Figure:
    """The cut through the landscape at the cursor's step: loss against the length of the step."""
    plan = layout("Step, in learning rates", "Loss (nats)", y_log=True, x_range=(0, FARTHEST), y_range=LOSSES)
    return Figure(
        "line_loss", "The cut at this step", _lines(spec, "line_loss", "nats"), plan, expert=True,
        alt="Loss of the batch against the length of the step along its gradient, at the chosen training "
        "step, for each normalization; first seed, logarithmic axis.",
    )  # fmt: skip


def line_changes(spec: Landscape) -> Figure:
    """The change of the gradient at the cursor's step, against the length of the step."""
    plan = layout(
        "Step, in learning rates", "Change of the gradient / its length", y_log=True, x_range=(0, FARTHEST),
        y_range=CHANGES,
    )  # fmt: skip
    return Figure(
        "line_change", "The gradient along the cut at this step", _lines(spec, "line_change", "times"), plan,
        expert=True,
        alt="Distance of the gradient from the one before the step, divided by its length, against the "
        "length of the step, at the chosen training step, for each normalization; first seed, log axis.",
    )  # fmt: skip


def _bands(spec: Landscape, name: str) -> list[dict[str, Any]]:
    traces: list[dict[str, Any]] = []
    for v, norm in enumerate(spec.norms):
        x = steps(f"{name}_low")
        traces += band(x, history(f"{name}_low", v), history(f"{name}_high", v), norm)
    return traces


def _lines(spec: Landscape, name: str, unit: str) -> tuple[dict[str, Any], ...]:
    hover = phrase("%{{x:.2g}} learning rates: %{{y:.3g}} {unit}", unit=unit)
    return tuple(
        line(now("places"), now(name, v), norm, markers=True, hovertemplate=hover)
        for v, norm in enumerate(spec.norms)
    )


def _seeds(spec: Landscape) -> str:
    """How a caption tells of the seeds."""
    return phrase("; medians over {seeds} seeds", seeds=spec.seeds) if spec.seeds > 1 else ""
