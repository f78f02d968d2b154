"""Figures of the batch size: error by size and while training, what torch does with one sample, the gap."""

from __future__ import annotations

from typing import Any

from normviz.figures.bound import Figure, history, now, steps
from normviz.figures.predictions import Prediction
from normviz.figures.theme import STYLES, faded, layout, line, reference
from normviz.phrases import phrase
from normviz.specs import batch_size_frames as recorded
from normviz.specs.batch_size import BatchSize
from normviz.specs.batch_size_frames import CASES, GAP_SIZES, LARGEST, MODES, SIZES

ERRORS = (0.7, 100.0)
"""Range of the axes of errors, in percent."""
_TICKS = [1, 2, 5, 10, 20, 50, 100]
_APART = 0.05
"""Distance of two variants at one batch size, in octaves."""
_LOOKS = {
    "raises": {"color": "#d8433a", "size": 13},
    "zero": {"color": "#a8700a", "size": 13},
    "runs": {"size": 12},
}
"""Of the words in the table; "runs" has the colour of the page's text."""
_WORDS = {"raises": "raises", "zero": "returns 0", "runs": "runs"}

Trace = dict[str, Any]


def figures(spec: BatchSize) -> list[Figure]:
    """All figures, the most telling first."""
    return [error_by_batch_size(spec), error_curves(spec), batches_of_one(spec), modes_apart(spec)]


def prediction(spec: BatchSize) -> Prediction | None:
    """How batch norm will do at the smallest batch; nothing to ask where it is not among the variants."""
    if "batch" not in spec.variants:
        return None
    v, small, large = spec.variants.index("batch"), SIZES[0], SIZES[-1]
    return Prediction(
        key="batch_size.smallest",
        question=phrase(
            "With batch norm, {large} samples share one mean and one variance. Now it shall be only {small}. "
            "After the training, how often will the network err?",
            large=large,
            small=small,
        ),
        covers=("error_by_batch_size", "error_curves"),
        choices=(
            phrase("about as often as at {large}", large=large),
            "two or three times as often",
            "ten times as often, or more",
        ),
        answer="Measured with batch norm: {at_2:.3g}% at 2, {at_4:.2g}% at 4, {at_32:.2g}% at 32.",
        measured={f"at_{n}": now("ended", v, SIZES.index(n)) for n in (2, 4, 32)},
        until=now("ended", v, 0),
        notes=tuple(f"batch_size.{told}" for told in _TELLING),
    )


_TELLING = (
    "signs", "unstable", "worse", "overlaps", "single", "four_fine", "four_costs", "accumulated",
    "accumulated_part", "accumulated_whole", "renorm_helps", "renorm_harms", "renorm_overlaps", "crossing",
    "never",
)  # fmt: skip
"""Notes that give the answer away."""


def error_by_batch_size(spec: BatchSize) -> Figure:
    """Test error in evaluation mode against the batch that is normalized, and with accumulated gradients."""
    traces: list[Trace] = []
    for v, norm in enumerate(spec.variants):
        traces.append(
            line(
                _aside(spec, norm, SIZES), now("error_mean", v), norm, markers=True,
                text=[str(size) for size in SIZES], error_y=_extremes("error", v),
                hovertemplate="batch %{text}: %{y:.2f}%",
            )
        )  # fmt: skip
    for a, norm in enumerate(spec.accumulated):
        traces.append(
            line(
                _aside(spec, norm, (spec.micro_batch,)), now("accumulated_mean", a), norm, ghost=False,
                mode="markers", error_y=_extremes("accumulated", a),
                marker={"symbol": "star", "size": 15, "color": faded(norm, 0.55), "line": {
                    "width": 1.5, "color": STYLES[norm].colour}},
                hovertemplate=f"{_micro(spec)}: %{{y:.2f}}%",
            )
        )  # fmt: skip
    title = {
        "statistics": "Samples that share their statistics (updates of 32)",
        "batch": "Samples of an update, and of its statistics",
    }[spec.changes]
    plan = layout(title, "Test error (%)", x_log=True, x_range=(1.6, 40), y_log=True, y_range=ERRORS)
    _ticks(plan["xaxis"], list(SIZES))
    _ticks(plan["yaxis"], _TICKS)
    if spec.accumulated:
        plan["annotations"] = [_said(f"★ {_micro(spec)}")]
        plan["margin"] = {**plan["margin"], "t": 24}
    stars = (
        phrase(
            " Stars: batch and group norm with gradients accumulated over micro-batches of {micro_batch}.",
            micro_batch=spec.micro_batch,
        )
        if spec.accumulated
        else ""
    )
    return Figure(
        "error_by_batch_size", "Error against batch size", tuple(traces), plan,
        alt=phrase("Test error in evaluation mode, on a logarithmic axis, against the batch size: a line for "
                   "each normalization through the means over the seeds, bars from the lowest to the highest "
                   "seed.{stars}", stars=stars),
    )  # fmt: skip


def error_curves(spec: BatchSize) -> Figure:
    """Mean test error while training, at the smallest batch and at the largest."""
    places = (0, len(SIZES) - 1)
    traces = [
        line(
            steps("error_mean"), history("error_mean", v, z), norm, panel=panel,
            hovertemplate="%{x}: %{y:.2f}%",
        )
        for panel, z in enumerate(places, 1)
        for v, norm in enumerate(spec.variants)
    ]  # fmt: skip
    x_title = (
        "Training step"
        if spec.changes == "statistics"
        else phrase("Samples seen / {largest}", largest=LARGEST)
    )
    plan = layout(
        x_title, "Test error (%)", y_log=True, x_range=(0, spec.steps), y_range=ERRORS,
        panels=[phrase("batch of {size}", size=SIZES[z]) for z in places],
    )  # fmt: skip
    for axis in ("yaxis", "yaxis2"):
        _ticks(plan[axis], _TICKS)
    return Figure(
        "error_curves", "The same while training", tuple(traces), plan, roles={"x": "step"},
        alt=phrase("Mean test error in evaluation mode while training, on a logarithmic axis, a line for "
                   "each normalization: left at batches of {small}, right at batches of "
                   "{large}.", small=SIZES[0], large=SIZES[-1]),
    )  # fmt: skip


def batches_of_one(spec: BatchSize) -> Figure:
    """What torch's layers do with a single sample, tried out when the run starts."""
    traces: list[Trace] = []
    for outcome in recorded.OUTCOMES:
        for m, mode in enumerate(MODES):
            traces.append(
                {
                    "type": "scatter", "mode": "text", "x": [m] * len(CASES), "y": now(f"case_{outcome}", m),
                    "text": [_WORDS[outcome]] * len(CASES), "showlegend": False, "meta": {"ghost": False},
                    "textfont": _LOOKS[outcome], "hoverinfo": "text",
                    "hovertext": [phrase(
                        "{case}, {mode}: {outcome}", case=case, mode=mode, outcome=_WORDS[outcome]
                    ) for case in CASES],
                }
            )  # fmt: skip
    plan = layout("", "", height=24 * len(CASES) + 36)
    plan["xaxis"].update(
        tickvals=list(range(len(MODES))), ticktext=list(MODES), range=[-0.5, len(MODES) - 0.5], side="top",
        autorange=False, showgrid=False, zeroline=False, fixedrange=True,
    )  # fmt: skip
    plan["yaxis"].update(
        tickvals=list(range(len(CASES))), ticktext=[_row(case) for case in CASES], autorange=False,
        range=[len(CASES) - 0.5, -0.5], zeroline=False, showgrid=False, fixedrange=True, ticks="",
        tickfont={"size": 11},
    )  # fmt: skip
    plan["margin"] = {"l": 216, "r": 8, "t": 28, "b": 8}
    return Figure(
        "batches_of_one", "What torch does with one sample", tuple(traces), plan,
        alt="A table of torch's layers and small batches, each tried out: whether it raises an error, runs, "
        "or returns zeros whatever goes in, in training and in evaluation mode.",
    )  # fmt: skip


def modes_apart(spec: BatchSize) -> Figure:
    """How far training and evaluation mode of one batch norm layer are apart, by batch size."""
    x = list(GAP_SIZES)
    traces = (
        reference(x, now("gap_formula"), "Closed form", says="closed form: %{y:.4f}"),
        reference(x, now("gap_rule"), "3/(2B)", dash="dot", says="3/(2B): %{y:.4f}"),
        line(x, now("gap_measured"), "batch", markers=True, mode="markers", ghost=False,
             hovertemplate="batch %{x}: %{y:.4f}"),
    )  # fmt: skip
    plan = layout(
        "Batch size B", "Mean (y<sub>train</sub> − y<sub>eval</sub>)²", x_log=True, x_range=(1.6, 320),
        y_log=True, y_range=(3e-3, 2.0), annotations=[_said("dashed: closed form; dotted: 3/(2B)")],
    )  # fmt: skip
    plan["margin"] = {**plan["margin"], "t": 24}
    _ticks(plan["xaxis"], x)
    return Figure(
        "modes_apart", "One layer: training against evaluation mode", traces, plan, expert=True,
        alt="Mean squared difference between the outputs of one batch norm layer in training and in "
        "evaluation mode on normal inputs, against the batch size, both axes logarithmic; dashed the closed "
        "form, dotted three over twice the batch size.",
    )  # fmt: skip


# --- parts ----------------------------------------------------------------------------------------------


def _aside(spec: BatchSize, norm: str, sizes: tuple[int, ...]) -> list[float]:
    """Batch sizes, a little to the side so that the bars of several variants do not cover each other."""
    octaves = _APART * (spec.variants.index(norm) - (len(spec.variants) - 1) / 2)
    return [size * 2.0**octaves for size in sizes]


def _extremes(name: str, *index: int) -> Trace:
    """Error bars from the lowest to the highest seed."""
    return {
        "type": "data", "symmetric": False, "array": now(f"{name}_above", *index),
        "arrayminus": now(f"{name}_below", *index), "thickness": 1.2, "width": 3,
    }  # fmt: skip


def _row(case: str) -> str:
    """Name of a case, short enough for a telephone."""
    return case.replace("track_running_stats", "track…stats")


def _micro(spec: BatchSize) -> str:
    return phrase(
        "gradients of {count} micro-batches of {micro_batch} accumulated",
        count=LARGEST // spec.micro_batch,
        micro_batch=spec.micro_batch,
    )


def _ticks(axis: Trace, values: list[int]) -> None:
    """Let a logarithmic axis name these values and no others."""
    axis.pop("dtick", None)
    axis.update(tickvals=values, ticktext=[str(value) for value in values])


def _said(text: str) -> Trace:
    """What marks and grey lines are, above the chart."""
    return {
        "text": text, "x": 1, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "right",
        "yanchor": "bottom", "showarrow": False, "font": {"size": 11},
    }  # fmt: skip
