"""The language of the site: the browser's at the first visit, then the one that is chosen."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from normviz.specs.train import Train
from normviz.ui.words import spoken
from tests.browser.leftovers import leftovers
from tests.browser.visitors import Visitor

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
