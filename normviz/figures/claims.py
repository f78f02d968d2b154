"""Figures of the claims: one compact picture on the card of each claim that has more to show than numbers.

``layout.meta.card`` names the card that a figure belongs to (``ui/assets/cards.js``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from normviz.figures.bound import Figure, now
from normviz.figures.theme import NEUTRAL, STYLES, band, layout, line, reference
from normviz.phrases import phrase
from normviz.specs import claims_designs as designs
from normviz.specs.claims import Claims
from normviz.specs.claims_rules import LEARNED, TRAINED

MEAN, LOW, HIGH, SD = range(4)
"""Rows of an array ``x_spread``."""
HEIGHT = 230
"""Pixels."""
SHARE = (0, 1.04)
"""Range of an axis of accuracy."""

Trace = dict[str, Any]


def figures(spec: Claims) -> list[Figure]:
    """The figures of the claims that are judged."""
    return [make(spec) for number, make in FIGURES.items() if number in spec.numbers]


# --- means and their spread, one above the other --------------------------------------------------------


def covariate_shift(spec: Claims) -> Figure:
    """1: steps to 90%, with a random shift put back behind batch norm."""
    return _intervals(
        1, "Steps to 90% of the training batch", "c1_steps", "Training steps", spec.seeds,
        {"no norm": "none", "batch norm": "batch", "batch norm,<br>shift put back": "noisy_batch"},
    )  # fmt: skip


def place(spec: Claims) -> Figure:
    """2: test error with batch norm before and after the activation."""
    return _intervals(
        2, "Test error by the place of batch norm", "c2_error", "Test error (%)", spec.seeds,
        {"before the<br>activation": "batch", "after the<br>activation": "batch"},
    )  # fmt: skip


def dropout(spec: Claims) -> Figure:
    """6: test error with batch norm, dropout, both and neither."""
    return _intervals(
        6, phrase(
            "Test error with dropout {dropout:g}",
            dropout=designs.DROPOUT,
        ), "c6_error", "Test error (%)", spec.seeds,
        {"neither": "none", "dropout": "none", "batch norm": "batch", "both": "batch"},
    )  # fmt: skip


def small_batches(spec: Claims) -> Figure:
    """7: test error by the number of samples behind batch norm's statistics."""
    sizes: dict[str, str] = {
        phrase("batch norm,<br>{size} samples", size=size): "batch" for size in designs.SIZES
    }
    return _intervals(
        7, "Test error by norm", "c7_error", "Test error (%)", spec.seeds,
        {**sizes, "group norm": "group", "layer norm": "layer"}, x_log=True,
    )  # fmt: skip


def _intervals(
    number: int, title: str, name: str, unit: str, seeds: int, rows: dict[str, str], *, x_log: bool = False
) -> Figure:
    """Mean ± SD and every seed of each variant; ``rows`` gives their labels and the norms that they show."""
    labels, styles = list(rows), [STYLES[norm] for norm in rows.values()]
    colours = [style.colour for style in styles]
    faint = [
        {
            "type": "scatter", "mode": "markers", "x": now(name, i), "y": labels, "showlegend": False,
            "marker": {"size": 5, "color": colours, "opacity": 0.35}, "hoverinfo": "skip",
            "meta": {"ghost": False},
        }
        for i in range(seeds)
    ]  # fmt: skip
    mean: Trace = {
        "type": "scatter", "mode": "markers", "x": now(f"{name}_spread", MEAN), "y": labels,
        "showlegend": False, "meta": {"ghost": False},
        "error_x": {
            "type": "data", "array": now(f"{name}_spread", SD), "thickness": 1.5, "width": 5,
            "color": NEUTRAL,
        },
        "marker": {
            "size": 10, "color": colours, "symbol": [style.symbol for style in styles],
            "line": {"width": 1.5, "color": colours},
        },
        "hovertemplate": "%{y}: %{x:.3g}<extra></extra>",
    }  # fmt: skip
    plan = layout(unit, "", height=80 + 38 * len(rows), x_log=x_log)
    plan["xaxis"].update({} if x_log else {"rangemode": "tozero"})
    if x_log:
        plan["xaxis"].update(tickvals=[1, 2, 5, 10, 20, 50, 100], dtick=None)
    plan["yaxis"].update(type="category", categoryorder="array", categoryarray=labels[::-1], showgrid=False)
    plan["yaxis"].update(range=[-0.5, len(labels) - 0.5], autorange=False, ticks="")
    plan["margin"] = {"l": 100, "r": 12, "t": 8, "b": 44}
    words = ", ".join(labels).replace("<br>", " ")
    alt = phrase(
        "{unit} of each variant ({words}): a mark for the mean with bars of one SD, and a dot for each seed.",
        unit=unit,
        words=words,
    )
    return _card(number, title, (*faint, mean), plan, alt)


# --- curves ---------------------------------------------------------------------------------------------


def fewer_epochs(spec: Claims) -> Figure:
    """3: steps to 94% by learning rate."""
    x = list(designs.RATES)
    traces: list[Trace] = []
    for v, norm in enumerate(designs.PAIR):
        for i in range(spec.seeds):
            traces.append(_dots(x, now("c3_steps", i, v), norm))
        traces.append(
            line(x, now("c3_median", v), norm, markers=True, hovertemplate="rate %{x:g}: %{y:.0f} steps")
        )
    most = spec.rate_steps
    plan = _rates("Steps to 94% right", (4, most * 1.5), y_log=True)
    late = phrase("not within {most} steps", most=most)
    traces.append(
        reference(_ends(plan["xaxis"]), [most, most], "not within the steps", says=late, dash="dot")
    )
    plan["yaxis"].update(tickvals=[5, 10, 20, 50, 100, 200, 500], dtick=None)
    plan["annotations"] = [
        _words(phrase("dotted: not within {most} steps", most=most), 0.02, yref="paper", above=True)
    ]
    return _card(
        3, "Steps to 94% by learning rate", tuple(traces), plan,
        "Training steps until 94% of the test digits are right against the learning rate, with and without "
        "batch norm: the median over the seeds as a line, a dot for each seed. Dots on the dotted line did "
        "not get there.",
    )  # fmt: skip


def learning_rates(spec: Claims) -> Figure:
    """4: accuracy at the end by learning rate."""
    plan = _rates("Right at the end", SHARE)
    return _accuracy(
        4, "Test accuracy by learning rate", "c4_accuracy", list(designs.RATES), plan, TRAINED, "rate %{x:g}"
    )


def initialization(spec: Claims) -> Figure:
    """5: accuracy at the end by the gain of the initialization."""
    plan = layout(
        "Gain of the initialization", "Right at the end", x_log=True, height=HEIGHT, y_range=SHARE,
        x_range=(designs.GAINS[0] * 0.8, designs.GAINS[-1] * 1.25),
    )  # fmt: skip
    _named(plan["xaxis"], designs.GAINS)
    return _accuracy(5, "Test accuracy by gain", "c5_best", list(designs.GAINS), plan, TRAINED, "gain %{x:g}")


def depth(spec: Claims) -> Figure:
    """12: accuracy at the end by the number of layers."""
    plan = layout(
        "Plain hidden layers", "Right at the end", height=HEIGHT, y_range=SHARE,
        x_range=(0, designs.DEPTHS[-1] + 5),
    )  # fmt: skip
    _named(plan["xaxis"], designs.DEPTHS)
    return _accuracy(
        12, "Test accuracy by depth", "c12_best", list(designs.DEPTHS), plan, LEARNED, "%{x} layers", "right"
    )


def _accuracy(
    number: int,
    title: str,
    name: str,
    x: list[Any],
    plan: Trace,
    threshold: float,
    words: str,
    side: str = "left",
) -> Figure:
    """Accuracy with and without batch norm: mean over the seeds with a band of one SD, and the threshold."""
    traces: list[Trace] = []
    for v, norm in enumerate(designs.PAIR):
        traces += band(x, now(f"{name}_spread", LOW, v), now(f"{name}_spread", HIGH, v), norm)
    for v, norm in enumerate(designs.PAIR):
        traces.append(
            line(x, now(f"{name}_spread", MEAN, v), norm, markers=True, hovertemplate=f"{words}: %{{y:.1%}}")
        )
    trained = phrase("counts as trained: {threshold:.0%}", threshold=threshold)
    level = reference(
        _ends(plan["xaxis"]), [threshold, threshold], "counts as trained", says=trained, dash="dot"
    )
    plan["yaxis"].update(tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    plan["annotations"] = [
        _words(phrase("dotted: {threshold:.0%}", threshold=threshold), threshold, side=side)
    ]
    what = plan["xaxis"]["title"]["text"].lower()
    return _card(
        number, title, (level, *traces), plan,
        phrase(
            "Share of test digits that are right at the end against the {what}, with and without batch "
            "norm, mean and SD over the seeds. The dotted line, {threshold:.0%}, is what the verdict asks "
            "for.",
            what=what, threshold=threshold,
        ),
    )  # fmt: skip


# --- parts ----------------------------------------------------------------------------------------------


def _rates(y_title: str, y_range: tuple[float, float], *, y_log: bool = False) -> Trace:
    low, high = designs.RATES[0], designs.RATES[-1]
    plan = layout(
        "Learning rate", y_title, x_log=True, y_log=y_log, x_range=(low * 0.8, high * 1.25), y_range=y_range,
        height=HEIGHT,
    )  # fmt: skip
    _named(plan["xaxis"], designs.RATES)
    return plan


def _named(axis: Trace, values: Sequence[float]) -> None:
    """Let an axis name these values and no others."""
    axis.pop("dtick", None)
    axis.update(tickvals=list(values), ticktext=[f"{one:g}" for one in values])


def _ends(axis: Trace) -> list[float]:
    """Where an axis with a fixed range begins and ends."""
    ends: list[float] = axis["range"]
    return [10**end for end in ends] if axis["type"] == "log" else ends


def _dots(x: list[float], y: Any, norm: str) -> Trace:
    return line(
        x, y, norm, ghost=False, mode="markers", opacity=0.35, hoverinfo="skip",
        marker={"size": 5, "color": STYLES[norm].colour, "symbol": STYLES[norm].symbol},
    )  # fmt: skip


def _words(text: str, y: float, *, yref: str = "y", side: str = "left", above: bool = False) -> Trace:
    """What a dotted line says, on one side of a plot."""
    return {
        "text": text, "x": 0.01 if side == "left" else 0.99, "y": y, "xref": "paper", "yref": yref,
        "xanchor": side, "yanchor": "bottom" if above else "top", "showarrow": False, "font": {"size": 11},
    }  # fmt: skip


def _card(number: int, title: str, traces: Sequence[Trace], plan: Trace, alt: str) -> Figure:
    return Figure(f"claim_{number}", title, tuple(traces), {**plan, "meta": {"card": str(number)}}, alt=alt)


FIGURES: dict[int, Callable[[Claims], Figure]] = {
    1: covariate_shift,
    2: place,
    3: fewer_epochs,
    4: learning_rates,
    5: initialization,
    6: dropout,
    7: small_batches,
    12: depth,
}
"""The figure of each claim that has one."""
