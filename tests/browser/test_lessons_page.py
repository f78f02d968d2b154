"""Lessons in a browser: a hidden fault, its repair over the broken run, a lesson in a link, the presenter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from normviz.ui import shelf
from tests.browser.visitors import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.returning]
Visit = Callable[..., Visitor]

LESSON = shelf.find("broken-networks")
CASE = next(step.case for step in LESSON.steps if step.case and step.case.fault == "rate-low")
AT = 1 + next(n for n, step in enumerate(LESSON.steps) if step.case is CASE)


def hold(visitor: Visitor) -> None:
    """Wait for the end of the run, and stand there."""
    visitor.wait("status", "done")
    visitor.page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
    visitor.settled()


def ran(visitor: Visitor, key: str) -> None:
    visitor.wait("run", key)
    hold(visitor)


def behind(visitor: Visitor) -> list[Any]:
    """The loss of the run behind the charts."""
    ghosts = [trace for trace in visitor.data("loss") if trace["ghost"]]
    return ghosts[0]["y"] if ghosts else []


def test_a_fault_is_named_and_a_repair_runs_over_the_broken_network(visit: Visit) -> None:
    assert CASE is not None
    visitor = visit()
    page = visitor.open(f"?lesson=broken-networks&step={AT}")
    ran(visitor, CASE.spec.key)
    assert re.search(r"/lesson\?lesson=broken-networks&step=\d+(&predict=0)?$", page.url)
    stage = page.locator(".nv-stage")
    assert not page.locator(".nv-reading").is_visible()
    assert "0.0002" not in page.locator(".stMain").inner_text()
    assert page.get_by_role("button", name="Share", exact=True).count() == 0
    broken = next(trace["y"] for trace in visitor.data("loss") if trace["variant"] and not trace["ghost"])

    page.get_by_text(LESSON.faults["rate-low"]).click()
    page.get_by_text("Yes:").wait_for()
    page.locator(".nv-reading").wait_for(state="visible")
    assert behind(visitor) == []
    for number in (1, 0):  # one after the other: the broken run stays behind both
        repair = CASE.repairs[number]
        page.get_by_text(repair.words, exact=True).click()
        ran(visitor, repair.spec.key)
        assert behind(visitor) == pytest.approx(broken)
    assert "0.0002 → 0.1" in stage.inner_text()
    drawn = [trace for trace in visitor.data("test_accuracy") if trace["variant"] and not trace["ghost"]]
    assert drawn[-1]["y"][-1] > 0.8

    page.get_by_role("button", name=re.compile("Next:")).click()
    page.wait_for_url(f"**/lesson?lesson=broken-networks&step={AT + 1}*")
    page.get_by_text(f"step {AT + 1} of").wait_for()
    visitor.wait("run", LESSON.steps[AT].case.spec.key)  # type: ignore[union-attr]
    hold(visitor)
    assert behind(visitor) == [], "another network begins without a run behind it"


def test_a_lesson_in_a_link_leads_from_page_to_page(visit: Visit) -> None:
    told = {
        "title": "Two pages",
        "steps": [
            {"page": "signal", "settings": {"depth": 7}, "hide": ["gain"], "task": "Look.", "title": "One",
             "question": "What is it?", "answer": "The covered answer."},
            {"page": "batch-size", "settings": {"question": "regularization", "steps": 100},
             "predict": False},
        ],
    }  # fmt: skip
    visitor = visit()
    page = visitor.open("?lesson=" + shelf.encode(told), predict=True)
    visitor.wait("status", "done")
    assert "/signal?" in page.url
    page.get_by_text("Two pages, step 1 of 2: One").wait_for()
    assert page.get_by_text("The covered answer.").count() == 0
    page.get_by_text("What is it?").click()
    page.get_by_text("The covered answer.").wait_for()
    settings = page.evaluate("() => JSON.stringify(stage().run.settings)")
    assert next(one["text"] for one in json.loads(settings) if one["name"] == "depth").startswith("7")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**/batch-size?**")
    page.get_by_text("Two pages, step 2 of 2").wait_for()
    page.wait_for_selector(".nv-stage")
    assert page.locator(".nv-question:visible").count() == 0
    page.go_back()
    page.get_by_text("Two pages, step 1 of 2: One").wait_for()
    page.get_by_role("button", name="Leave the lesson").click()
    page.get_by_text("Two pages, step 1 of 2").wait_for(state="detached")
    assert "lesson=" not in page.url
    page.go_back()
    page.get_by_text("Two pages, step 1 of 2: One").wait_for()
    page.locator("header").get_by_role("link", name="Anatomy").click()
    page.wait_for_url("**/anatomy")


def test_the_presenter_enlarges_type_and_charts_and_hides_the_prose(visit: Visit) -> None:
    visitor = visit(viewport={"width": 1280, "height": 720})
    page = visitor.play("signal")
    prose = page.get_by_text("One batch goes through freshly drawn networks")
    assert prose.is_visible()
    visitor.show("sd")
    size = "() => chart('sd')._fullLayout.xaxis.tickfont.size"
    remark = "() => parseFloat(getComputedStyle(chart('sd').querySelector('.annotation text')).fontSize)"
    before, small = page.evaluate(size), page.evaluate(remark)
    page.locator(".st-key-footer").get_by_text("Presenter").click()
    page.wait_for_url("**presenter=true**")
    prose.wait_for(state="hidden")
    page.wait_for_function(f"() => ({size})() > {before} * 1.2")
    page.wait_for_function(f"() => ({remark})() > {small} * 1.2")
    assert page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)") > 20
    page.locator("header").get_by_role("link", name="Anatomy").click()  # it stays on
    page.wait_for_url("**/anatomy*")
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)") > 20


def test_pages_are_collected_for_a_lesson(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play("signal?depth=9")
    page.get_by_text("Add this page to my lesson").click()
    page.get_by_text("Add this page to my lesson (1)").wait_for()
    page.get_by_role("link", name="Make a lesson").click()
    page.get_by_text("The link to share holds the whole lesson").wait_for()
    links = page.get_by_role("textbox", name="Links of the steps, one on each line")
    expect(links).to_have_value(re.compile(r"signal\?depth=9"), timeout=20_000)
    link = page.locator(".stCode").last.inner_text().strip()
    lesson = shelf.find(re.sub(r".*lesson=(~[\w-]+).*", r"\1", link))
    assert [step.page for step in lesson.steps] == ["signal"]
    assert lesson.steps[0].specs[0].values()["depth"] == 9
