"""No figure depends on colour alone: any two variants of one panel differ in their dashes or markers.

What all variants have alike (the mark where one diverges, a mean across its units) belongs to a curve or
a mark of its variant's own in the same panel.  Where an axis names rows of marks, place tells them apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import pytest

from normviz.catalog.norms import NORMS
from normviz.figures import train
from normviz.figures.bound import Figure
from normviz.figures.theme import NEUTRAL, STYLES
from normviz.specs.train import Train
from tests.figures.test_every_figure import EVERY, hexed


def crowded() -> Iterable[Any]:
    """The race with all the norms that it takes, and with as many seeds as it takes."""
    names = [name for name in NORMS if name not in ("instance", "frn")]
    for some in (names[:6], names[4:]):
        for figure in train.figures(Train(norms=tuple(some), seeds=2)):
            yield pytest.param(figure, id=f"{'-'.join(some)}-{figure.key}")


def shown(trace: dict[str, Any]) -> tuple[str | None, str | None]:
    """Dash and marker of a trace, as far as either is drawn."""
    mode, width = trace.get("mode", "lines"), trace.get("line", {}).get("width", 2)
    symbol = trace.get("marker", {}).get("symbol", "circle")
    dash = trace.get("line", {}).get("dash", "solid") if "lines" in mode and width else None
    return dash, symbol if "markers" in mode and isinstance(symbol, str) else None


def named(figure: Figure) -> bool:
    """Whether it shows bars or marks in rows or columns that an axis names, with no line between them."""
    marks = [trace for trace in figure.traces if trace.get("meta", {}).get("variant")]
    bars = any(trace["type"] == "bar" for trace in marks)
    if not bars and any(
        trace["type"] == "scatter" and "lines" in trace.get("mode", "lines") for trace in marks
    ):
        return False
    axes = [axis for key, axis in figure.layout.items() if key.startswith(("xaxis", "yaxis"))]
    words = [axis.get("ticktext") or axis.get("categoryarray") for axis in axes]
    return any(isinstance(told, list | tuple) and str(told[0])[:1].isalpha() for told in words if told)


@pytest.mark.parametrize("figure", [*EVERY, *crowded()])
def test_two_variants_differ_in_more_than_colour(figure: Figure) -> None:
    if named(figure):
        return
    looks: dict[Any, dict[str, set[tuple[str | None, str | None]]]] = defaultdict(lambda: defaultdict(set))
    for trace in figure.traces:
        norm = trace.get("meta", {}).get("variant")
        grey = hexed(trace.get("line", {}).get("color", "#000000")) == NEUTRAL
        if norm and trace["type"] == "scatter" and shown(trace) != (None, None) and not grey:
            looks[trace.get("xaxis", "x")][norm].add(shown(trace))
    for panel, norms in looks.items():
        for one, other in combinations(norms, 2):
            alike = norms[one] & norms[other]
            assert all(dash is None for dash, _ in alike), f"{one} and {other} on {panel}: {alike}"
            assert norms[one] - alike, f"{one} and {other} on {panel}: {alike}"
            assert norms[other] - alike, f"{one} and {other} on {panel}: {alike}"


def test_every_variant_has_a_dash_of_its_own() -> None:
    dashes = [style.dash for style in STYLES.values()]
    assert len(set(dashes)) == len(dashes)
