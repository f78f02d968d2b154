"""Every page for everybody: what axe-core finds, what keyboard and finger reach, and in which language.

All pages are visited in Czech, whose words are longer than those of English.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from normviz.ui import shelf
from normviz.ui.exhibits import QUESTIONS
from normviz.ui.pages import BESIDE, PAGES
from tests.browser.axe import findings
from tests.browser.leftovers import leftovers
from tests.browser.visitors import ROOT, Visitor

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
ASKING = ("forgotten-eval", "batch-size", "sequences")
"""Pages that ask for a prediction first."""
OTHERS = [f"{path}?question={one.spec.name}" for path, several in QUESTIONS.items() for one in several[1:]]
"""Questions behind the first one of their page."""


THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
CLOTHED = """red => ["[data-testid=stMain] h1", "[data-testid=stMain] p"]
  .every((one) => getComputedStyle(document.querySelector(one)).color.startsWith(red))"""
"""The page wears the colours of the scheme: on a busy machine that takes a while."""


def at_rest(visitor: Visitor, path: str) -> Page:
    """A page as it stands when its default run is over."""
    page = visitor.open(path)
    page.wait_for_selector(
        ".nv-stage, .nvt-start[data-ready], .nva-controls, .nvl-languages a", state="attached"
    )
    if page.locator(".nv-stage").count():
        visitor.wait("status", "done")
        page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
        visitor.settled()
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")
    return page


UNFOLD = """() => {
  const closed = [...document.querySelectorAll("[data-testid=stExpander] details:not([open]) > summary")];
  const more = document.querySelector(".nv-more[aria-expanded=false]:not([hidden])");
  const folded = [...closed, more].filter(Boolean);
  const now = performance.now();
  for (const one of folded.filter(({ asked }) => !(now - asked < 5000))) {
    one.asked = now; // a busy machine is given time; a second click would fold it again
    one.click();
  }
  return folded.length;
}"""

UNFOLDED = """() => [...document.querySelectorAll("[data-testid=stExpanderDetails]")].every(
  (one) => one.querySelector("[data-testid=stElementContainer]")
)"""
"""What is drawn only when it is asked for has come."""


def unfold(page: Page) -> None:
    """Open whatever is folded: Expert, formulas, exit questions, more charts, and what is inside them."""
    for _ in range(100):
        if not page.evaluate(UNFOLD):
            return
        page.wait_for_timeout(400)
        page.wait_for_function(UNFOLDED)
    pytest.fail("something stays folded")


def look(page: Page, scheme: Any, size: Any) -> None:
    """See the page in another light, or on another screen, from its top: the bar covers what scrolls by."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size(size)
    red = int(THEME[scheme]["textColor"][1:3], 16)
    page.wait_for_function(CLOTHED, arg=f"rgb({red},")
    page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    page.wait_for_timeout(700)  # charts take their new size


@pytest.mark.parametrize("path", [page.url_path for page in (*PAGES, *BESIDE)])
def test_nothing_on_a_page_keeps_anybody_out(visit: Visit, path: str) -> None:
    """At rest, then unfolded: in light and dark, on a desk and on a phone.  There are no exceptions."""
    visitor = visit(viewport=WIDE, color_scheme="light", reduced_motion="reduce", locale="cs-CZ")
    page = at_rest(visitor, path)
    found = {"at rest": findings(page), "by keyboard": by_keyboard(page)}
    unfold(page)
    found["in Czech"] = leftovers(page)
    for scheme, size in (("dark", WIDE), ("light", NARROW)):
        look(page, scheme, size)
        found[f"unfolded, {scheme}, {size['width']} pixels"] = findings(page)
    found["by finger"] = by_finger(page)
    assert not any(found.values()), "\n".join(
        f"{how}: {one}" for how, those in found.items() for one in those
    )


def by_finger(page: Page) -> list[str]:
    """What is too small where the screen is touched."""
    page.context.new_cdp_session(page).send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    assert page.evaluate("() => matchMedia('(pointer: coarse)').matches")
    page.wait_for_timeout(300)
    found: list[str] = page.evaluate(TARGETS)
    return found


TARGETS = (Path(__file__).parent / "targets.js").read_text(encoding="utf-8")
TABBING = (Path(__file__).parent / "tabbing.js").read_text(encoding="utf-8")


def by_keyboard(page: Page) -> list[str]:
    """From the top to the end with Tab, once: traps, places that one does not see, and what is missed."""
    page.evaluate(TABBING)
    page.evaluate("() => document.activeElement?.blur()")
    found = []
    for press in range(300):
        page.keyboard.press("Tab")
        stop = page.evaluate("() => tabbing.stop()")
        found.append(stop["blind"])
        if stop["at"] is None or (press and stop["at"] == 0):
            break
        if stop["at"] >= 0:
            return [f"a trap: back at {stop}"]
    else:
        return ["the Tab key does not come to an end"]
    found += [f"missed: {one}" for one in page.evaluate("() => tabbing.missed()")]
    return [one for one in found if one]


@pytest.mark.parametrize("path", ASKING)
def test_an_open_question_keeps_nobody_out(visit: Visit, path: str) -> None:
    visitor = visit(viewport=WIDE, reduced_motion="reduce")
    page = visitor.open(path, predict=True)
    visitor.wait("question", "open")
    visitor.settled()
    for scheme, size in (("light", WIDE), ("dark", NARROW)):
        look(page, scheme, size)
        found = findings(page)
        assert not found, "\n".join(found)


def moving(visitor: Visitor) -> Page:
    """A page whose run has something to show, held there."""
    visitor.settled()
    visitor.page.evaluate("() => stage().pause()")
    return visitor.settled()


def test_the_other_questions_of_a_page_keep_nobody_out(visit: Visit) -> None:
    visitor = visit(viewport=WIDE, reduced_motion="reduce")
    found = []
    for path in OTHERS:
        visitor.open(path)
        found += [f"{path}: {one}" for one in findings(moving(visitor))]
    assert not found, "\n".join(found)


def test_a_hidden_fault_keeps_nobody_out(visit: Visit) -> None:
    """Before a fault is named, after a wrong guess, and while a repair runs over the broken network."""
    lesson = shelf.find("broken-networks")
    cases = [(at, step.case) for at, step in enumerate(lesson.steps, 1) if step.case]
    at, case = next((at, case) for at, case in cases if case.repairs)
    wrong = next(fault for fault in lesson.faults if fault != case.fault)
    visitor = visit(viewport=WIDE, reduced_motion="reduce")
    page = visitor.open(f"lesson?lesson=broken-networks&step={at}")
    found = {"before a guess": findings(moving(visitor))}
    page.get_by_text(lesson.faults[wrong], exact=True).click()
    page.get_by_text("was your guess").wait_for()
    page.locator(".nv-reading").wait_for(state="visible")
    found["after a wrong guess"] = findings(moving(visitor))
    repair = case.repairs[0]
    page.get_by_text(repair.words, exact=True).click()
    visitor.wait("run", repair.spec.key)
    found["after a repair"] = findings(moving(visitor))
    assert not any(found.values()), "\n".join(f"{when}: {one}" for when, all in found.items() for one in all)


def test_faults_would_be_found(visit: Visit) -> None:
    """A picture without words, a button without a name and pale text are noticed."""
    page = visit().open("anatomy")
    page.wait_for_selector(".nva-controls")
    page.evaluate("""() => document.querySelector("[data-testid=stMain] h1").insertAdjacentHTML("afterend",
        '<img src="data:," width="9"><button></button><p style="color:#ccc;background:#fff">pale</p>')""")
    found = " ".join(findings(page))
    assert all(rule in found for rule in ("image-alt", "button-name", "color-contrast")), found
