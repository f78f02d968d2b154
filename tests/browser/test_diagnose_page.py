"""Diagnose and choose in a real Chromium: links that lead where they say, costs as they were measured."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from normviz.catalog.norms import NORMS
from normviz.figures.theme import STYLES
from normviz.specs.diagnosis import SYMPTOMS
from normviz.ui.symptoms import BOOK
from normviz.ui.tour import stops
from tests.browser.visitors import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
PATIENCE = 60_000  # ms; a busy machine is no fault of the page


def test_the_table_holds_the_numbers_of_the_bars(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play("diagnose?rounds=5&norms=none,batch,layer")
    bars = [one for one in visitor.data("ratio") if one["type"] == "bar"]
    assert [one["variant"] for one in bars] == ["none", "batch", "layer"]
    for one in bars:
        row = page.locator("table tr").filter(has_text=NORMS[one["variant"]].label).first
        expect(row.locator("td").nth(1)).to_contain_text(f"{one['x'][0]:.2f} (", timeout=PATIENCE)
    dearest = max(bars[1:], key=lambda one: one["x"][0])
    words = f"{STYLES[dearest['variant']].label} costs most here"
    expect(page.locator(".nv-reading")).to_contain_text(words, timeout=PATIENCE)


def test_a_symptom_is_chosen_and_its_link_opens_its_experiment(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("diagnose?symptom=eight_gpus&rounds=5&net=rnn&batch=small")
    box = page.locator(".st-key-symptom")
    expect(box).to_contain_text(SYMPTOMS["eight_gpus"], timeout=PATIENCE)
    expect(page.locator(".st-key-advice")).to_contain_text("Layer norm or RMS norm", timeout=PATIENCE)
    box.get_by_role("link", name="See it").click()
    spec = BOOK["eight_gpus"].door.spec
    assert spec is not None
    visitor.wait("run", spec.key)
    assert "ghost_size=2" in page.url


def test_a_choice_goes_into_the_link(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("diagnose?rounds=5")
    page.get_by_role("combobox", name="What do you see?").click(timeout=PATIENCE)
    page.get_by_role("option", name=SYMPTOMS["nan"]).click()
    expect(page.locator(".st-key-symptom")).to_contain_text("no longer finite", timeout=PATIENCE)
    page.wait_for_url("**symptom=nan**")
    page.go_back()


def test_a_lie_in_the_link_is_named(visit: Visit) -> None:
    page = visit().open("diagnose?symptom=flatt&task=dream&rounds=5&norms=none")
    expect(page.get_by_text("Did you mean flat?")).to_be_visible(timeout=PATIENCE)
    expect(page.locator('[data-testid="stAlertContentWarning"]')).to_have_count(2)


def test_the_tour_leads_from_the_first_page_to_the_last(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("")
    for n, stop in enumerate(stops(), start=1):
        strip = page.locator(".st-key-tour")
        expect(strip).to_contain_text(f"stop {n} of {len(stops())}", timeout=PATIENCE)
        question = strip.get_by_text("Exit question.")
        answer = strip.get_by_test_id("stExpanderDetails").locator("p")
        expect(answer.first).not_to_be_visible()
        question.click()
        expect(answer.first).to_be_visible()
        assert page.url.split("?")[0].rstrip("/").endswith(stop.path)
        if n < len(stops()):
            strip.get_by_role("link", name="Next:").click()
