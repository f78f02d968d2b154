"""The language of the site: the browser's at the first visit, then the one that is chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from normviz.specs.train import Train
from normviz.ui.words import spoken
from tests.browser.leftovers import leftovers
from tests.browser.visitors import Visitor, serving

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]

SETTINGS = {"lr": "0.03", "depth": "2", "width": "32", "steps": "100", "seeds": "1"}


def speaks_czech(page: Page) -> None:
    """The page, its stage and what a screen reader is told of both."""
    expect(page.locator("h1")).to_have_text(spoken(Train.title, "cs"))
    expect(page.locator("html")).to_have_attribute("lang", "cs")
    expect(page.locator(".nv-bar")).to_have_attribute("aria-label", spoken("Playback", "cs"))
    assert not leftovers(page)


def test_the_switch_turns_page_and_stage_and_loses_neither_settings_nor_run(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("train?" + "&".join(f"{name}={value}" for name, value in SETTINGS.items()))
    visitor.wait("status", "done")
    run = page.evaluate("() => stage().run.key")
    page.get_by_role("link", name="Čeština").click()
    visitor.wait("status", "done")
    visitor.settled()
    speaks_czech(page)
    assert page.evaluate("() => stage().run.key") == run
    assert page.evaluate("() => stage().run.recorded"), "it was computed again"
    asked = parse_qs(urlsplit(page.url).query)
    assert {name: asked[name] for name in SETTINGS} == {name: [value] for name, value in SETTINGS.items()}
    assert asked["lang"] == ["cs"]
    page.reload()
    visitor.wait("status", "done")
    visitor.settled()
    speaks_czech(page)


def test_the_browsers_language_is_that_of_the_first_visit(visit: Visit) -> None:
    page = visit(locale="cs-CZ").open("lesson")
    title = "Which lesson do you want to take?"
    expect(page.locator("h1")).to_have_text(spoken(title, "cs"))
    expect(page.locator("html")).to_have_attribute("lang", "cs")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_charts_write_numbers_as_sentences_do(visit: Visit) -> None:
    """On the axis, under the pointer, and in the table."""
    visitor = visit(locale="cs-CZ")
    page = visitor.play("train?" + "&".join(f"{name}={value}" for name, value in SETTINGS.items()))
    visitor.show("test_accuracy")
    ticks = page.evaluate(
        "() => [...chart('test_accuracy').querySelectorAll('.ytick text')].map((e) => e.textContent)"
    )
    assert "100\u00a0%" in ticks
    assert all(re.fullmatch(r"\d+\u00a0%", tick) for tick in ticks), ticks
    page.evaluate("""() => {
      const node = chart("test_accuracy");
      const curveNumber = node.data.findLastIndex(({ meta }) => meta?.variant);
      Plotly.Fx.hover(node, [{ curveNumber, pointNumber: 3 }]);
    }""")
    told = page.locator('.nv-figure[data-key="test_accuracy"] .hovertext .nums')
    expect(told).to_have_text(re.compile(r"^krok \d+: \d+,\d\u00a0%$"))
    table = page.locator('.nv-figure[data-key="test_accuracy"] .nv-numbers')
    table.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(table.locator("tbody td").first).to_be_visible()
    cells = table.locator("tbody td:last-child").all_inner_texts()
    assert all(re.fullmatch(r"\d+(,\d+)?\u00a0%", cell) for cell in cells), cells


def test_what_streamlit_says_is_in_the_visitors_language_and_stays_so(visit: Visit) -> None:
    """In names and in texts, in what is there at first and in what comes, and after a change of settings."""
    visitor = visit(locale="cs-CZ")
    page = visitor.open("train?" + "&".join(f"{name}={value}" for name, value in SETTINGS.items()))
    visitor.wait("status", "done")
    help_ = page.get_by_role("button", name=f"Nápověda: {spoken('Learning rate', 'cs')}", exact=True)
    expect(help_).to_have_count(1)
    run = page.evaluate("() => stage().run.key")
    page.get_by_role("toolbar", name=spoken("Normalizations", "cs")).get_by_role("button").nth(2).click()
    page.wait_for_function("key => stage().run?.key !== key", arg=run)
    expect(help_).to_have_count(1)
    page.get_by_text(spoken("Share", "cs"), exact=True).click()
    page.get_by_test_id("stCode").hover()
    expect(page.get_by_role("button", name=spoken("Copy to clipboard", "cs"))).to_be_visible()
    assert not page.get_by_role("button", name=re.compile("Help|Copy|Open")).count()


def test_a_lost_server_is_told_in_the_visitors_language(chromium: Browser, tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        visitor = Visitor(chromium, server, locale="cs-CZ")
        page = visitor.open("lesson")
        expect(page.get_by_role("navigation", name=spoken("App pages", "cs"))).to_be_visible()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(spoken("Connection error", "cs"), timeout=60_000)
    expect(dialog).to_contain_text("Server neodpovídá.")
    visitor.context.close()
