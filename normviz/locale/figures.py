"""All figures and predictions of the site, with many settings: a place in the source and plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from normviz.figures import claims, cost, forgotten_eval, sequences, signal, step_cost
from normviz.figures.bound import Figure
from normviz.figures.predictions import Prediction
from normviz.locale import sources
from normviz.spec import Spec

_ALONE: tuple[tuple[str, Callable[[Any], list[Figure]], Callable[[Any], Prediction | None]], ...] = (
    ("forgotten_eval", forgotten_eval.figures, forgotten_eval.prediction),
    ("signal", signal.figures, lambda spec: None),
    ("sequences", sequences.figures, sequences.prediction),
    ("claims", claims.figures, lambda spec: None),
    ("cost", cost.figures, lambda spec: None),
    ("step_cost", step_cost.figures, lambda spec: None),
)
"""Experiments with a page of their own, and what is measured beside others."""


def plain() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every figure and every prediction."""
    found: list[tuple[type[Spec], Any, Any]] = []
    by_name = {spec.name: spec for spec in sources.specs()}
    for name, figures, prediction in _ALONE:
        found.append((by_name[name], figures, prediction))
    found += [(asked.spec, asked.figures, asked.prediction) for asked in sources.questions()]
    for spec, figures, prediction in found:
        place = f"normviz/figures ({spec.name})"
        for settings in sources.variants(spec):
            shown = tuple(figures(settings))
            for figure in shown:
                yield place, figure.to_plain()
            asked = prediction(settings)
            if asked is not None:
                yield place, asked.to_plain(shown)
