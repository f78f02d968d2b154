"""Figures of what happens inside: batch and running statistics, and what a train-mode pass does to them."""

from __future__ import annotations

from typing import Any

from normviz.figures.bound import Figure, Ref, history, now, steps
from normviz.figures.forgotten_eval_marks import (
    EVAL,
    MEAN,
    PERCENT,
    SORTED,
    Trace,
    dashed,
    error_bars,
    hover,
    key,
    said_at,
    sizes,
)
from normviz.figures.theme import layout, line, reference, variant
from normviz.phrases import phrase
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.forgotten_eval_frames import CHANNELS, LAST_LAG_STEP, PASSES, SORTED_SIZES

MEANS, VARIANCES = (-4.0, 4.0), (0.05, 20.0)
"""Ranges of the axes of means and of variances."""
_LEFT = "step %{x}: %{y:.1f}% of the initial statistics are left"
_QUANTITIES = (("mean", MEANS), ("var", VARIANCES))


def statistics(spec: ForgottenEval) -> Figure:
    """A batch's own mean and variance against the running ones, channel by channel."""
    traces = [reference(ends, ends, "equal", panel=i) for i, (_, ends) in enumerate(_QUANTITIES, 1)]
    for panel, (name, _) in enumerate(_QUANTITIES, 1):
        x, y = now(f"running_{name}", "layer"), now(f"batch_{name}", "layer")
        traces.append(_dots(x, y, spec.norm, panel, "circle", "running → batch"))
    title = phrase(
        "Why: one batch of {deploy_batch} against the running statistics", deploy_batch=spec.deploy_batch
    )
    return Figure(
        "statistics", title, tuple(traces), _two_panels("Running statistics", "Statistics of the batch"),
        expert=True,
        alt=phrase(
            "For {channels} channels of the chosen layer, mean and variance of one small batch against the "
            "running mean and variance; equal values would lie on the diagonal.",
            channels=CHANNELS,
        ),
    )  # fmt: skip


def moved_statistics(spec: ForgottenEval) -> Figure:
    """How far one sorted train-mode pass moved the running statistics of each channel."""
    layers = list(range(1, spec.depth + 1))
    moved = [
        {
            "type": "heatmap", "z": now(f"pass_{name}"), "x": list(range(1, CHANNELS + 1)), "y": layers,
            "zmid": 0, "zmin": -2, "zmax": 2, "colorscale": "RdBu", "showscale": panel == 2, "xgap": 1,
            "ygap": 1, "colorbar": {"thickness": 10, "tickvals": [-2, -1, 0, 1, 2], "x": 1.01},
            "xaxis": f"x{panel}", "yaxis": f"y{panel}", **variant(spec.norm),
            "hovertemplate": phrase(
                "layer %{{y}}, channel %{{x}}: %{{z:.2f}} {unit}<extra></extra>",
                unit=unit,
            ),
        }
        for panel, (name, unit) in enumerate((("shift", "SD"), ("doublings", "doublings")), 1)
    ]  # fmt: skip
    titles = ("Mean, moved by … SD", "Variance, doubled … times")
    plan = layout("Channel", "Layer", height=130 + 26 * spec.depth, panels=titles)
    plan["margin"]["r"] = 56
    for axis in ("yaxis", "yaxis2"):
        plan[axis].update(tickvals=layers, showgrid=False, range=[spec.depth + 0.5, 0.5], autorange=False)
    for axis in ("xaxis", "xaxis2"):
        plan[axis].update(showgrid=False, range=[0.5, CHANNELS + 0.5], autorange=False)
    return Figure(
        "moved_statistics", "Why: statistics moved by a sorted pass",
        tuple(moved), plan, roles={"y": "layer"}, expert=True,
        alt=phrase(
            "For every layer and {channels} of its channels, how far one pass in training mode over batches "
            "sorted by class moved the running mean (in running standard deviations), and how often it "
            "doubled the running variance.",
            channels=CHANNELS,
        ),
    )  # fmt: skip


def statistics_after_a_pass(spec: ForgottenEval) -> Figure:
    """Running statistics of the chosen layer, before and after a train-mode pass in either order."""
    traces = [reference(ends, ends, "equal", panel=i) for i, (_, ends) in enumerate(_QUANTITIES, 1)]
    for panel, (name, _) in enumerate(_QUANTITIES, 1):
        before = now(f"pass_{name}", PASSES.index("before"), "layer")
        for order, symbol in (("shuffled", "circle-open"), ("sorted", "x")):
            after = now(f"pass_{name}", PASSES.index(order), "layer")
            traces.append(
                _dots(before, after, spec.norm, panel, symbol, phrase("{order}: before → after", order=order))
            )
    plan = _two_panels("Before the pass", "After the pass")
    plan["annotations"] = [*plan["annotations"], key("○ shuffled pass<br>✕ sorted by class")]
    return Figure(
        "statistics_after_a_pass", "Why: before and after a train-mode pass", tuple(traces),
        plan, expert=True,
        alt=phrase(
            "For {channels} channels of the chosen layer, running mean and variance after one pass in "
            "training mode against those before it, for shuffled batches and for batches sorted by class.",
            channels=CHANNELS,
        ),
    )  # fmt: skip


def error_after_a_pass(spec: ForgottenEval) -> Figure:
    """eval() after one train-mode pass: nothing was learned, and yet something changed."""
    norm, x = spec.norm, list(SORTED_SIZES)
    before = line(
        [x[0], x[-1]], now("eval_level", MEAN), norm, **dashed(norm, EVAL), hovertemplate=hover("before")
    )
    after = [
        line(
            x, now(f"after_{order}_spread", MEAN), norm, markers=True, **dashed(norm, dash),
            **said_at(0, len(x), phrase(
                "after a {order} pass",
                order=order,
            ), "top right"), hovertemplate=hover(order),
            error_y=error_bars(f"after_{order}"),
        )
        for order, dash in (("shuffled", "solid"), ("sorted", SORTED))
    ]  # fmt: skip
    plan = layout("Batch size of the pass", "Test error in eval mode (%)", x_log=True, x_range=(7, 90))
    sizes(plan["xaxis"], x)
    plan["yaxis"].update(rangemode="tozero")
    return Figure(
        "error_after_a_pass", "Why: eval() after a train-mode pass", (before, *after),
        plan,
        expert=True,
        alt="Test error in evaluation mode after one pass in training mode, shuffled or sorted by class, "
        "against the batch size of that pass.",
    )  # fmt: skip


def lag(spec: ForgottenEval) -> Figure:
    """The first training steps: what is left of the initial statistics, and the error in both modes."""
    last = min(spec.steps, LAST_LAG_STEP)
    grid = list(range(last + 1))
    left = [100 * (1 - spec.momentum) ** step for step in grid]
    traces: list[Trace] = [reference(grid, left, "initial statistics left", says=_LEFT)]
    for mode, dash in (("train", "solid"), ("eval", EVAL)):
        x, y = steps(f"curve_{mode}_spread"), history(f"curve_{mode}_spread", MEAN)
        template = phrase("step %{{x}}: %{{y:.1f}}%<extra>{mode} mode</extra>", mode=mode)
        look: Trace = {**dashed(spec.norm, dash), "hovertemplate": template}
        traces.append(line(x, y, spec.norm, markers=True, **look))
    words = "solid: error in train mode<br>dashed: error in eval mode<br>grey: initial statistics left"
    plan = layout("Training step", "%", x_range=(0, last), y_range=PERCENT, annotations=[key(words)])
    return Figure(
        "lag", "Why: too few steps, statistics that lag behind", tuple(traces), plan, roles={"x": "step"},
        expert=True,
        alt="Over the first training steps, test error in both modes, and the share of the initial running "
        "statistics that is left, (1 - momentum) to the power of the step.",
    )  # fmt: skip


def _dots(x: Ref, y: Ref, norm: str, panel: int, symbol: str, words: str) -> Trace:
    dots = line(x, y, norm, panel=panel, hovertemplate=f"%{{x:.3g}} → %{{y:.3g}}<extra>{words}</extra>")
    return {**dots, "mode": "markers", "marker": {**dots["marker"], "symbol": symbol}}


def _two_panels(x_title: str, y_title: str) -> dict[str, Any]:
    """Means left (linear), variances right (logarithmic); each panel has its own axes."""
    plan = layout(x_title, y_title, x_range=MEANS, y_range=MEANS, panels=("Mean", "Variance"))
    variances = layout(x_title, "", x_log=True, y_log=True, x_range=VARIANCES, y_range=VARIANCES)
    for axis in ("xaxis", "yaxis"):
        second = plan[f"{axis}2"]
        del second["matches"]
        second.update(variances[axis], showticklabels=True)
    return plan
