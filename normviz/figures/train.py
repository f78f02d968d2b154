"""The charts of the experiment Train: the curves of the race and, for points in the plane, the answers."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

from normviz.catalog.norms import NORMS
from normviz.figures import train_layers as layers
from normviz.figures.bound import Figure, history, now, steps
from normviz.figures.predictions import Prediction
from normviz.figures.theme import STYLES, band, heatmap, layout, line, reference
from normviz.phrases import phrase
from normviz.specs import train_frames as recorded
from normviz.specs.train import Train

LOSSES = (1e-3, 10.0)
"""Range of the loss axis, nats."""

CLASS_COLOURS = ("#4477aa", "#cc8822", "#7a7a7a")
"""Blue, ochre, grey: for classes, of which no data set in the plane has more than three."""


def figures(spec: Train) -> list[Figure]:
    """All charts of a run, the most telling first."""
    first = [loss_curves(spec), test_accuracy(spec), layers.layer_histograms(spec)]
    if spec.data.planar:
        first = [decision_surfaces(spec), *first[:2], replace(first[2], expert=True)]
    more = [
        layers.chosen_layer(spec),
        layers.chosen_layer_over_time(spec),
        layers.activation_gradients(spec),
        layers.weight_gradients(spec),
        layers.update_ratios(spec),
        *([layers.unit_health(spec)] if recorded.health(spec) else []),
        layers.gradient_histograms(spec),
        layers.entering_histograms(spec),
        train_accuracy(spec),
        *([layers.affine_parameters(spec)] if recorded.affine(spec) else []),
        *([layers.running_statistics(spec)] if recorded.running(spec) else []),
    ]
    return first + more


def prediction(spec: Train) -> Prediction | None:
    """Who will win; nothing to ask where seeds cannot tell.

    The whole race plays until then, so whatever has a curve that tells who is ahead is covered.
    """
    if len(spec.norms) < 2 or spec.seeds < 2:
        return None
    return Prediction(
        key="train.winner",
        question=phrase(
            "Whose networks will classify the most test samples correctly after {steps} steps? A clear "
            "winner is ahead with every one of its {seeds} seeds.",
            steps=spec.steps,
            seeds=spec.seeds,
        ),
        covers=("loss", "test_accuracy", "train_accuracy"),
        choices=(*(NORMS[norm].within for norm in spec.norms), recorded.NOBODY),
        right=now("winner", 0),
        answer="Measured: {right}. The best median is {best:.1%}; its seeds go down to {worst:.1%}, those of "
        "all others up to {next:.1%}.",
        measured={name: now(f"ended_{name}", 0) for name in recorded.ENDED},
        until=now("winner", 0),
        notes=tuple(f"train.{told}" for told in _TELLING),
    )


_TELLING = (
    "standing", "overlapping", "guessing", "first", "first_and_last", "two_classes", "two_classes_alone",
)  # fmt: skip
"""Notes that tell who is ahead."""


def loss_curves(spec: Train) -> Figure:
    """Loss of each training batch: median over the seeds, with the band from lowest to highest."""
    traces: list[dict[str, Any]] = [_guessing(spec, log(spec.data.classes))]
    for v, norm in enumerate(spec.norms):
        if spec.seeds > 1:
            traces += band(steps("loss_low"), history("loss_low", v), history("loss_high", v), norm)
    for v, norm in enumerate(spec.norms):
        hover = "step %{x}: %{y:.3g} nats"
        traces.append(line(steps("loss_median"), history("loss_median", v), norm, hovertemplate=hover))
        at = now("diverged_at", v)
        ends = line(at, [LOSSES[1]] * spec.seeds, norm, ghost=False, hovertemplate="diverged at step %{x}")
        look = {**ends["marker"], "symbol": "x", "size": 9}
        gone = phrase("{norm}, diverged", norm=ends["name"])
        traces.append({**ends, "name": gone, "mode": "markers", "marker": look, "cliponaxis": False})
    plan = layout(
        "Training step", "Loss of the batch (nats)", y_log=True, x_range=(0, spec.steps), y_range=LOSSES,
        shapes=layers.moments(spec),
    )  # fmt: skip
    return Figure(
        "loss", "Training loss", tuple(traces), plan, roles={"x": "step"},
        alt=phrase("Cross entropy of the training batch against the training step, for each "
                   "normalization{spread}. The dashed line is guessing: the logarithm of the number of "
                   "classes. A cross on the upper edge marks a network that diverged.", spread=spread(spec)),
    )  # fmt: skip


def test_accuracy(spec: Train) -> Figure:
    """Accuracy on the whole test split in eval mode: every seed a thin line, their median bold."""
    return _accuracy(
        spec, "test_accuracy", "Test accuracy", "Share of the test samples",
        phrase("Accuracy on the {n_test} test samples in eval mode", n_test=spec.data.n_test),
    )  # fmt: skip


def train_accuracy(spec: Train) -> Figure:
    """Accuracy on the training batch, in training mode."""
    return _accuracy(
        spec, "train_accuracy", "Training accuracy", "Share of the training batch",
        phrase("Accuracy on each training batch of {batch_size} in training "
               "mode", batch_size=spec.batch_size), expert=True,
    )  # fmt: skip


def _accuracy(spec: Train, name: str, title: str, y_title: str, what: str, expert: bool = False) -> Figure:
    traces = [_guessing(spec, 1 / spec.data.classes)]
    thin: dict[str, Any] = {"width": 1, "opacity": 0.35, "ghost": False, "hoverinfo": "skip"}
    for v, norm in enumerate(spec.norms):
        if spec.seeds > 1:
            traces += [line(steps(name), history(name, v, s), norm, **thin) for s in range(spec.seeds)]
    for v, norm in enumerate(spec.norms):
        x, y = steps(f"{name}_median"), history(f"{name}_median", v)
        traces.append(line(x, y, norm, width=2.5, hovertemplate="step %{x}: %{y:.1%}"))
    plan = layout(
        "Training step",
        y_title,
        x_range=(0, spec.steps),
        y_range=(0, 1.01),
        shapes=layers.moments(spec, foot=True),
    )
    plan["yaxis"]["tickformat"] = ".0%"
    return Figure(
        name, title, tuple(traces), plan, roles={"x": "step"}, expert=expert,
        alt=phrase("{what} against the training step, for each normalization{spread}. The dashed line is "
                   "guessing.", what=what, spread=spread(spec)),
    )  # fmt: skip


def _guessing(spec: Train, y: float) -> dict[str, Any]:
    return reference([0, spec.steps], [y, y], "Guessing", says="guessing")


def spread(spec: Train) -> str:
    """How a caption tells of the seeds."""
    return phrase(" (median and spread of {seeds} seeds)", seeds=spec.seeds) if spec.seeds > 1 else ""


# --- the plane ----------------------------------------------------------------------------------------


def decision_surfaces(spec: Train) -> Figure:
    """What each variant of the first seed answers everywhere in the plane, and some training samples."""
    n = spec.data.classes
    dots = {
        "color": now("classes"), "cmin": 0, "cmax": n - 1, "size": 4,
        "colorscale": [[c / (n - 1), CLASS_COLOURS[c]] for c in range(n)],
        "line": {"width": 0.5, "color": "#ffffff"},
    }  # fmt: skip
    quiet: dict[str, Any] = {"hoverinfo": "skip"}
    traces: list[dict[str, Any]] = []
    for panel, norm in enumerate(spec.norms, start=1):
        at = now("surface", panel - 1)
        answers = heatmap(
            at, norm, x=now("grid"), y=now("grid"), panel=panel, zmax=n * recorded.CLASS_STEP, **quiet
        )
        samples = line(now("points", 0), now("points", 1), norm, panel=panel, ghost=False, **quiet)
        traces += [
            {**answers, "colorscale": _surface_scale(n)},
            {**samples, "mode": "markers", "marker": dots},
            layers.blank(panel - 1, norm, 0),
        ]
    reach = (-recorded.EXTENT, recorded.EXTENT)
    plan = layout(
        "First coordinate", "Second coordinate", x_range=reach, y_range=reach,
        panels=[STYLES[norm].label for norm in spec.norms], height=layers.height(spec, 430),
    )  # fmt: skip
    return Figure(
        "decision_surfaces", "Decision surface", tuple(traces), plan,
        alt=phrase("The class that each normalization's network predicts at every point of the plane; pale "
                   "where it is unsure. The dots are {shown_points} training samples in the colour of their "
                   "class. First seed.", shown_points=recorded.SHOWN_POINTS),
    )  # fmt: skip


def _surface_scale(classes: int) -> list[list[Any]]:
    """For each class, from the background (unsure) to its colour (sure)."""
    scale: list[list[Any]] = []
    for c, colour in enumerate(CLASS_COLOURS[:classes]):
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        below_next = (c + 1) / classes - (1e-3 if c < classes - 1 else 0.0)
        scale.append([c / classes, f"rgba({red},{green},{blue},0)"])
        scale.append([below_next, f"rgba({red},{green},{blue},0.6)"])
    return scale
