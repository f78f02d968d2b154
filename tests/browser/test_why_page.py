"""The page "Why it works" in a real Chromium: its maps are freshly computed, and their cells lead to runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from normviz.figures.bound import resolve
from normviz.figures.lr_init import figures
from normviz.frames import Recording
from normviz.lab.experiments.lr_init import run
from normviz.readings.lr_init import TEMPLATES
from normviz.specs.lr_init import LrInit
from normviz.specs.train import Train
from tests.browser.visitors import Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
PATIENCE = 60_000  # ms; a busy machine is no fault of the page
SMALL = LrInit(norms=("none", "batch"), depth=4, grid=5, steps=50)
DOOR, CELL = (f'.nv-figure[data-key="maps"] .nv-{one}' for one in ("door", "cell"))
"""What is said of the chosen cell, and its outline."""


def address(spec: LrInit) -> str:
    """Where the page shows a spec."""
    return "why?question=lr_init&" + urlencode(spec.to_query())


@pytest.fixture(scope="module")
def truth() -> Recording:
    """The run of the small spec, computed here."""
    schema, *frames = run(SMALL, workers=1)
    return Recording(schema, [schema.encode(frame) for frame in frames])  # type: ignore[union-attr, arg-type]


def cell(page: Page, v: int, row: int, column: int) -> tuple[float, float]:
    """Where on the screen the middle of a cell is."""
    x, y = page.evaluate(
        """([v, i, j]) => {
          const node = chart("maps");
          const trace = node.data.filter(({ type }) => type === "heatmap")[v];
          const axis = (name) => node._fullLayout[`${name[0]}axis${name.slice(1)}`];
          const [x, y] = [axis(trace.xaxis), axis(trace.yaxis)];
          const { left, top } = node.getBoundingClientRect();
          return [left + x._offset + x.d2p(trace.x[i]), top + y._offset + y.d2p(trace.y[j])];
        }""",
        [v, column, row],
    )
    return x, y


def opened(page: Page) -> Train:
    """The run that the address of the page names."""
    assert urlsplit(page.url).path.endswith("/train")
    told, problems = Train.from_query(dict(parse_qsl(urlsplit(page.url).query)))
    assert not problems
    return told


def test_the_maps_fill_without_a_click(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("why")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Why does normalization help training?", timeout=PATIENCE
    )
    page.wait_for_function("() => document.querySelector('.nv-stage') && stage().state().frames > 1")
    visitor.settled()
    shown = page.locator(".nv-figure:visible").evaluate_all("all => all.map(one => one.dataset.key)")
    assert shown == [figure.key for figure in figures(LrInit())]
    maps = [one for one in visitor.data("maps") if one["type"] == "heatmap"]
    assert [one["variant"] for one in maps] == ["none", "batch", "layer"]


def test_charts_and_notes_are_those_of_a_fresh_computation(visit: Visit, truth: Recording) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    assert visitor.state()["run"] == SMALL.key
    for k in (len(truth) - 1, 2):
        visitor.seek(k)
        for figure in figures(SMALL):
            told = resolve(figure, truth, k)["data"]
            drawn = visitor.data(figure.key)
            assert len(drawn) == len(told)
            for page_has, own in zip(drawn, told, strict=True):
                for axis in "xyz":
                    if axis in own:
                        wanted = np.asarray(own[axis], float)
                        found = np.asarray(page_has[axis], float).reshape(wanted.shape)
                        np.testing.assert_array_equal(found, wanted)
        notes = [printed(TEMPLATES[note.id], note.numbers) for note in truth.frame(k).notes]
        expect(page.locator(".nv-reading li")).to_have_text(notes, timeout=PATIENCE)


def test_a_click_on_a_cell_opens_its_run(visit: Visit, truth: Recording) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    visitor.show("maps")
    v, row, column = 1, 2, 3
    accuracy = float(truth.at("test_accuracy")[v, row, column])
    page.mouse.move(*cell(page, v, row, column))
    expect(page.locator(DOOR)).to_contain_text(
        f"Batch norm, learning rate {SMALL.rates[column]:.3g}, gain {SMALL.gains[row]:.3g}: {accuracy:.1%}",
        timeout=PATIENCE,
    )
    expect(page.locator(CELL)).to_be_visible(timeout=PATIENCE)
    page.mouse.click(*cell(page, v, row, column))
    page.wait_for_url(re.compile("/train"))
    assert opened(page) == SMALL.cell("batch", SMALL.rates[column], SMALL.gains[row])
    visitor.wait("status", "done")
    page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
    visitor.settled()
    (curve,) = [
        one for one in visitor.data("test_accuracy") if one["variant"] == "batch" and one["ghost"] is not True
    ]
    assert curve["y"][-1] == accuracy


def test_the_arrow_keys_choose_a_cell_and_enter_opens_it(visit: Visit, truth: Recording) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    visitor.show("maps")
    before = visitor.state()["frame"]
    link = page.locator(f"{DOOR} a")
    link.focus()
    expect(page.locator(DOOR)).to_contain_text("No normalization, learning rate 0.1, gain 1:")
    expect(page.locator(CELL)).to_be_visible()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert np.isnan(truth.at("test_accuracy")[0, 4, 4])
    expect(page.locator(DOOR)).to_contain_text("No normalization, learning rate 10, gain 10: diverged.")
    page.keyboard.press("ArrowRight")  # beyond the edge: the next map
    expect(page.locator(DOOR)).to_contain_text("Batch norm, learning rate 0.001, gain 10:")
    page.keyboard.press("ArrowDown")
    assert visitor.state()["frame"] == before
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/train"))
    assert opened(page) == SMALL.cell("batch", SMALL.rates[0], SMALL.gains[3])


def test_a_finger_chooses_before_it_opens(visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    page = visitor.play(address(SMALL))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for figure in figures(SMALL):
        visitor.show(figure.key)
        box = page.locator(f'.nv-figure[data-key="{figure.key}"]').bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    visitor.show("maps")
    across = page.evaluate("() => ['xaxis', 'xaxis2'].map((name) => chart('maps')._fullLayout[name].domain)")
    assert across[0] == across[1]  # one map above the other
    page.touchscreen.tap(*cell(page, 0, 1, 1))
    expect(page.locator(DOOR)).to_contain_text("No normalization, learning rate 0.01, gain 0.316:")
    assert urlsplit(page.url).path.endswith("/why")
    page.locator(f"{DOOR} a").tap()
    page.wait_for_url(re.compile("/train"))
    assert opened(page) == SMALL.cell("none", SMALL.rates[1], SMALL.gains[1])


def test_a_control_makes_another_map(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    page.get_by_role("slider", name="Depth (layers)").focus()
    page.keyboard.press("ArrowLeft")
    spec = SMALL.replace(depth=3)
    page.wait_for_function("key => stage().state().run === key", arg=spec.key, timeout=PATIENCE)
    visitor.wait("status", "done")
    query = dict(parse_qsl(urlsplit(page.url).query))
    assert {name: query.get(name) for name in spec.to_query()} == spec.to_query()
    assert query["question"] == "lr_init"


def test_a_hidden_variant_has_no_door(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    page.locator(".nv-variant", has_text="No normalization").click()
    visitor.show("maps")
    page.mouse.move(*cell(page, 0, 2, 2))
    expect(page.locator(DOOR)).to_contain_text("Batch norm")
    expect(page.locator(CELL)).to_be_hidden()
