"""The page Sequences in a real Chromium: it shows what a fresh computation gives, and obeys."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from normviz.figures.sequences import figures
from normviz.lab import runs
from normviz.readings.sequences import TEMPLATES
from normviz.specs.sequences import Sequences
from tests.browser.visitors import Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
PATIENCE = 60_000  # ms; a busy machine is no fault of the page
SMALL = Sequences(steps=50, depth=1, width=16, seeds=2, batch_size=16, deepest=8, deep_width=16)


def address(spec: Sequences) -> str:
    """Where the page shows a spec."""
    return "sequences?" + urlencode(spec.to_query())


recorded = cache(runs.record)
"""The recording of a spec, computed once."""


def curves(visitor: Visitor, figure: str) -> dict[str, list[float]]:
    """The last trace of every variant in a figure."""
    return {one["variant"]: one["y"] for one in visitor.data(figure) if one["variant"] and not one["ghost"]}


def test_charts_and_sentences_are_those_of_a_fresh_computation(visit: Visit) -> None:
    visitor, truth = visit(), recorded(SMALL)
    page = visitor.play(address(SMALL))
    expect(page.get_by_role("heading", level=1)).to_have_text(Sequences.title, timeout=PATIENCE)
    drawn = [one for one in visitor.data("leaks") if one["variant"]]
    expected = [*truth.at("leak_own_drawn"), *truth.at("leak_mates_drawn")]
    assert len(drawn) == len(expected)
    for one, y in zip(drawn, expected, strict=True):
        assert np.allclose(one["y"], y, rtol=1e-6)
    for v, y in enumerate(curves(visitor, "accuracy").values()):
        assert np.allclose(y, truth.history("accuracy_median")[1][:, v], rtol=1e-6)
    deep = curves(visitor, "gradients_by_depth")
    assert np.allclose(deep["layer"], truth.at("grad_depth_median")[2, 1], rtol=1e-6)
    told = [printed(TEMPLATES[note.id], note.numbers) for note in truth.frame(-1).notes]
    assert page.locator(".nv-reading li").all_text_contents() == told


def test_a_chart_whose_data_come_later_fills_while_the_recording_plays(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL.replace(steps=200)))
    visitor.seek(0)
    marks = "chart('leaks').querySelectorAll('path.point').length"
    visitor.show("leaks")
    assert page.evaluate(f"() => {marks}") == 0
    page.evaluate("() => stage().play()")
    page.wait_for_function(f"() => {marks} === 128 && stage().state().playing", timeout=PATIENCE)


def test_a_control_changes_them(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    page.get_by_role("combobox", name="Network").click()
    page.get_by_role("option", name="RNN", exact=True).click()
    spec = SMALL.replace(network="rnn")
    page.wait_for_selector(f'.nv-stage[data-run="{spec.key}"][data-status="done"]')
    page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
    visitor.settled()
    truth = recorded(spec)
    drawn = [one for one in visitor.data("leaks") if one["variant"] and not one["ghost"]]
    assert np.allclose(drawn[1]["y"], truth.at("leak_own_drawn")[1], rtol=1e-6)
    assert "network=rnn" in page.url
    expect(page.locator(".nv-reading")).to_contain_text("no answer moves at all", timeout=PATIENCE)
    shown = page.locator(".nv-figure:visible .nv-title").all_inner_texts()
    assert shown[2] == "Training mode against evaluation mode"


def test_who_has_guessed_sees_what_was_measured(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(address(SMALL), predict=True)
    visitor.wait("status", "done")
    page.get_by_role("button", name="nobody's", exact=True).click()
    expect(page.get_by_text("You said nobody's.")).to_be_visible(timeout=PATIENCE)
    moved = recorded(SMALL).at("leak_own")[1, SMALL.changed_from - 1]
    expect(page.get_by_text(f"batch norm's answer moves by {moved:.2%}")).to_be_visible(timeout=PATIENCE)


def test_what_does_not_fit_is_said(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("sequences?network=rnn&norms=instance&steps=50")
    expect(page.get_by_text("a single value")).to_be_visible(timeout=PATIENCE)


def test_a_telephone_shows_every_chart_within_its_width(visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844})
    page = visitor.play(address(SMALL))
    page.get_by_role("button", name="More charts").click()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for figure in figures(SMALL):
        visitor.show(figure.key)
        box = page.locator(f'.nv-figure[data-key="{figure.key}"]').bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
