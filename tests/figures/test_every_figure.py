"""What holds of every figure of every experiment: the looks of its variants, its words, its axes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from normviz.figures.bound import Figure, Ref
from normviz.figures.theme import NEUTRAL, STYLES
from normviz.specs import EXPERIMENTS

WITHOUT_FIGURES = {"anatomy"}  # drawn by its own modules


def figures_of(name: str) -> list[Figure]:
    """All figures of an experiment's default."""
    module = importlib.import_module(EXPERIMENTS[name].__module__.replace(".specs.", ".figures."))
    made: list[Figure] = module.figures(EXPERIMENTS[name]())
    return made


EVERY = [
    pytest.param(figure, id=f"{name}-{figure.key}")
    for name, kind in EXPERIMENTS.items()
    if name not in WITHOUT_FIGURES and kind.__module__.startswith("normviz.")
    for figure in figures_of(name)
]


def colours(value: Any) -> Iterator[str]:
    """Every plain colour under a part of a trace."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key in ("color", "fillcolor"):
                yield from [one] if isinstance(one, str) else ()
            else:
                yield from colours(one)


def hexed(colour: str) -> str:
    """A colour without its opacity, as "#rrggbb"."""
    if colour.startswith("#"):
        return colour.lower()
    parts = [int(part) for part in colour.split("(")[1].split(",")[:3]]
    return "#" + "".join(f"{part:02x}" for part in parts)


@pytest.mark.parametrize("figure", EVERY)
def test_variants_wear_their_own_colours(figure: Figure) -> None:
    """Lines, markers and bars of a variant have its norm's colour; what is its theory is grey.

    Marks upon a map are in ink, not in colour.
    """
    mapped = any(trace["type"] == "heatmap" for trace in figure.traces)
    for trace in figure.traces:
        norm = trace.get("meta", {}).get("variant")
        if norm is None or trace["type"] == "heatmap":
            continue
        parts = ("line", "error_y") if mapped else ("line", "marker", "error_y")
        worn = {hexed(colour) for part in parts for colour in colours(trace.get(part, {}))}
        assert worn <= {STYLES[norm].colour.lower(), NEUTRAL, "#ffffff"}, f"{norm} in {worn}"
        assert trace["legendgroup"] == norm


@pytest.mark.parametrize("figure", EVERY)
def test_no_line_of_a_variant_lacks_it(figure: Figure) -> None:
    """A trace in a norm's colour says which norm it belongs to, so that the legend can hide it."""
    owners = {style.colour.lower() for name, style in STYLES.items() if name != "none"}
    for trace in figure.traces:
        if trace["type"] == "scatter" and not trace.get("meta", {}).get("variant"):
            assert not {hexed(one) for one in colours(trace.get("line", {}))} & owners, trace.get("name")


@pytest.mark.parametrize("figure", EVERY)
def test_markers_are_the_norms_own(figure: Figure) -> None:
    """Where two variants have connected markers in one panel, the markers differ."""
    seen: dict[tuple[str, Any], set[str]] = {}
    for trace in figure.traces:
        norm = trace.get("meta", {}).get("variant")
        symbol = trace.get("marker", {}).get("symbol")
        joined = trace.get("mode") == "lines+markers"
        if norm and trace["type"] == "scatter" and joined and isinstance(symbol, str):
            seen.setdefault((trace.get("xaxis", "x"), symbol), set()).add(norm)
    assert all(len(norms) == 1 for norms in seen.values()), seen


@pytest.mark.parametrize("figure", EVERY)
def test_it_can_be_told(figure: Figure) -> None:
    """An alternative in words, and axes that say what they measure."""
    assert figure.alt.endswith((".", ")", "”")), figure.alt
    assert len(figure.alt) > 40
    titled = [axis for key, axis in figure.layout.items() if key.startswith(("xaxis", "yaxis"))]
    shown = [axis for axis in titled if axis.get("visible", True) and axis.get("showticklabels", True)]
    words = [axis for axis in shown if axis.get("title", {}).get("text") or names(axis)]
    assert words or not shown


def names(axis: Mapping[str, Any]) -> bool:
    """Whether an axis has names instead of numbers, and so needs no title."""
    return axis.get("type") == "category" or isinstance(axis.get("ticktext"), Ref | list)


@pytest.mark.parametrize("figure", EVERY)
def test_whatever_is_pointed_at_says_in_words_what_it_is(figure: Figure) -> None:
    """Plotly's own text would be x, y and z with their bare numbers."""
    for trace in figure.traces:
        words = trace.get("hovertemplate") or trace.get("hoverinfo") in ("skip", "text")
        assert words, (trace["type"], trace.get("name"), trace.get("mode"))
