"""Figures of the forgotten eval(): error by batch size, both modes while training, labels, repairs.

The variant's colour is that of the norm; the mode is told by the dash: training mode solid, evaluation mode
dashed, batches sorted by class dotted.
"""

from __future__ import annotations

from typing import Any

from normviz.catalog.norms import NORMS
from normviz.figures import forgotten_eval_opposites as opposites
from normviz.figures import forgotten_eval_repairs as repaired
from normviz.figures import forgotten_eval_statistics as inside
from normviz.figures.bound import Figure, history, now, steps
from normviz.figures.forgotten_eval_marks import (
    EVAL,
    HIGH,
    INK,
    LOW,
    MEAN,
    PERCENT,
    RIGHT,
    SORTED,
    WRONG,
    Trace,
    dashed,
    error_bars,
    hover,
    key,
    low_high,
    note_at,
    said_at,
    sizes,
)
from normviz.figures.predictions import Prediction, Sketch
from normviz.figures.theme import STYLES, band, layout, line, variant
from normviz.phrases import counted, phrase
from normviz.specs import forgotten_eval_frames as recorded
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.forgotten_eval_frames import BATCH_SIZES, COMPANIES, SIDE, SORTED_SIZES, VALIDATION_BATCH


def figures(spec: ForgottenEval) -> list[Figure]:
    """All figures, act by act, as their titles say; those of running statistics only where there are any."""
    acts = [error_curves(spec), error_by_batch_size(spec), changed_labels(spec), neighbours(spec)]
    mended = [repaired.repairs(spec), repaired.dropout(spec)]
    if not NORMS[spec.norm].running_statistics:
        return [*acts, *mended, loss_curves(spec)]
    return [
        *acts,
        inside.statistics(spec),
        inside.lag(spec),
        inside.error_after_a_pass(spec),
        inside.statistics_after_a_pass(spec),
        inside.moved_statistics(spec),
        *mended,
        opposites.trained_in_eval(spec),
        opposites.other_pictures(spec),
        opposites.fine_tuning(spec),
        opposites.dropout_before(spec),
        loss_curves(spec),
    ]


def prediction(spec: ForgottenEval) -> Prediction:
    """Between the acts: how the error will grow once the batches become smaller."""
    sizes = (2, 8, 32)
    smaller = BATCH_SIZES.index(VALIDATION_BATCH) - 1
    return Prediction(
        key="forgotten_eval.error_by_batch_size",
        question=phrase(
            "Act 2: the trained network stays in training mode, and its batches become smaller than "
            "{validation_batch}. How often will it err then?",
            validation_batch=VALIDATION_BATCH,
        ),
        covers=("error_by_batch_size", "changed_labels"),
        sketch=Sketch("error_by_batch_size", sizes, 2.0, "{y:.0f}%"),
        said="At batch 2 you said {guess:.0f}%.",
        answer="Measured: {at_2:.0f}% at batch 2, {at_8:.0f}% at 8, {at_32:.0f}% at 32.",
        measured={f"at_{n}": now("shuffled_spread", MEAN, BATCH_SIZES.index(n)) for n in sizes},
        until=now("shuffled_spread", MEAN, smaller),
    )


# --- act 1 and 2 ----------------------------------------------------------------------------------


def error_by_batch_size(spec: ForgottenEval) -> Figure:
    """The same weights in training mode, by the size of the batches in which they predict."""
    norm, x = spec.norm, list(BATCH_SIZES)
    level = now("eval_level", MEAN)
    others = [
        line(
            x,
            now("other_shuffled_spread", MEAN, i),
            other,
            markers=True,
            width=1.5,
            hovertemplate=hover(STYLES[other].label),
        )
        for i, other in enumerate(spec.others)
    ]
    by_class = line(
        list(SORTED_SIZES), now("sorted_spread", MEAN), norm, markers=True, **dashed(norm, SORTED),
        **said_at(0, len(SORTED_SIZES), "train mode, sorted by class", "top right"),
        error_y=error_bars("sorted"), hovertemplate=hover("train mode, sorted by class"),
    )  # fmt: skip
    shuffled = line(
        x, now("shuffled_spread", MEAN), norm, markers=True, hovertemplate=hover("train mode, shuffled"),
        **said_at(2, len(x), "train mode, shuffled", "top right"),
    )  # fmt: skip
    evaluated = (
        line([x[0], x[-1]], level, norm, **dashed(norm, EVAL), hovertemplate=hover("eval mode")),
        line(
            [1.08, 1.08],
            level,
            norm,
            **said_at(0, 2, "eval mode<br> <br> ", "top right"),
            ghost=False,
            hoverinfo="skip",
        ),
    )
    plan = layout(
        "Batch size of the prediction", "Test error (%)", x_log=True, x_range=(0.8, 330), y_range=PERCENT,
    )  # fmt: skip
    sizes(plan["xaxis"], x)
    if spec.refuses_one:
        plan["annotations"] = [note_at(1, 75, "batch 1:<br>torch refuses")]
    traces = (*band(x, *low_high("shuffled"), norm), *others, by_class, *evaluated, shuffled)
    return Figure(
        "error_by_batch_size", "Act 2: the same weights in smaller batches", traces, plan,
        alt="Test error against the batch size of the prediction: in training mode with shuffled batches "
        "(mean and spread over the seeds) and with batches sorted by class, in evaluation mode, and for "
        "other norms.",
    )  # fmt: skip


def error_curves(spec: ForgottenEval) -> Figure:
    """Both modes while training: at the batch size of a validation they look alike."""
    norm = spec.norm
    traces: list[Trace] = []
    modes = (
        ("train", "solid", phrase("train mode, batch {validation_batch}", validation_batch=VALIDATION_BATCH)),
        ("eval", EVAL, "eval mode"),
    )
    for mode, dash, words in modes:
        name = f"curve_{mode}_spread"
        template = phrase("step %{{x}}: %{{y:.1f}}%<extra>{words}</extra>", words=words)
        traces += band(steps(name), history(name, LOW), history(name, HIGH), norm)
        traces.append(
            line(steps(name), history(name, MEAN), norm, **dashed(norm, dash), hovertemplate=template)
        )
    plan = layout(
        "Training step", "Test error (%)", x_log=True, x_range=(1, max(10, spec.steps)), y_range=PERCENT,
        annotations=[key(phrase(
            "solid: train mode, batch {validation_batch}<br>dashed: eval mode",
            validation_batch=VALIDATION_BATCH,
        ))],
    )  # fmt: skip
    return Figure(
        "error_curves", "Act 1: both modes while training", tuple(traces), plan,
        roles={"x": "step"},
        alt="Test error against the training step, in training mode with large batches and in evaluation "
        "mode, mean and spread over the seeds.",
    )  # fmt: skip


def changed_labels(spec: ForgottenEval) -> Figure:
    """Samples whose label depends on their batch-mates: pictures, and a row of labels for each batch."""
    samples, rows = recorded.SAMPLES, len(recorded.LABEL_ROWS)
    words = [
        "digit",
        "eval mode",
        *(phrase("batch {draw}", draw=draw) for draw in range(1, recorded.DRAWS + 1)),
    ]
    pixel = [1 + (k - (SIDE - 1) / 2) / (SIDE + 1) for k in range(samples * (SIDE + 1) - 1)]
    ink: Trace = {
        "type": "heatmap", "z": now("flip_images"), "x": pixel, "colorscale": INK, "showscale": False,
        "hoverinfo": "skip", "xaxis": "x", "yaxis": "y", **variant(spec.norm),
    }  # fmt: skip
    labels: Trace = {
        "type": "heatmap", "z": now("flip_wrong"), "x": list(range(1, samples + 1)), "y": list(range(rows)),
        "text": now("flip_labels"), "texttemplate": "%{text}", "textfont": {"size": 14, "color": "#ffffff"},
        "colorscale": [[0.0, RIGHT], [1.0, WRONG]], "zmin": 0, "zmax": 1, "showscale": False, "xgap": 2,
        "ygap": 2, "xaxis": "x", "yaxis": "y2", "hovertemplate": "read as %{text}<extra></extra>",
        **variant(spec.norm),
    }  # fmt: skip
    fixed = {"fixedrange": True, "showgrid": False, "zeroline": False}
    plan: dict[str, Any] = {
        "height": 300, "showlegend": False, "margin": {"l": 76, "r": 12, "t": 8, "b": 8},
        "xaxis": {**fixed, "range": [0.5, samples + 0.5], "visible": False, "anchor": "y2"},
        "yaxis": {**fixed, "range": [SIDE - 0.5, -0.5], "visible": False, "domain": [0.87, 1]},
        "yaxis2": {
            **fixed, "range": [rows - 0.5, -0.5], "domain": [0, 0.85], "ticks": "", "showline": False,
            "tickvals": list(range(rows)), "ticktext": words,
        },
    }  # fmt: skip
    title = phrase(
        "Act 2: the same digits in {draws} random batches of {deploy_batch}",
        draws=recorded.DRAWS,
        deploy_batch=spec.deploy_batch,
    )
    return Figure(
        "changed_labels", title, (ink, labels), plan,
        alt="Some test digits whose label changes: a column for each, with its picture, its true label, its "
        "label in evaluation mode and its labels in several random batches in training mode; wrong labels "
        "are marked.",
    )  # fmt: skip


def neighbours(spec: ForgottenEval) -> Figure:
    """One digit among ever new batch-mates: how sure the network is of the right answer, and what it says."""
    norm = spec.norm
    dots: Trace = {
        "type": "scatter", "mode": "markers+text", "x": list(range(1, COMPANIES + 1)),
        "y": now("company_p"), "text": now("company_label"), "texttemplate": "%{text}",
        "textposition": "middle center", "textfont": {"color": "#ffffff", "size": 11}, "cliponaxis": False,
        "marker": {
            "size": 19, "color": now("company_wrong"), "cmin": 0, "cmax": 1, "line": {"width": 0},
            "colorscale": [[0.0, RIGHT], [1.0, WRONG]],
        },
        "hovertemplate": "batch-mates %{x}: read as %{text}, %{y:.0f}% for the right answer<extra></extra>",
        **variant(norm),
    }  # fmt: skip
    ends = [0.5, COMPANIES + 0.5]
    steady = line(ends, now("company_eval"), norm, **dashed(norm, EVAL), hovertemplate="%{y:.1f}%")
    ink: Trace = {
        "type": "heatmap", "z": now("company_image"), "colorscale": INK, "showscale": False,
        "hoverinfo": "skip", "xaxis": "x2", "yaxis": "y2", **variant(norm),
    }  # fmt: skip
    plan = layout(
        counted("Set of {n} batch-mate", "Set of {n} batch-mates", spec.deploy_batch - 1),
        "Probability of<br>the right answer (%)",
        x_range=(0, COMPANIES + 1), y_range=(-6, 106), height=340,
        annotations=[key("number: the label it gets (red: wrong)<br>dashed: eval mode, whatever the batch")],
    )  # fmt: skip
    plan["margin"]["l"] = 68
    plan["xaxis"].update(dtick=4, tick0=0, showgrid=False)
    plan["yaxis"].update(domain=[0, 0.8], tickvals=[0, 25, 50, 75, 100])
    square = {"visible": False, "fixedrange": True}
    plan["xaxis2"] = {
        **square, "domain": [0, 0.2], "anchor": "y2", "range": [-0.5, SIDE - 0.5], "scaleanchor": "y2",
        "constrain": "domain", "constraintoward": "left",
    }  # fmt: skip
    plan["yaxis2"] = {**square, "domain": [0.83, 1], "anchor": "x2", "range": [SIDE - 0.5, -0.5]}
    title = phrase("Act 2: one digit among {companies} sets of batch-mates", companies=COMPANIES)
    return Figure(
        "neighbours", title, (steady, dots, ink), plan, expert=True,
        alt="Probability that the network gives to the right answer for one digit, and the label it gives, "
        "in training mode among different sets of batch-mates; a dashed line shows evaluation mode.",
    )  # fmt: skip


# --- training -------------------------------------------------------------------------------------


def loss_curves(spec: ForgottenEval) -> Figure:
    """Training loss of every seed and their mean."""
    norm, x = spec.norm, steps("loss")
    thin = [
        line(x, history("loss", i), norm, width=1, opacity=0.35, ghost=False, hoverinfo="skip")
        for i in range(spec.seeds)
    ]
    mean = line(x, history("loss_spread", MEAN), norm, hovertemplate="step %{x}: %{y:.3f}<extra></extra>")
    plan = layout(
        "Training step", "Training loss (nats)", y_log=True, x_range=(0, spec.steps), y_range=(1e-4, 10)
    )
    return Figure(
        "loss_curves", "Training loss", (*thin, mean), plan, roles={"x": "step"}, expert=True,
        alt="Training loss against the training step, one thin line for each seed, and their mean.",
    )  # fmt: skip
