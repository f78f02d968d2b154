"""The page Claims in a real Chromium: twelve cards, filled in from the recording by the rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from normviz.catalog.claims import CLAIMS, VERDICTS
from normviz.lab import runs
from normviz.readings import TEMPLATES
from normviz.specs.claims import Claims
from tests.browser.visitors import Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
PATIENCE = 60_000  # ms; a busy machine is no fault of the page
SMALL = Claims(seeds=3, steps=50, epochs=1, width=32)  # means of three are no ties when rounded


def address(spec: Claims) -> str:
    """Where the page shows a spec."""
    return "claims?" + urlencode(spec.to_query())


recorded = cache(runs.record)
"""The recording of a spec, computed once."""


def test_twelve_cards_say_what_the_rules_make_of_the_recording(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    expect(page.get_by_role("heading", level=1)).to_have_text(Claims.title, timeout=PATIENCE)
    cards = page.locator(".nv-card")
    expect(cards).to_have_count(12, timeout=PATIENCE)
    truth = recorded(SMALL)
    notes = truth.frame(-1).notes
    for judged in SMALL.summary(truth)["claims"]:
        number = judged["number"]
        card = page.locator(f'.nv-card[data-card="{number}"]')
        verdict = VERDICTS[card.get_attribute("data-verdict") or ""]
        assert verdict.lower() == judged["verdict"]
        assert card.locator(".nv-card-word").inner_text() == verdict
        assert card.locator("blockquote").inner_text() == CLAIMS[number].statement
        for part in ("found", "evidence", "counter"):
            own = [note for note in notes if note.id.startswith(f"claims.{number}.{part}")]
            told = " ".join(printed(TEMPLATES[note.id], note.numbers) for note in own)
            assert card.locator(f".nv-card-{part}").text_content() == told
    (tally,) = [note for note in notes if note.id == "claims.tally"]
    told = [printed(TEMPLATES[tally.id], tally.numbers)]
    assert page.locator(".nv-reading li").all_text_contents() == told


def test_cards_wait_at_the_first_frame_and_charts_follow_the_cursor(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    visitor.seek(0)
    expect(page.locator('.nv-card[data-verdict="waiting"]')).to_have_count(12, timeout=PATIENCE)
    visitor.seek(10**9)
    expect(page.locator('.nv-card[data-verdict="waiting"]')).to_have_count(0, timeout=PATIENCE)


def test_a_card_tells_its_numbers_while_it_is_measured(visit: Visit) -> None:
    spec = SMALL.replace(claim="4")
    visitor = visit()
    page = visitor.play(address(spec))
    card = page.locator(".nv-card")
    visitor.seek(3)
    told = {note.id: note.numbers for note in recorded(spec).frame(3).notes}
    expect(card).to_have_attribute("data-verdict", "measured", timeout=PATIENCE)
    expect(card.locator(".nv-card-progress")).to_have_text(f"So far, after 30 of {spec.rate_steps} steps:")
    numbers = told["claims.4.evidence.open"]
    expect(card.locator(".nv-card-evidence")).to_have_text(
        printed(TEMPLATES["claims.4.evidence.open"], numbers)
    )
    visitor.seek(10**9)
    expect(card.locator(".nv-card-progress")).to_be_hidden()
    assert card.get_attribute("data-verdict") in VERDICTS


def test_the_keyboard_opens_a_chart_that_holds_the_recording(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    summary = page.locator('.nv-card[data-card="4"] .nv-card-more > summary')
    expect(page.locator('.nv-card[data-card="4"] .js-plotly-plot')).to_have_count(0, timeout=PATIENCE)
    summary.focus()
    page.keyboard.press("Space")
    playing = visitor.state()["playing"]
    assert playing is False, "the space bar opens, it does not play"
    truth = recorded(SMALL).at("c4_accuracy").mean(0)
    drawn = [one["y"] for one in visitor.data("claim_4") if one["variant"] and one["ghost"] is None]
    assert np.allclose(drawn, truth, atol=1e-6)


def test_the_strip_shows_every_verdict_and_leads_to_its_card(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    chips, cards = page.locator(".nv-chip"), page.locator(".nv-card")
    expect(chips).to_have_count(12, timeout=PATIENCE)
    verdicts = [[one.get_attribute("data-verdict") for one in of.all()] for of in (chips, cards)]
    assert verdicts[0] == verdicts[1]
    chips.nth(11).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.dataset.card") == "12"
    expect(cards.nth(11)).to_be_in_viewport(timeout=PATIENCE)


def test_one_claim_alone_shows_its_card_with_its_chart(visit: Visit) -> None:
    spec = SMALL.replace(claim="3")
    visitor = visit()
    page = visitor.play(address(spec))
    expect(page.locator(".nv-card")).to_have_count(1, timeout=PATIENCE)
    medians = [one["y"] for one in visitor.data("claim_3") if one["variant"] and one["ghost"] is None]
    assert np.allclose(medians, recorded(spec).at("c3_median"))
    link = page.locator(".nv-card-see a")
    assert "/train?" in (link.get_attribute("href") or "")


def test_a_control_changes_the_cards(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL.replace(claim="8")))
    evidence = page.locator('.nv-card[data-card="8"] .nv-card-evidence')
    expect(evidence).to_contain_text("of 3 networks", timeout=PATIENCE)
    slider = page.get_by_role("slider", name="Seeds")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(evidence).to_contain_text("of 4 networks", timeout=PATIENCE)
    assert "seeds=4" in page.url


def test_a_telephone_shows_every_card_within_its_width(visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844})
    page = visitor.play(address(SMALL))
    page.evaluate("() => document.querySelectorAll('.nv-card details').forEach((one) => (one.open = true))")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for card in page.locator(".nv-card").all():
        box = card.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert card.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
