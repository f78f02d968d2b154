"""What a visitor has moved in Anatomy's tensor, as text in a link: ``21=1.5,85=-2``.

Each pair is a number (of a cell, counted along the shape; of a γ or β) and its value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from normviz.phrases import phrase

MOST = 20
"""Most pairs that a link can hold."""
BOUNDS = {"dragged": (-5.0, 5.0), "gamma": (-2.0, 3.0), "beta": (-2.0, 2.0), "g": (0.0, 6.0)}
"""Lowest and highest value: of a cell, of γ and β, of the length g of a filter in weight norm."""

_PAIRS = re.compile(r"[0-9]{1,3}=-?[0-9](\.[0-9])?(,[0-9]{1,3}=-?[0-9](\.[0-9])?)*")


def form(last: int, kind: str) -> str:
    """What the text may be, in words that continue "allowed is …"; numbers go from 0 to ``last``."""
    low, high = BOUNDS[kind]
    return phrase(
        "up to {most} pairs as in 3=1.5,0=-2, each a number from 0 to {last} and a value from {low:g} to "
        "{high:g}",
        most=MOST, last=last, low=low, high=high,
    )  # fmt: skip


def pairs(text: str) -> Mapping[int, float]:
    """The values by number; what does not have the form is empty."""
    if not _PAIRS.fullmatch(text):
        return {}
    told = (pair.split("=") for pair in text.split(","))
    return {int(number): float(value) for number, value in told}


def fits(text: str, last: int, kind: str) -> bool:
    """Whether the text has the form, with every number and value within its bounds and no number twice."""
    if not text:
        return True
    found, (low, high) = pairs(text), BOUNDS[kind]
    return 0 < len(found) <= MOST and len(found) == text.count(",") + 1 and all(
        number <= last and low <= value <= high for number, value in found.items()
    )  # fmt: skip
