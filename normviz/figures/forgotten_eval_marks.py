"""What the figures of the forgotten eval() share: which part of a spread, which dash, which words where."""

from __future__ import annotations

import math
from typing import Any

from normviz.figures.bound import Ref, now
from normviz.figures.theme import STYLES
from normviz.phrases import phrase

MEAN, LOW, HIGH, SD = range(4)
"""Rows of an array ``x_spread``."""
EVAL, SORTED = "dash", "dot"
"""Dashes of evaluation mode and of batches sorted by class; training mode is solid."""
RIGHT, WRONG = "#41566e", "#b5302f"
"""Behind white labels: right and wrong answers, on light and dark."""
INK = [[0.0, "rgba(128,128,128,0)"], [1.0, "rgba(128,128,128,1)"]]
"""Pixels of a digit, visible on light and dark."""
PERCENT = (0, 100)

Trace = dict[str, Any]


def low_high(name: str) -> tuple[Ref, Ref]:
    """Mean - SD and mean + SD of an array over the seeds."""
    return now(f"{name}_spread", LOW), now(f"{name}_spread", HIGH)


def error_bars(name: str, colour: str | None = None) -> Trace:
    """Error bars of one SD, in the colour of their trace; on bars, which have several, in another."""
    own = {} if colour is None else {"color": colour}
    return {"type": "data", "array": now(f"{name}_spread", SD), "thickness": 1.2, "width": 3, **own}


def dashed(norm: str, dash: str) -> Trace:
    """The variant's line with another dash."""
    return {"line": {"color": STYLES[norm].colour, "dash": dash, "width": 2}}


def hover(words: str) -> str:
    """Text of a point that is an error at a batch size."""
    return phrase("batch %{{x}}: %{{y:.1f}}%<extra>{words}</extra>", words=words)


def said_at(point: int, points: int, words: str, position: str) -> Trace:
    """Text beside one point of a line, instead of a legend."""
    return {
        "mode": "lines+text" if points == 2 else "lines+markers+text",
        # A blank, since Plotly throws the place of an empty text away and misses it when the line moves.
        "text": [words if i == point else " " for i in range(points)],
        "textposition": position,
        "textfont": {"size": 12},
        "cliponaxis": False,
    }


def key(words: str) -> Trace:
    """What dashes and markers mean, in the upper right corner of a plot."""
    return {
        "text": words, "x": 0.99, "y": 0.98, "xref": "paper", "yref": "paper", "xanchor": "right",
        "yanchor": "top", "showarrow": False, "align": "left", "font": {"size": 11},
    }  # fmt: skip


def note_at(size: int, y: float, words: str) -> Trace:
    """Words at a place of a plot whose x axis is a logarithmic batch size."""
    return {
        "text": words, "x": math.log10(size), "y": y, "showarrow": False, "font": {"size": 11},
        "align": "left", "xanchor": "left", "xshift": -6,
    }  # fmt: skip


def sizes(axis: dict[str, Any], values: list[int]) -> None:
    """Let a logarithmic axis name these batch sizes and no others."""
    axis.pop("dtick", None)
    axis.update(tickvals=values, ticktext=[str(size) for size in values])
