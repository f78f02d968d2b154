"""Three questions of the page "Why it works" in a real Chromium: what they show is what the lab computes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from normviz.figures import landscape, noisy_bn, scale
from normviz.figures.bound import resolve
from normviz.lab import runs
from normviz.readings import TEMPLATES
from normviz.spec import Spec
from normviz.specs import scale_frames
from normviz.specs.landscape import Landscape
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.scale import Scale
from tests.browser.visitors import Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
PATIENCE = 60_000  # ms; a busy machine is no fault of the page
SMALL: dict[str, Any] = {"depth": 2, "width": 32, "batch_size": 32, "steps": 20}
SPECS: dict[str, Spec] = {
    "scale": Scale(depth=2, width=32, batch_size=32),
    "landscape": Landscape(norms=("none", "batch"), seeds=2, every=5, **SMALL),
    "noisy_bn": NoisyBN(seeds=2, every=5, **SMALL),
}
FIGURES: dict[str, Any] = {"scale": scale, "landscape": landscape, "noisy_bn": noisy_bn}


def address(spec: Spec) -> str:
    return "why?" + urlencode({"question": spec.name, **spec.to_query()})


recorded = cache(runs.record)
"""The recording of a spec, computed once."""


def assert_drawn(visitor: Visitor, spec: Spec, key: str, frame: int, layer: int = 0) -> None:
    """A chart's traces hold what the figure's references lead to, computed here."""
    (figure,) = [one for one in FIGURES[spec.name].figures(spec) if one.key == key]
    expected = resolve(figure, recorded(spec), frame, {"layer": layer})["data"]
    drawn = visitor.data(key)
    assert len(drawn) == len(expected)
    for page, own in zip(drawn, expected, strict=True):
        for letter in "xy":
            told = [np.nan if one is None else one for one in page[letter]]
            assert np.allclose(told, np.asarray(own[letter], float), rtol=1e-6, equal_nan=True), (key, letter)


@pytest.mark.parametrize("name", list(SPECS))
def test_charts_and_sentences_are_those_of_a_fresh_computation(visit: Visit, name: str) -> None:
    visitor, spec = visit(), SPECS[name]
    page = visitor.play(address(spec))
    expect(page.get_by_role("heading", level=2).first).to_have_text(spec.title, timeout=PATIENCE)
    page.get_by_role("button", name="More charts").click() if name != "noisy_bn" else None
    last = len(recorded(spec)) - 1
    for frame in (last, last // 3):
        visitor.seek(frame)
        for figure in FIGURES[name].figures(spec):
            assert_drawn(visitor, spec, figure.key, frame)
    visitor.seek(last)
    told = [printed(TEMPLATES[note.id], note.numbers) for note in recorded(spec).frame(last).notes]
    assert page.locator(".nv-reading li").all_text_contents() == told
    assert told


def test_the_slider_is_the_scale_of_the_weights(visit: Visit) -> None:
    visitor, spec = visit(), SPECS["scale"]
    page = visitor.play(address(spec))
    slider, told = page.locator(".nv-scrub"), page.locator(".nv-at")
    assert slider.get_attribute("aria-label") == "Scale of the weights"
    for place, text in ((0, "W × 0.1"), (scale_frames.MIDDLE, "W × 1"), (33, "W × 4.47")):
        visitor.seek(place)
        expect(told).to_have_text(text, timeout=PATIENCE)
        expect(slider).to_have_attribute("aria-valuetext", text)
    # The line across the chart stands at the same scale …
    visitor.show("gradient")
    offset = page.evaluate(
        """() => {
          const { _fullLayout: full } = chart("gradient");
          const mark = document.querySelector('[data-key="gradient"] .nv-step').getBoundingClientRect();
          const plot = chart("gradient").getBoundingClientRect();
          return mark.left + mark.width / 2 - plot.left - full.xaxis._offset - full.xaxis.d2p(4.466836);
        }"""
    )
    assert abs(offset) < 2
    # … and a click at another one goes there.
    x, y = page.evaluate(
        """() => {
          const { _fullLayout: full } = chart("gradient");
          const plot = chart("gradient").getBoundingClientRect();
          return [plot.left + full.xaxis._offset + full.xaxis.d2p(0.21), plot.top + full.yaxis._offset + 20];
        }"""
    )
    page.mouse.click(x, y)
    expect(told).to_have_text("W × 0.2", timeout=PATIENCE)


def test_visitors_are_asked_for_the_gradient_before_they_see_it(visit: Visit) -> None:
    visitor, spec = visit(), SPECS["scale"]
    page = visitor.open(address(spec), predict=True)
    page.get_by_role("button", name="ten times smaller").click()
    gradient, loss = (recorded(spec).at(name)[1] for name in ("gradient", "loss"))
    told = f"{gradient[-1]:.3g} times what it was, while the loss went from {loss[scale_frames.MIDDLE]:.4f}"
    expect(page.locator(".nv-stage")).to_contain_text(told, timeout=PATIENCE)
    expect(page.locator(".nv-stage")).to_contain_text("You said ten times smaller.")


def test_another_layer_is_another_run(visit: Visit) -> None:
    visitor, spec = visit(), SPECS["scale"]
    page = visitor.play(address(spec))
    slider = page.get_by_role("slider", name="Layer")
    slider.focus()
    page.keyboard.press("ArrowRight")
    other = Scale(depth=2, width=32, batch_size=32, layer=2)
    page.wait_for_selector(f'.nv-stage[data-run="{other.key}"][data-status="done"]')
    visitor.seek(0)
    ghosts = [one for one in visitor.data("loss") if one["ghost"] is True]
    assert len(ghosts) == len(other.norms)
    drawn = [one for one in visitor.data("loss") if one["variant"] and one["ghost"] is None]
    for v, one in enumerate(drawn):
        assert np.allclose(one["y"], recorded(other).at("loss")[v], rtol=1e-6)
    assert "layer=2" in page.url
    assert "question=scale" in page.url


def test_a_chosen_layer_is_shown_where_activations_wander(visit: Visit) -> None:
    visitor, spec = visit(), SPECS["noisy_bn"]
    page = visitor.play(address(spec))
    page.get_by_label("Layer", exact=True).select_option("layer 2")
    for key in ("shift", "wandering"):
        assert_drawn(visitor, spec, key, -1, layer=1)


@pytest.mark.parametrize("name", list(SPECS))
def test_a_telephone_shows_every_chart_within_its_width(visit: Visit, name: str) -> None:
    visitor, spec = visit(viewport={"width": 390, "height": 844}), SPECS[name]
    page = visitor.play(address(spec))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for figure in FIGURES[name].figures(spec):
        if figure.expert:
            continue
        visitor.show(figure.key)
        box = page.locator(f'.nv-figure[data-key="{figure.key}"]').bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
