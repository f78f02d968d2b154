"""Figures of the claims: one compact picture on the card of each claim that has more to show than numbers.

``layout.meta.card`` names the card that a figure belongs to (``ui/assets/cards.js``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from normviz.figures.bound import Figure, Ref, now
from normviz.figures.theme import STYLES, layout, line, reference, variant
from normviz.specs import claims_designs as designs
from normviz.specs.claims import Claims
from normviz.specs.claims_rules import LEARNED, TRAINED

MEAN, LOW, HIGH, SD = range(4)
"""Rows of an array ``x_spread``."""
HEIGHT = 220

Trace = dict[str, Any]


def figures(spec: Claims) -> list[Figure]:
    """The figures of the claims that are judged."""
    return [make(spec) for number, make in FIGURES.items() if number in spec.numbers]


# --- means and their spread, side by side ---------------------------------------------------------------


def covariate_shift(spec: Claims) -> Figure:
    """1: steps to 90%, with a shift put back behind batch norm."""
    names = ("No norm", "Batch norm", "Batch norm,<br>shift put back")
    return _intervals(
        1, "Steps to 90% of the training batch", names, ("none", "batch", "batch"), "c1_steps",
        "Training steps",
    )  # fmt: skip


def place(spec: Claims) -> Figure:
    """2: test error with the norm before and after the activation."""
    names = ("before the<br>activation", "after the<br>activation")
    return _intervals(2, "Test error by the place of batch norm", names, ("batch", "batch"), "c2_error")


def dropout(spec: Claims) -> Figure:
    """6: test error with and without batch norm and dropout."""
    names = ("neither", f"dropout {designs.DROPOUT:g}", "batch norm", "both")
    return _intervals(
        6, "Test error, mean ± SD", names, ("none", "none", "batch", "batch"), "c6_error"
    )  # fmt: skip


def small_batches(spec: Claims) -> Figure:
    """7: test error by the samples behind batch norm's statistics."""
    names = (*(f"batch norm<br>over {size}" for size in designs.SIZES), "group", "layer")
    norms = (*("batch" for _ in designs.SIZES), "group", "layer")
    figure = _intervals(7, "Test error, mean ± SD", names, norms, "c7_error")
    return figure


def _intervals(
    number: int, title: str, names: Sequence[str], norms: Sequence[str], name: str, unit: str = "Test error (%)"
) -> Figure:
    """Mean ± SD of each variant, one above the other."""
    traces = [
        {
            "type": "scatter", "mode": "markers", "x": now(f"{name}_spread", MEAN, slice_of(i)),
            "y": [label], "showlegend": False,
            "error_x": {"type": "data", "array": now(f"{name}_spread", SD, slice_of(i)), "thickness": 1.5, "width": 5},
            "marker": {"color": STYLES[norm].colour, "symbol": STYLES[norm].symbol, "size": 9,
                       "line": {"width": 1.5, "color": STYLES[norm].colour}},
            "hovertemplate": "%{x:.3g}<extra></extra>", **variant(norm),
        }
        for i, (label, norm) in enumerate(zip(names, norms, strict=True))
    ]  # fmt: skip
    return _card(number, title, traces, {}, "")


def slice_of(i: int) -> int:
    return i


FIGURES: dict[int, Callable[[Claims], Figure]] = {}


def _card(number: int, title: str, traces: list[Trace], plan: Trace, alt: str) -> Figure:
    raise NotImplementedError
