"""A question: one of several experiments on one page, with its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from normviz.figures.bound import Figure
from normviz.figures.predictions import Prediction
from normviz.spec import Spec


@dataclass(frozen=True)
class Question:
    """One experiment of a page, with its words."""

    label: str
    """On the button that chooses it."""
    spec: type[Spec]
    figures: Callable[[Any], list[Figure]]
    prose: str
    """What is done: two sentences."""
    formula: str
    """In TeX."""
    explained: str
    """What stands in the formula, in words."""
    sources: str
    known: str
    """What is known, and what was believed."""
    prediction: Callable[[Any], Prediction | None] = lambda spec: None
    """What visitors are asked before they see the charts, if anything."""
