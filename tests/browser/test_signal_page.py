"""The page Signal in a real Chromium: it shows what a fresh computation gives, and follows its sliders."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from normviz.figures.signal import figures
from normviz.lab.runs import record as recorded
from normviz.readings.signal import TEMPLATES
from normviz.specs.signal import Signal
from tests.browser.visitors import Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
PATIENCE = 60_000  # ms; a busy machine is no fault of the page
SMALL = Signal(depth=12, width=32, batch_size=16, seeds=2, groups=4)


def address(spec: Signal) -> str:
    """Where the page shows a spec."""
    return "signal?" + urlencode(spec.to_query())


def curves(visitor: Visitor, figure: str) -> dict[str, list[float]]:
    """The measured curve of every variant in a figure: the last trace of its variant that is no theory."""
    drawn = visitor.data(figure)
    return {one["variant"]: one["y"] for one in drawn if one["variant"] and one["ghost"] is None}


def test_charts_hold_what_a_fresh_computation_gives(visit: Visit) -> None:
    visitor, truth = visit(), recorded(SMALL)
    page = visitor.play(address(SMALL))
    expect(page.get_by_role("heading", level=1)).to_have_text(Signal.title, timeout=PATIENCE)
    for figure in ("sd", "grad_activation", "cosine"):
        for v, y in enumerate(curves(visitor, figure).values()):
            assert np.allclose(y, truth.at(f"{figure}_median")[v], rtol=1e-6), figure
    assert set(curves(visitor, "sd")) == set(SMALL.norms)
    told = [printed(TEMPLATES[note.id], note.numbers) for note in truth.frame(0).notes]
    assert page.locator(".nv-reading li").all_text_contents() == told


def test_activation_and_weight_gradients_share_a_place(visit: Visit) -> None:
    visitor, truth = visit(), recorded(SMALL)
    page = visitor.play(address(SMALL))
    shown = page.locator(".nv-figure:visible .nv-title")
    before = visitor.state()["run"]
    assert shown.all_inner_texts()[1] == "Gradient: activations"
    page.get_by_role("button", name="weights", exact=True).click()
    assert shown.all_inner_texts()[1] == "Gradient: weights"
    for v, y in enumerate(curves(visitor, "grad_weight").values()):
        assert np.allclose(y, truth.at("grad_weight_median")[v], rtol=1e-6)
    assert visitor.state()["run"] == before  # a choice of the eye: nothing was computed
    assert page.evaluate("() => document.activeElement.textContent") == "weights"
    page.get_by_role("button", name="activations", exact=True).click()
    assert shown.all_inner_texts()[1] == "Gradient: activations"


def test_a_slider_changes_the_picture_and_leaves_the_one_before_in_grey(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    before = curves(visitor, "sd")["none"]
    slider = page.get_by_role("slider", name="Gain")
    slider.focus()
    page.keyboard.press("ArrowRight")
    spec = SMALL.replace(gain=1.1)
    page.wait_for_selector(f'.nv-stage[data-run="{spec.key}"][data-status="done"]')
    visitor.settled()
    after = curves(visitor, "sd")["none"]
    assert np.allclose(after, recorded(spec).at("sd_median")[0], rtol=1e-6)
    assert np.allclose(after[:2], 1.1 ** np.arange(1, 3) * before[:2], rtol=0.01)
    assert "gain=1.1" in page.url
    assert "Gain of the initialization: 1 → 1.1" in page.locator(".nv-changed").inner_text()
    ghosts = [one["y"] for one in visitor.data("sd") if one["ghost"] is True]
    assert len(ghosts) == len(SMALL.norms)
    assert np.allclose(ghosts[0], before, rtol=1e-6)


def test_there_is_nothing_to_play_and_a_layer_to_choose(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    for name in ("Play", "Pause", "Restart", "One frame back"):
        expect(page.get_by_role("button", name=name)).to_have_count(0, timeout=PATIENCE)
    page.get_by_role("button", name="More charts").click()
    page.get_by_label("Layer", exact=True).select_option("layer 7")
    truth = recorded(SMALL)
    drawn = curves(visitor, "chosen_layer")["batch"]  # the right panel is drawn last: after the norm
    assert drawn == truth.at("hist_post")[1, 6].tolist()


def test_numbers_beyond_float32_are_left_out_with_a_sentence(visit: Visit) -> None:
    spec = Signal(activation="linear", gain=10.0, depth=50, width=32, seeds=1, groups=4)
    visitor = visit()
    page = visitor.play(address(spec))
    expect(page.locator(".nv-reading")).to_contain_text("beyond the range of float32", timeout=PATIENCE)
    y = curves(visitor, "sd")
    assert None in y["none"]
    assert None not in y["batch"]


def test_a_telephone_shows_every_chart_within_its_width(visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844})
    page = visitor.play(address(SMALL))
    page.get_by_role("button", name="More charts").click()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for figure in figures(SMALL):
        if figure.key == "grad_weight":
            continue  # shares a place
        visitor.show(figure.key)
        box = page.locator(f'.nv-figure[data-key="{figure.key}"]').bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
