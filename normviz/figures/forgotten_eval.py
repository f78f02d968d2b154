"""Figures of the forgotten eval(): error by batch size, both modes while training, labels, neighbours, repairs.

The variant's colour is that of the norm; the mode is told by the dash: training mode solid, evaluation mode
dashed, batches sorted by class dotted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from normviz.figures.bound import Figure, Ref, history, now, steps
from normviz.figures.theme import NEUTRAL, STYLES, band, faded, layout, line, reference, variant
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.forgotten_eval_frames import (
    BATCH_SIZES,
    COMPANIES,
    DRAWS,
    LABEL_ROWS,
    PASSES,
    SAMPLES,
    SIDE,
    SORTED_SIZES,
    VALIDATION_BATCH,
    repairs,
)

MEAN, LOW, HIGH, SD = range(4)
EVAL, SORTED = "dash", "dot"
"""Dashes of evaluation mode and of batches sorted by class."""
RIGHT, WRONG = "#41566e", "#b5302f"
"""Behind white labels: right and wrong answers, on light and dark."""
INK = [[0.0, "rgba(128,128,128,0)"], [1.0, "rgba(128,128,128,1)"]]
"""Pixels of a digit, visible on light and dark."""
PERCENT = (0, 100)

Trace = dict[str, Any]


def figures(spec: ForgottenEval) -> list[Figure]:
    """All figures, the most telling first."""
    return [
        error_by_batch_size(spec),
        error_curves(spec),
        changed_labels(spec),
        neighbours(spec),
        repaired(spec),
        statistics(spec),
        moved_statistics(spec),
        statistics_before_and_after(spec),
        error_after_a_pass(spec),
        lag(spec),
        loss_curves(spec),
    ]


# --- act 1 and 2 ----------------------------------------------------------------------------------


def error_by_batch_size(spec: ForgottenEval) -> Figure:
    """The same weights in training mode, by the size of the batches in which they predict."""
    norm, x = spec.norm, list(BATCH_SIZES)
    traces: list[Trace] = [*band(x, *low_high("shuffled"), norm)]
    for i, other in enumerate(spec.others):
        y = now("other_shuffled_spread", MEAN, i)
        traces.append(line(x, y, other, markers=True, width=1.5, hovertemplate=_hover("train mode")))
    ends = [BATCH_SIZES[0], BATCH_SIZES[-1]]
    traces += [
        line(
            list(SORTED_SIZES), now("sorted_spread", MEAN), norm, markers=True, **_dashed(norm, SORTED),
            **_said_at(0, len(SORTED_SIZES), "train mode, sorted by class", "top right"),
            error_y=_bars("sorted_spread"), hovertemplate=_hover("sorted by class"),
        ),
        line(ends, now("eval_level", MEAN), norm, **_dashed(norm, EVAL), hovertemplate=_hover("eval mode")),
        line([1.08, 1.08], now("eval_level", MEAN), norm, **_said_at(0, 2, "eval mode", "top right"), ghost=False),
        line(
            x, now("shuffled_spread", MEAN), norm, markers=True,
            **_said_at(2, len(x), "train mode, shuffled", "top right"), hovertemplate=_hover("train mode, shuffled"),
        ),
    ]  # fmt: skip
    plan = layout(
        "Batch size of the prediction", "Test error (%)", x_log=True, x_range=(0.8, 330), y_range=PERCENT, height=360
    )
    plan["xaxis"].update(tickvals=x, ticktext=[str(size) for size in x], dtick=None)
    return Figure(
        "error_by_batch_size", "Same weights, smaller batches: error in training mode", tuple(traces), plan,
        alt="Test error against the batch size of the prediction: in training mode with shuffled batches (mean and "
        "spread over the seeds) and with batches sorted by class, in evaluation mode, and for other norms.",
    )  # fmt: skip


def error_curves(spec: ForgottenEval) -> Figure:
    """Both modes while training: at the batch size of a validation they look alike."""
    norm = spec.norm
    traces: list[Trace] = []
    for mode, dash in (("train", "solid"), ("eval", EVAL)):
        name = f"curve_{mode}_spread"
        x = steps(name)
        traces += band(x, history(name, LOW), history(name, HIGH), norm)
        words = f"train mode, batch {VALIDATION_BATCH}" if mode == "train" else "eval mode"
        look = {**_dashed(norm, dash), "hovertemplate": f"step %{{x}}: %{{y:.1f}}%<extra>{words}</extra>"}
        traces.append(line(x, history(name, MEAN), norm, **look))
    plan = layout(
        "Training step", "Test error (%)", x_log=True, x_range=(1, max(10, spec.steps)), y_range=PERCENT,
        annotations=[_key(f"solid: train mode, batch {VALIDATION_BATCH}<br>dashed: eval mode")],
    )  # fmt: skip
    return Figure(
        "error_curves", "While training: both modes on the test digits", tuple(traces), plan, roles={"x": "step"},
        alt="Test error against the training step, in training mode with large batches and in evaluation mode, "
        "mean and spread over the seeds.",
    )  # fmt: skip


def changed_labels(spec: ForgottenEval) -> Figure:
    """Samples whose label depends on their batch-mates: pictures, and a row of labels for each batch."""
    columns = [i + 1 for i in range(SAMPLES)]
    pixel = [1 + (k - (SIDE - 1) / 2) / (SIDE + 1) for k in range(SAMPLES * (SIDE + 1) - 1)]
    ink: Trace = {
        "type": "heatmap", "z": now("flip_images"), "x": pixel, "colorscale": INK, "showscale": False,
        "hoverinfo": "skip", "xaxis": "x", "yaxis": "y",
    }  # fmt: skip
    labels: Trace = {
        "type": "heatmap", "z": now("flip_wrong"), "x": columns, "y": list(range(len(LABEL_ROWS))),
        "text": now("flip_labels"), "texttemplate": "%{text}", "textfont": {"size": 14, "color": "#ffffff"},
        "colorscale": [[0.0, RIGHT], [1.0, WRONG]], "zmin": 0, "zmax": 1, "showscale": False,
        "xgap": 2, "ygap": 2, "xaxis": "x", "yaxis": "y2",
        "hovertemplate": "%{y}: read as %{text}<extra></extra>",
    }  # fmt: skip
    words = ["digit", "eval mode", *(f"batch {row}" for row in range(1, len(LABEL_ROWS) - 1))]
    plan: dict[str, Any] = {
        "height": 300, "showlegend": False, "margin": {"l": 76, "r": 12, "t": 8, "b": 8},
        "xaxis": {"range": [0.5, SAMPLES + 0.5], "visible": False, "fixedrange": True, "anchor": "y2"},
        "yaxis": {
            "domain": [0.8, 1], "range": [SIDE - 0.5, -0.5], "visible": False, "fixedrange": True,
        },
        "yaxis2": {
            "domain": [0, 0.78], "range": [len(LABEL_ROWS) - 0.5, -0.5], "tickvals": list(range(len(words))),
            "ticktext": words, "ticks": "", "showline": False, "showgrid": False, "fixedrange": True,
        },
    }  # fmt: skip
    return Figure(
        "changed_labels", f"Same digits, other batch-mates: labels in {DRAWS} random batches of {spec.deploy_batch}",
        (ink, labels), plan,
        alt="Some test digits whose label changes: a column for each, with its picture, its true label, its label in "
        "evaluation mode and its labels in several random batches in training mode; wrong labels are marked.",
    )  # fmt: skip


def neighbours(spec: ForgottenEval) -> Figure:
    """One digit among ever new batch-mates: how sure the network is, and what it says."""
    norm, ends = spec.norm, [0.5, COMPANIES + 0.5]
    dots: Trace = {
        "type": "scatter", "mode": "markers+text", "x": [i + 1 for i in range(COMPANIES)], "y": now("company_p"),
        "text": now("company_label"), "texttemplate": "%{text}", "textposition": "middle center",
        "textfont": {"color": "#ffffff", "size": 11}, "cliponaxis": False,
        "marker": {
            "size": 19, "color": now("company_wrong"), "cmin": 0, "cmax": 1, "line": {"width": 0},
            "colorscale": [[0.0, RIGHT], [1.0, WRONG]],
        },
        "hovertemplate": "batch-mates %{x}: read as %{text}, %{y:.0f}% for the right answer<extra></extra>",
        **variant(norm),
    }  # fmt: skip
    steady = line(ends, now("company_eval"), norm, **_dashed(norm, EVAL), hovertemplate=_hover("eval mode"))
    ink: Trace = {
        "type": "heatmap", "z": now("company_image"), "colorscale": INK, "showscale": False, "hoverinfo": "skip",
        "xaxis": "x2", "yaxis": "y2",
    }  # fmt: skip
    words = "number: the label it gets (red: wrong)<br>dashed: eval mode, whatever the batch"
    plan = layout(
        f"Set of {spec.deploy_batch - 1} batch-mates", "Probability of<br>the right answer (%)",
        x_range=(0, COMPANIES + 1), y_range=(-6, 106), height=340, annotations=[_key(words)],
    )  # fmt: skip
    plan["xaxis"].update(dtick=4, tick0=0, showgrid=False)
    plan["yaxis"].update(domain=[0, 0.8], tickvals=[0, 25, 50, 75, 100])
    plan["xaxis2"] = {"visible": False, "fixedrange": True, "domain": [0, 0.2], "anchor": "y2"}
    plan["yaxis2"] = {
        "visible": False, "fixedrange": True, "domain": [0.83, 1], "anchor": "x2", "range": [SIDE - 0.5, -0.5],
    }  # fmt: skip
    plan["xaxis2"].update(scaleanchor="y2", constrain="domain", constraintoward="left", range=[-0.5, SIDE - 0.5])
    plan["margin"]["l"] = 68
    return Figure(
        "neighbours", f"Your neighbours change your answer: one digit, {COMPANIES} sets of batch-mates", (steady, dots, ink), plan,
        alt="Probability that the network gives to the right answer for one digit, and the label it gives, in "
        "training mode among different sets of batch-mates; a dashed line shows evaluation mode.",
    )  # fmt: skip


# --- repair ---------------------------------------------------------------------------------------

_REPAIRS = {
    "train_mode": "train mode",
    "after_pass": "eval(), after a<br>train-mode pass",
    "eval": "eval()",
    "recalibrated": "recalibrated after<br>that pass",
    "frozen": "frozen during<br>that pass",
    "layer": "layer norm,<br>train mode",
    "group": "group norm,<br>train mode",
}


def repaired(spec: ForgottenEval) -> Figure:
    """The harm and what mends it, as bars."""
    names = repairs(spec)
    styles = [name if name in spec.others else spec.norm for name in names]
    harms = ("train_mode", "after_pass")
    colours = [faded(style, 0.85 if name in harms else 0.4) for name, style in zip(names, styles, strict=True)]
    bars: Trace = {
        "type": "bar", "orientation": "h", "x": now("repair_spread", MEAN), "y": [_REPAIRS[name] for name in names],
        "error_x": _bars("repair_spread"), "showlegend": False, "texttemplate": "%{x:.1f}%", "textposition": "outside",
        "marker": {"color": colours, "line": {"color": [STYLES[one].colour for one in styles], "width": 1}},
        "hovertemplate": "%{y}: %{x:.2f}%<extra></extra>", "cliponaxis": False,
    }  # fmt: skip
    plan = layout(f"Test error (%), batches of {spec.deploy_batch}", "", height=340)
    plan["xaxis"].update(rangemode="tozero")
    plan["yaxis"].update(type="category", autorange="reversed", showgrid=False, ticks="")
    plan["margin"] = {**plan["margin"], "l": 128, "r": 40}
    return Figure(
        "repaired", "Repairs: each one measured", (bars,), plan,
        alt="Test error of the network in training mode and after a pass in training mode over batches sorted by class, "
        "then with each repair: evaluation mode, recalibrated statistics, frozen statistics, other norms.",
        expert=True,
    )  # fmt: skip


# --- what happens inside --------------------------------------------------------------------------


def statistics(spec: ForgottenEval) -> Figure:
    """A batch's own mean and variance against the running ones, channel by channel."""
    traces = [
        *(_diagonal(panel, log=panel == 2) for panel in (1, 2)),
        *(
            _dots(now(f"running_{name}", "layer"), now(f"batch_{name}", "layer"), spec.norm, panel)
            for panel, name in ((1, "mean"), (2, "var"))
        ),
    ]
    return Figure(
        "statistics", f"What one batch of {spec.deploy_batch} sees, against the running statistics", tuple(traces),
        _two_panels("Running statistics", "Of the batch"),
        alt="For 16 channels of the chosen layer, mean and variance of one small batch against the running mean and "
        "variance; equal values would lie on the diagonal.",
        expert=True,
    )  # fmt: skip


def moved_statistics(spec: ForgottenEval) -> Figure:
    """How far one sorted train-mode pass moved the running statistics of each channel."""
    moved = [
        {
            "type": "heatmap", "z": now(f"pass_{name}"), "y": [i + 1 for i in range(spec.depth)], "zmid": 0,
            "zmin": -2, "zmax": 2, "colorscale": "RdBu", "showscale": panel == 2, "xgap": 1, "ygap": 1,
            "colorbar": {"thickness": 10, "tickvals": [-2, -1, 0, 1, 2], "x": 1.01}, "xaxis": f"x{panel}",
            "yaxis": f"y{panel}", "hovertemplate": f"layer %{{y}}, channel %{{x}}: %{{z:.2f}} {unit}<extra></extra>",
            **variant(spec.norm),
        }
        for panel, (name, unit) in enumerate((("shift", "SD"), ("doublings", "doublings")), start=1)
    ]  # fmt: skip
    titles = ("Mean, moved by … SD", "Variance, doubled … times")
    plan = layout("Channel", "Layer", height=130 + 26 * spec.depth, panels=titles)
    plan["margin"]["r"] = 56
    for axis in ("yaxis", "yaxis2"):
        plan[axis].update(tickvals=[i + 1 for i in range(spec.depth)], showgrid=False, range=[spec.depth + 0.5, 0.5])
    for axis in ("xaxis", "xaxis2"):
        plan[axis].update(showgrid=False)
    return Figure(
        "moved_statistics", "What a pass over batches sorted by class did to the running statistics", tuple(moved), plan,
        roles={"y": "layer"}, expert=True,
        alt="For every layer and 16 of its channels, how far one pass in training mode over batches sorted by class "
        "moved the running mean (in running standard deviations) and how often it doubled the running variance.",
    )  # fmt: skip


def statistics_before_and_after(spec: ForgottenEval) -> Figure:
    """Running statistics of the chosen layer, before and after a train-mode pass in either order."""
    traces = [_diagonal(panel, log=panel == 2) for panel in (1, 2)]
    for panel, name in ((1, "mean"), (2, "var")):
        before = now(f"pass_{name}", PASSES.index("before"), "layer")
        for order, symbol in (("shuffled", "circle-open"), ("sorted", "x")):
            after = now(f"pass_{name}", PASSES.index(order), "layer")
            traces.append(_dots(before, after, spec.norm, panel, symbol=symbol, words=order))
    plan = _two_panels("Before the pass", "After the pass")
    plan["annotations"] = [*plan["annotations"], _key("○ shuffled pass<br>✕ sorted by class")]
    return Figure(
        "statistics_before_and_after", "Running statistics before and after one train-mode pass", tuple(traces), plan,
        alt="For 16 channels of the chosen layer, running mean and variance after one pass in training mode against "
        "those before it, for shuffled batches and for batches sorted by class.",
        expert=True,
    )  # fmt: skip


def error_after_a_pass(spec: ForgottenEval) -> Figure:
    """eval() after one train-mode pass: nothing was learned, and yet something changed."""
    norm, x = spec.norm, list(SORTED_SIZES)
    traces = [
        line([x[0], x[-1]], now("eval_level", MEAN), norm, **_dashed(norm, EVAL), hovertemplate=_hover("before")),
        *(
            line(
                x, now(f"after_{name}_spread", MEAN), norm, markers=True, **_dashed(norm, dash), hovertemplate=_hover(name),
                error_y=_bars(f"after_{name}_spread"), **_said_at(0, len(x), f"after a {name} pass", "top right"),
            )
            for name, dash in (("shuffled", "solid"), ("sorted", SORTED))
        ),
    ]  # fmt: skip
    plan = layout("Batch size of the pass", "Test error in eval mode (%)", x_log=True, x_range=(7, 90))
    plan["xaxis"].update(tickvals=x, ticktext=[str(size) for size in x], dtick=None)
    plan["yaxis"].update(rangemode="tozero")
    return Figure(
        "error_after_a_pass", "eval() comes too late: error after one train-mode pass", tuple(traces), plan,
        alt="Test error in evaluation mode after one pass in training mode, shuffled or sorted by class, against the "
        "batch size of that pass.",
        expert=True,
    )  # fmt: skip


def lag(spec: ForgottenEval) -> Figure:
    """The first training steps: what is left of the initial running statistics, and what eval mode makes of it."""
    last = min(spec.steps, 66)
    grid = list(range(last + 1))
    left = [100 * (1 - spec.momentum) ** step for step in grid]
    traces: list[Trace] = [reference(grid, left, "initial statistics left")]
    for mode, dash in (("train", "solid"), ("eval", EVAL)):
        name = f"curve_{mode}_spread"
        look = {**_dashed(spec.norm, dash), "hovertemplate": f"step %{{x}}: %{{y:.1f}}%<extra>{mode} mode</extra>"}
        traces.append(line(steps(name), history(name, MEAN), spec.norm, markers=True, **look))
    words = "solid: error in train mode<br>dashed: error in eval mode<br>grey: initial statistics left"
    plan = layout("Training step", "%", x_range=(0, last), y_range=PERCENT, annotations=[_key(words)])
    return Figure(
        "lag", "Too few steps: the running statistics lag behind", tuple(traces), plan, roles={"x": "step"},
        alt="Over the first training steps, test error in both modes, and the share of the initial running statistics "
        "that is left, (1 - momentum) to the power of the step.",
        expert=True,
    )  # fmt: skip


def loss_curves(spec: ForgottenEval) -> Figure:
    """Training loss of every seed and their mean."""
    norm, x = spec.norm, steps("loss")
    thin = [
        line(x, history("loss", i), norm, width=1, opacity=0.35, ghost=False, hoverinfo="skip")
        for i in range(spec.seeds)
    ]
    mean = line(x, history("loss_spread", MEAN), norm, hovertemplate="step %{x}: %{y:.3f}<extra></extra>")
    plan = layout("Training step", "Training loss (nats)", y_log=True, x_range=(0, spec.steps), y_range=(1e-4, 10))
    return Figure(
        "loss_curves", "Training loss", (*thin, mean), plan, roles={"x": "step"}, expert=True,
        alt="Training loss against the training step, one thin line for each seed and their mean.",
    )  # fmt: skip


# --- parts ----------------------------------------------------------------------------------------


def low_high(name: str) -> tuple[Ref, Ref]:
    """Mean - SD and mean + SD of an array over the seeds."""
    return now(f"{name}_spread", LOW), now(f"{name}_spread", HIGH)


def _bars(spread: str) -> Trace:
    """Error bars of one SD."""
    return {"type": "data", "array": now(spread, SD), "thickness": 1.2, "width": 3}


def _dashed(norm: str, dash: str) -> Trace:
    return {"line": {"color": STYLES[norm].colour, "dash": dash, "width": 2}}


def _hover(words: str) -> str:
    return f"batch %{{x}}: %{{y:.1f}}%<extra>{words}</extra>"


def _said_at(point: int, points: int, words: str, position: str) -> Trace:
    """Text beside one point of a line, instead of a legend."""
    text = [words if i == point else "" for i in range(points)]
    mode = "lines+text" if points == 2 else "lines+markers+text"
    return {"mode": mode, "text": text, "textposition": position, "textfont": {"size": 12}, "cliponaxis": False}


def _key(words: str) -> Trace:
    """What dashes and markers mean, in the corner of a plot."""
    return {
        "text": words, "x": 0.99, "y": 0.98, "xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "top",
        "showarrow": False, "align": "left", "font": {"size": 11},
    }  # fmt: skip


def _dots(x: Ref, y: Ref, norm: str, panel: int, *, symbol: str = "circle", words: str = "") -> Trace:
    dots = line(x, y, norm, panel=panel, hovertemplate=f"%{{x:.3g}} → %{{y:.3g}}<extra>{words}</extra>")
    return {**dots, "mode": "markers", "marker": {**dots["marker"], "symbol": symbol}}


_MEANS, _VARIANCES = (-3.0, 3.0), (0.05, 20.0)


def _diagonal(panel: int, *, log: bool) -> Trace:
    ends: Sequence[float] = _VARIANCES if log else _MEANS
    return reference(ends, ends, "equal", panel=panel, hoverinfo="skip")


def _two_panels(x_title: str, y_title: str) -> dict[str, Any]:
    """Means left (linear), variances right (logarithmic); each panel has its own axes."""
    plan = layout(x_title, y_title, x_range=_MEANS, y_range=_MEANS, panels=("Mean", "Variance"))
    variances = layout("", "", x_log=True, y_log=True, x_range=_VARIANCES, y_range=_VARIANCES)
    for axis in ("xaxis2", "yaxis2"):
        del plan[axis]["matches"]
        plan[axis].update(variances[axis.rstrip("2")], showticklabels=True)
        plan[axis]["title"] = {"text": x_title if axis == "xaxis2" else ""}
    return plan
