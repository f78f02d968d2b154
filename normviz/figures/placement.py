"""The charts of the experiment Placement: the curves of both places, and the intervals over the seeds."""

from __future__ import annotations

from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.figures.bound import Figure, history, now, steps
from normviz.figures.predictions import Prediction
from normviz.figures.theme import STYLES, layout, line, reference
from normviz.phrases import phrase
from normviz.specs import placement_frames as recorded
from normviz.specs.placement import Placement

DASHES = {"before": "solid", "after": "dot"}
"""Here the dash tells the place; the colour tells the norm as everywhere."""
SYMBOLS = {"before": "circle", "after": "circle-open"}


def figures(spec: Placement) -> list[Figure]:
    """All charts of a run, the most telling first."""
    return [curves(spec), steps_to_target(spec), accuracies(spec)]


def prediction(spec: Placement) -> Prediction:
    """While the race begins: in which place the first of the norms will get there sooner."""
    norm = STYLES[spec.norms[0]].label
    return Prediction(
        key="placement.reached",
        question=phrase(
            "{norm}: in which place will it take fewer steps to {target:.0%} of the test samples?",
            norm=norm,
            target=recorded.TARGET,
        ),
        choices=(
            "before the activation",
            "after it",
            phrase("{seeds} seeds will not tell", seeds=spec.seeds),
        ),
        covers=("reached", "test_accuracy"),
        answer="Measured: {before:.0f} ± {before_margin:.0f} steps before the activation, {after:.0f} ± "
        "{after_margin:.0f} after it (95% intervals).",
        measured={
            f"{place}{suffix}": now(f"reached_{of}", 0, p, 0)
            for p, place in enumerate(recorded.PLACES)
            for of, suffix in (("mean", ""), ("margin", "_margin"))
        },
        until=now("reached", 0, 0, 0),
    )


def curves(spec: Placement) -> Figure:
    """Test accuracy in eval mode, one panel a norm: each seed thin, the median of each place bold."""
    traces: list[dict[str, Any]] = []
    x = steps("test_accuracy")
    thin: dict[str, Any] = {"width": 1, "opacity": 0.3, "ghost": False, "hoverinfo": "skip"}
    for panel, norm in enumerate(spec.norms, start=1):
        v = panel - 1
        traces.append(
            reference([0, spec.steps], [recorded.TARGET] * 2, "Target", panel=panel, says="the target")
        )
        for p, place in enumerate(recorded.PLACES):
            for s in range(spec.seeds):
                y = history("test_accuracy", v, p, s)
                traces.append(_dashed(line(x, y, norm, panel=panel, **thin), place))
        for p, place in enumerate(recorded.PLACES):
            hover = phrase("{place} the activation, step %{{x}}: %{{y:.1%}}", place=place)
            y = history("test_accuracy_median", v, p)
            bold = line(steps("test_accuracy_median"), y, norm, panel=panel, width=2.5, hovertemplate=hover)
            traces.append(_dashed(bold, place))
    plan = layout(
        "Training step", "Share of the test samples", x_range=(0, spec.steps), y_range=(0, 1.01),
        panels=[STYLES[norm].label for norm in spec.norms], columns=3 if len(spec.norms) < 4 else 2,
        height=300 if len(spec.norms) < 4 else 420, meta={"wide": True},
    )  # fmt: skip
    for name in plan:
        if name.startswith("yaxis"):
            plan[name]["tickformat"] = ".0%"
    return Figure(
        "curves", "Test accuracy: norm before the activation solid, after it dotted", tuple(traces), plan,
        roles={"x": "step"},
        alt=phrase(
            "Accuracy on the {n_test} test digits in eval mode against the training step, one panel for "
            "each normalization: the median of {seeds} seeds as a solid line with the norm before the "
            "activation and a dotted one with the norm after it, every seed a thin line. The dashed line is "
            "{target:.0%}.",
            n_test=DATASETS['digits'].n_test, seeds=spec.seeds, target=recorded.TARGET,
        ),
    )  # fmt: skip


def steps_to_target(spec: Placement) -> Figure:
    """Steps after which each network reaches the target, their mean and its interval."""
    return _intervals(
        spec, ""
              "reached", phrase(
                  "Steps to {target:.0%}",
                  target=recorded.TARGET,
              ), "Training step", (0, spec.steps), "%{x:.0f} "
        "steps",
        phrase("Steps to {target:.0%} of the test samples", target=recorded.TARGET),
    )  # fmt: skip


def accuracies(spec: Placement) -> Figure:
    """Test accuracy at the cursor, the mean and its interval."""
    return _intervals(
        spec, "test_accuracy", "Test accuracy at the cursor", "Share of the test samples", (0.8, 1.0), ""
        "%{x:.1%}",
        "Accuracy on the test samples at the cursor's step",
    )  # fmt: skip


def _intervals(
    spec: Placement, of: str, title: str, x_title: str, x_range: tuple[float, float], shown: str, what: str
) -> Figure:
    traces: list[dict[str, Any]] = []
    for v, norm in enumerate(spec.norms):
        for p, place in enumerate(recorded.PLACES):
            row = _row(spec, v, p)
            hover = phrase("{place} the activation: {shown}", place=place, shown=shown)
            seeds = line(now(of, v, p), [row - 0.22] * spec.seeds, norm, ghost=False, hovertemplate=hover)
            traces.append({**seeds, "mode": "markers", "opacity": 0.45, "marker": _marker(seeds, place, 5)})
            mean = line(
                now(f"{of}_mean", v, p),
                [row + 0.1],
                norm,
                ghost=False,
                hovertemplate=phrase("mean, {hover}", hover=hover),
            )
            bars = {"type": "data", "array": now(f"{of}_margin", v, p), "thickness": 2, "width": 7}
            traces.append({**mean, "mode": "markers", "error_x": bars, "marker": _marker(mean, place, 9)})
    rows = [(v, p) for v in range(len(spec.norms)) for p in range(len(recorded.PLACES))]
    plan = layout(x_title, "", x_range=x_range, y_range=(0.4, len(rows) + 0.6), height=130 + 42 * len(rows))
    if of == "test_accuracy":
        plan["xaxis"]["tickformat"] = ".0%"
    plan["yaxis"].update(
        tickvals=[_row(spec, v, p) for v, p in rows], showgrid=False, automargin=True,
        ticktext=[f"{STYLES[spec.norms[v]].label}, {recorded.PLACES[p]}" for v, p in rows],
    )  # fmt: skip
    roles: dict[str, Any] = {"x": "step"} if of == "reached" else {}
    return Figure(
        of, title, tuple(traces), plan, roles=roles,
        alt=phrase(
            "{what}, a row for each normalization before and after the activation: every seed a small mark, "
            "the mean a larger one with its 95% interval (Student's t), once it is known for every seed.",
            what=what,
        ),
    )  # fmt: skip


def _row(spec: Placement, v: int, p: int) -> int:
    """Rows from the top, the places of a norm together."""
    return len(recorded.PLACES) * (len(spec.norms) - v) - p


def _dashed(trace: dict[str, Any], place: str) -> dict[str, Any]:
    return {**trace, "line": {**trace["line"], "dash": DASHES[place]}}


def _marker(trace: dict[str, Any], place: str, size: int) -> dict[str, Any]:
    return {**trace["marker"], "symbol": SYMBOLS[place], "size": size}
