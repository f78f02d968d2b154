"""What screen readers are told of a chart: from its numbers, at rest, and never of what is covered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from normviz.figures.theme import STYLES
from normviz.ui import static
from tests.browser.visitors import Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
SMALL = "train?norms=none,batch&depth=2&width=16&steps=50&seeds=1"


def words(page: Page, key: str) -> str:
    """The description that belongs to a chart's picture."""
    plot = page.locator(f'.nv-figure[data-key="{key}"] .nv-plot')
    name = plot.get_attribute("aria-describedby")
    assert plot.get_attribute("role") == "img"
    return page.locator(f"[id={name}]").inner_text()


def three(value: float) -> str:
    """A number with three digits, as it is told."""
    return printed("{x:.3g}", {"x": value})


class TestOnATrainingRun:
    """One small race, seen by somebody who does not see it."""

    def test_each_curve_is_told_from_its_numbers(self, visit: Visit) -> None:
        visitor = visit(reduced_motion="reduce")
        page = visitor.play(SMALL)
        page.wait_for_function("() => document.querySelector('.nv-unseen[aria-live]').textContent")
        told = words(page, "test_accuracy")
        assert "Share of the test samples by Training step." in told
        drawn = {one["variant"]: one for one in visitor.data("test_accuracy") if one["variant"]}
        for norm in ("none", "batch"):
            first, last = drawn[norm]["y"][0], drawn[norm]["y"][-1]
            curve = f"{STYLES[norm].label}: {three(100 * first)}% at 0, {three(100 * last)}% at 50"
            assert curve in told
        announced = page.locator(".nv-unseen[aria-live]").inner_text()
        assert announced.startswith("step 50. Training loss. ")

    def test_it_is_told_at_rest_and_not_while_it_moves(self, visit: Visit) -> None:
        visitor = visit()
        page = visitor.play(SMALL)
        page.wait_for_function("() => document.querySelector('.nv-unseen[aria-live]').textContent")
        page.evaluate("""() => {
          window.told = 0;
          const note = document.querySelector(".nv-unseen[aria-live]");
          const all = { childList: true, characterData: true, subtree: true };
          new MutationObserver(() => (told += 1)).observe(note, all);
          stage().seek(0);
          stage().play();
        }""")
        page.wait_for_function("() => stage().state().frame >= stage().state().last")
        page.wait_for_timeout(1500)
        assert page.evaluate("() => told") <= 1
        visitor.seek(0)
        page.wait_for_function(
            "() => document.querySelector('.nv-unseen[aria-live]').textContent.startsWith('step 0')"
        )
        assert "at 50" not in words(page, "test_accuracy")

    def test_the_numbers_are_a_table_for_whoever_comes_by_tab(self, visit: Visit) -> None:
        visitor = visit(reduced_motion="reduce")
        page = visitor.play(SMALL)
        page.wait_for_function("() => document.querySelector('.nv-unseen[aria-live]').textContent")
        table = page.locator('.nv-figure[data-key="test_accuracy"] .nv-numbers')
        assert table.evaluate("e => e.getBoundingClientRect().width") <= 1
        table.locator("summary").focus()
        assert table.evaluate("e => e.getBoundingClientRect().width") > 100
        page.keyboard.press("Enter")
        expect(table.locator("td").first).to_be_visible()
        rows = [row.split("\t") for row in table.locator("tr").all_inner_texts()]
        assert rows[0] == ["Curve", "Training step", "Share of the test samples"]
        drawn = {one["variant"]: one for one in visitor.data("test_accuracy") if one["variant"]}
        x, y = drawn["batch"]["x"], drawn["batch"]["y"]
        mine = [row for row in rows if row[0] == STYLES["batch"].label]
        assert mine[0] == [STYLES["batch"].label, three(x[0]), f"{three(100 * y[0])}%"]
        assert mine[-1] == [STYLES["batch"].label, three(x[-1]), f"{three(100 * y[-1])}%"]


def test_what_is_covered_is_not_told(visit: Visit) -> None:
    """A question that is open keeps its answer from everybody, tables and descriptions included."""
    visitor = visit(reduced_motion="reduce")
    page = visitor.open("forgotten-eval", predict=True)
    visitor.wait("question", "open")
    visitor.settled()
    page.wait_for_timeout(1500)
    covered = page.locator(".nv-figure[data-covered=card], .nv-figure[data-covered=sketch]")
    assert covered.count()
    for figure in covered.all():
        key = figure.get_attribute("data-key")
        assert key is not None
        assert words(page, key) == ""
        expect(figure.locator(".nv-numbers")).to_be_hidden()


CASES: list[tuple[str, dict[str, Any], str]] = [
    (
        "a curve that turns",
        {
            "data": [{"type": "scatter", "name": "Batch norm", "x": [1, 2, 3], "y": [0.5, 0.125, 0.25]}],
            "layout": {"xaxis": {"title": {"text": "Layer"}}, "yaxis": {"title": {"text": "SD"}}},
        },
        "SD by Layer. Batch norm: 0.5 at 1, 0.25 at 3; lowest 0.125 at 2.",
    ),
    (
        "bands, single seeds and runs before are not told",
        {
            "data": [
                {"type": "scatter", "name": "low", "x": [1], "y": [1], "line": {"width": 0}},
                {
                    "type": "scatter",
                    "name": "seed",
                    "x": [1],
                    "y": [1],
                    "opacity": 0.4,
                    "meta": {"ghost": False},
                },
                {"type": "scatter", "name": "before", "x": [1], "y": [1], "meta": {"ghost": True}},
                {"type": "scatter", "name": "Layer norm", "x": [4], "y": [7]},
            ],
            "layout": {},
        },
        "Layer norm: 7 at 4.",
    ),
    (
        "bars that lie",
        {
            "data": [
                {"type": "bar", "name": "Cost", "x": [1.5, 2], "y": ["None", "Batch"], "orientation": "h"}
            ],
            "layout": {},
        },
        "Cost: 1.5 at None, 2 at Batch.",
    ),
    (
        "a histogram of layers, by its middle half",
        {
            "data": [
                {
                    "type": "heatmap",
                    "name": "GN",
                    "x": [-1, 0, 1, 2],
                    "y": [1, 2],
                    "z": [[0, 4, 0, 0], [1, 1, 1, 1]],
                }
            ],
            "layout": {},
            "roles": {"y": "layer"},
        },
        "GN: in layer 1, half of the values lie between 0 and 0; in layer 2, between −1 and 1.",
    ),
    (
        "a map of anything, by its highest cell",
        {
            "data": [
                {"type": "heatmap", "name": "LN", "x": [1, 10], "y": [3, 5], "z": [[0.1, 0.2], [0.9, None]]}
            ],
            "layout": {},
        },
        "LN: from 0.1 to 0.9; highest at 1, 5.",
    ),
    (
        "ticks that are percentages of something else",
        {
            "data": [{"type": "scatter", "name": "RMS", "x": [1, 2], "y": [1e-9, 30]}],
            "layout": {"yaxis": {"tickvals": [1e-9, 100, 200], "ticktext": ["exactly 0", "50%", "100%"]}},
        },
        "RMS: exactly 0 at 1, 15% at 2.",
    ),
    ("nothing", {"data": [], "layout": {}}, "Nothing is drawn yet."),
]


@pytest.fixture(scope="module")
def described(chromium: Any, server: Any) -> Any:
    """A blank page of our origin with the module as ``described_``."""
    page = chromium.new_page()
    page.goto(server.address + "_stcore/health")
    address = server.address + static.address("described.js")
    page.evaluate("async (address) => { window.described_ = await import(address); }", address)
    yield page
    page.close()


@pytest.mark.parametrize(("figure", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_figures_in_words(described: Page, figure: dict[str, Any], told: str) -> None:
    assert described.evaluate("figure => described_.inWords(figure)", figure) == told
