"""Nothing in sight jumps on any page: while it opens, while its run plays, after a change of a setting."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from normviz.ui.pages import PAGES
from tests.browser.visitors import Visitor, opened

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
SIZES = ({"width": 1400, "height": 900}, {"width": 390, "height": 844})
GOOD = 0.1
"""The most that the field calls good (https://web.dev/articles/cls) in the worst five seconds of a visit;
here of the sum of all, those that follow a click at once included."""
WITHIN = 5.0  # seconds, in which the charts come
AFTER_CHANGE = 3.0

WATCH = """
window.shifts = [];
const inWords = ({ node, previousRect: a, currentRect: b }) => {
  const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  if (!element) return "something that is gone";
  const keyed = element.closest("[class*=st-key-]");
  const key = keyed && [...keyed.classList].find((name) => name.startsWith("st-key-"));
  const name = element.dataset?.testid || element.className?.baseVal || element.className || element.tagName;
  const rect = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
  return `${key ?? ""} ${name} «${element.textContent.trim().slice(0, 40)}» ${rect(a)} -> ${rect(b)}`;
};
new PerformanceObserver((list) => {
  shifts.push(...list.getEntries().map(({ value, startTime, sources }) => (
    { value, at: Math.round(startTime), moved: sources.map(inWords) }
  )));
}).observe({ type: "layout-shift", buffered: true });
"""
"""Chromium's own account of what was in sight and moved (https://wicg.github.io/layout-instability)."""

MOUNTED = ".nv-stage, .nvt-start[data-ready], .nva-controls"
CALM = """() => {
  const root = document.querySelector(".nv-stage");
  return !root || (root.dataset.status === "done" && root.normviz.staged);
}"""


def slider(page: Page) -> Locator:
    """The first slider among the settings."""
    return page.locator('[class*="-controls"]').get_by_role("slider").first


CHANGES: dict[str, Callable[[Page], None]] = {
    "": lambda page: page.get_by_role("switch", name="Training mode").click(),
    "anatomy": lambda page: page.get_by_role("radio", name="Layer norm").click(),
    "diagnose": lambda page: another(page, "symptom"),
}
"""A change of a setting on the pages where it is not a slider's."""


def by_slider(page: Page) -> None:
    slider(page).press("ArrowRight")


def another(page: Page, field: str) -> None:
    """Take the next of a list by its keys."""
    box = page.locator(f".st-key-diagnosis-{field}").get_by_role("combobox")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        box.press(key)


def rest(visitors: list[Visitor], within: float) -> None:
    """Until the runs on the pages are over and their pictures drawn, but not for ever: some take minutes."""
    end = time.monotonic() + within
    for visitor in visitors:
        with contextlib.suppress(TimeoutError):
            visitor.page.wait_for_function(CALM, timeout=max(1, 1000 * (end - time.monotonic())))
    visitors[-1].page.wait_for_timeout(500)


def shifts(page: Page) -> tuple[float, str]:
    """How much has moved since the last question, and what."""
    found: list[dict[str, Any]] = page.evaluate("() => shifts.splice(0)")
    moved = [f"  {one['at']} ms, {one['value']:.3f}: {what}" for one in found for what in one["moved"]]
    return sum(one["value"] for one in found), "\n".join(moved)


@pytest.mark.parametrize("path", [page.url_path for page in PAGES], ids=lambda path: path or "start")
def test_nothing_in_sight_jumps(visit: Visit, path: str) -> None:
    """On a desk and on a telephone, at once."""
    visitors = [visit(viewport=size) for size in SIZES]
    for visitor in visitors:
        visitor.page.add_init_script(WATCH)
        visitor.open(path, predict=True)
    faults = []

    def look(when: str, within: float) -> None:
        rest(visitors, within)
        for visitor, size in zip(visitors, SIZES, strict=True):
            value, moved = shifts(visitor.page)
            print(f"{path or 'start'}, {size['width']} pixels, {when}: {value:.3f}")
            if value > GOOD:
                faults.append(f"{size['width']} pixels, {when}: {value:.3f}\n{moved}")

    for visitor in visitors:
        visitor.page.wait_for_selector(MOUNTED, state="attached")
    look("while it opens", WITHIN)
    for visitor in visitors:
        CHANGES.get(path, by_slider)(visitor.page)
    for visitor in visitors:
        visitor.page.wait_for_function("() => location.search")  # the change has arrived
    look("after a change", AFTER_CHANGE)
    assert not faults, "\n".join(faults)


LISTS = {"sequences": "Network", "train": "Network", "diagnose": "What do you see?"}
"""A list on a page whose charts, or whose measurements, come while it is open."""
SCROLLED = """() => {
  window.scrolled = [];
  const main = document.querySelector("[data-testid=stMain]");
  main.addEventListener("scroll", () => scrolled.push(main.scrollTop));
}"""


@pytest.mark.parametrize("path", LISTS)
def test_a_list_stays_open_while_the_page_under_it_grows(visit: Visit, path: str) -> None:
    """While its charts come nothing scrolls the page, which would close a list."""
    visitors = [visit(viewport=size) for size in SIZES]
    fields = []
    for visitor in visitors:
        fields.append(opened(visitor.open(path), LISTS[path]))
        visitor.page.evaluate(SCROLLED)
        expect(fields[-1]).to_have_attribute("aria-expanded", "true")
    for visitor in visitors:
        visitor.page.wait_for_selector(MOUNTED, state="attached")
    rest(visitors, WITHIN)
    for visitor, field in zip(visitors, fields, strict=True):
        assert field.get_attribute("aria-expanded") == "true"
        assert visitor.page.evaluate("() => scrolled") == []
        visitor.page.get_by_role("option").last.click()
        expect(field).to_have_attribute("aria-expanded", "false")


def test_a_jump_would_be_found(visit: Visit) -> None:
    """What pushes a page down that is in sight is told, with what it moves."""
    visitor = visit(viewport=SIZES[0])
    visitor.page.add_init_script(WATCH)
    page = visitor.open("anatomy")
    page.wait_for_selector(MOUNTED)
    rest([visitor], WITHIN)
    shifts(page)
    page.evaluate("""() => {
      const late = Object.assign(document.createElement("div"), { style: "height: 300px" });
      document.querySelector("[data-testid=stMainBlockContainer]").prepend(late);
    }""")
    page.wait_for_timeout(500)
    value, moved = shifts(page)
    assert value > GOOD
    assert "What is averaged over what?" in moved
