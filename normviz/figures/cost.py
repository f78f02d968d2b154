"""The charts of Cost, and of a race's step: bars that settle while the rounds come in."""

from __future__ import annotations

from typing import Any

from normviz.figures.bound import Figure, history, now, steps
from normviz.figures.theme import STYLES, bar, layout, line, reference
from normviz.phrases import phrase
from normviz.specs.step_cost import Timed

RATIOS = {
    "cnn": (0.0, 2.0), "mlp": (0.0, 6.0), "resnet": (0.0, 2.0),
    "transformer": (0.0, 2.0), "rnn": (0.0, 4.0), "gru": (0.0, 4.0),
}  # fmt: skip
"""Range of the axis of ratios by network: small layers are mostly calls, and a norm is more of them.  A
longer bar is cut off there; its number stands in the hover."""


def figures(spec: Timed) -> list[Figure]:
    """All charts of a run, the most telling first."""
    return [ratios(spec), settling(spec), microseconds(spec)]


def ratios(spec: Timed) -> Figure:
    """Time with each norm relative to the same without one, with the middle half of the rounds."""
    traces: list[dict[str, Any]] = []
    for v, norm in enumerate(spec.measured):
        label = [STYLES[norm].label]
        words = "%{x:.2f} times the time without a norm"
        traces.append(bar(now("ratio", v), label, norm, orientation="h", width=0.6, hovertemplate=words))
    for v, norm in enumerate(spec.measured):
        label = [STYLES[norm].label] * 2
        reach = line(now("quartiles", v), label, norm, ghost=False, width=3, hoverinfo="skip")
        traces.append({**reach, "line": {**reach["line"], "dash": "solid"}})
    traces.append(_one(spec))
    plan = layout(
        "Time, relative to no norm", "", x_range=RATIOS[spec.network], height=70 + 30 * len(spec.measured)
    )
    plan["margin"]["l"] = 170
    plan["yaxis"].update(_labels(spec))
    return Figure(
        "ratio", phrase("Time of {what}", what=spec.what), tuple(traces), plan,
        alt=phrase("Bars: processor time of {what} with each normalization, divided by the time of the same "
                   "without a norm timed right beside it; median over the rounds so far. The line across a "
                   "bar holds the middle half of the rounds. The dashed line is 1: no "
                   "difference.", what=spec.what),
    )  # fmt: skip


def _one(spec: Timed) -> dict[str, Any]:
    ends = [STYLES[spec.measured[0]].label, STYLES[spec.measured[-1]].label]
    return reference([1, 1], ends, "No difference", hoverinfo="skip")


def _labels(spec: Timed) -> dict[str, Any]:
    """Norms from top to bottom."""
    names = [STYLES[norm].label for norm in spec.measured]
    return {
        "type": "category", "categoryorder": "array", "categoryarray": names, "autorange": False,
        "range": [len(names) - 0.4, -0.6], "showgrid": False,
    }  # fmt: skip


def settling(spec: Timed) -> Figure:
    """The median of the ratios against the rounds."""
    traces = [
        line(steps("ratio"), history("ratio", v, 0), norm, hovertemplate="after %{x} rounds: %{y:.2f}")
        for v, norm in enumerate(spec.measured)
    ]
    plan = layout(
        "Rounds", "Time, relative to no norm", x_range=(0, spec.rounds), y_range=RATIOS[spec.network]
    )
    return Figure(
        "settling", "How the ratios settle", tuple(traces), plan, roles={"x": "step"}, expert=True,
        alt="Median over the rounds so far of the time relative to no norm, against the number of rounds, a "
        "line for each normalization. Flat lines have settled.",
    )  # fmt: skip


def microseconds(spec: Timed) -> Figure:
    """Processor time itself."""
    traces = [
        bar(
            now("microseconds", v), [STYLES[norm].label], norm, orientation="h", width=0.6,
            hovertemplate="%{x:.0f} µs",
        )
        for v, norm in enumerate(spec.measured)
    ]  # fmt: skip
    plan = layout("Processor time of one network (µs)", "", height=70 + 30 * len(spec.measured))
    plan["margin"]["l"] = 170
    plan["yaxis"].update(_labels(spec))
    return Figure(
        "microseconds", "Time itself", tuple(traces), plan, expert=True,
        alt=phrase("Bars: processor time of {what} for one network, in microseconds, with each "
                   "normalization; median over the rounds so far.", what=spec.what),
    )  # fmt: skip
