"""How fast the stage draws in software-rendered Chromium: measured and written down, never asserted.

``browser.json``, ``sliders.json``, ``openings.json`` and ``arrivals.json`` in ``build`` get the figures; they
depend on the machine and on what else it is doing, so the load stands beside them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest

from normviz.ui.pages import PAGES
from tests.browser.visitors import ROOT, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.alone]

SPEED = "train?depth=8&norms=none,batch,layer,group"
"""8 layers, 4 variants."""

PLAYED = """async (seconds) => {
  const s = stage();
  s.seek(0);
  s.play();
  s.playback.speed = 4; // some 36 frames a second: there is always a new one to draw
  const [began, updates, spent] = [performance.now(), s.updates, []];
  while (performance.now() - began < 1000 * seconds) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (!s.playback.playing) s.play();
    spent.push(s.spent);
  }
  const shown = [...s.scene.panels.values()].filter(({ visible, chart }) => visible && chart);
  const result = {
    updates_per_second: (s.updates - updates) / ((performance.now() - began) / 1000),
    median_picture_ms: spent.sort((a, b) => a - b)[spent.length >> 1],
    charts: shown.length,
    traces: shown.reduce((sum, { chart }) => sum + chart.traces.length, 0),
  };
  s.playback.speed = 1;
  s.pause();
  return result;
}"""

SLIDER = """async () => {
  const s = stage();
  const run = s.run.key;
  const began = performance.now();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  const shown = () => s.run.key !== run && s.staged && s.settled && s.run.frames > 0;
  while (!shown()) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""

FIRST_FRAME = """async () => {
  const s = stage();
  const run = s.run.key;
  const began = performance.now();
  document.querySelector("[data-drill]").click();
  const shown = () => s.run.key !== run && s.staged && s.settled && s.run.frames > 0;
  while (!shown()) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


def test_the_speed_of_drawing_is_measured(visit: Callable[..., Visitor]) -> None:
    """Playing a recording: the charts at first, then five of all kinds, then all that the page has."""
    found: dict[str, Any] = {"processors": os.cpu_count(), "load_before": os.getloadavg()[0]}
    visitor = visit(viewport={"width": 1400, "height": 900})
    page = visitor.play(SPEED)
    found["at_first"] = page.evaluate(PLAYED, 5)
    pill = page.get_by_role("toolbar", name="Normalizations").get_by_role("button", name="Group norm")
    pill.evaluate("button => { button.dataset.drill = 'yes'; }")
    found["click_to_first_frame_ms"] = page.evaluate(FIRST_FRAME)
    visitor.play(SPEED)
    page.locator(".nv-more").click()
    visitor.show("chosen_layer")
    page.set_viewport_size({"width": 1400, "height": 1500})
    visitor.show("hist_post")
    found["two_rows"] = page.evaluate(PLAYED, 5)
    page.set_viewport_size({"width": 1400, "height": 4000})
    visitor.show("loss")
    found["all_charts"] = page.evaluate(PLAYED, 5)
    found["load_after"] = os.getloadavg()[0]
    told = json.dumps(found, indent=2)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "browser.json").write_text(told + "\n")
    print(told)
    assert all(found[part]["updates_per_second"] > 0 for part in ("at_first", "two_rows", "all_charts"))
    assert found["two_rows"]["charts"] > found["at_first"]["charts"]


RELEASED = """() => {
  const s = stage();
  const run = s.run.key;
  const shown = () => s.run.key !== run && s.staged && s.settled && s.run.frames > 0;
  const released = new Promise((resolve) => {
    addEventListener("pointerup", () => resolve(performance.now()), { once: true, capture: true });
  });
  window.picture = released.then(async (began) => {
    while (!shown()) await new Promise(requestAnimationFrame);
    return performance.now() - began;
  });
}"""


def test_the_way_from_a_slider_to_the_picture_is_measured(visit: Callable[..., Visitor]) -> None:
    """Signal: from a key on a slider, or from the end of a drag, to the whole new picture, several times."""
    found: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    visitor = visit(viewport={"width": 1400, "height": 1000})
    page = visitor.play("signal")
    page.wait_for_load_state("networkidle")
    for name in ("Depth", "Gain"):
        page.get_by_role("slider", name=name).focus()
        found[f"key_on_{name.lower()}_ms"] = [_settled(visitor, SLIDER) for _ in range(7)]
    drags = [_drag(visitor, by) for by in (-60, 60, -40, 40, -60)]
    found["released_depth_ms"] = [took for took, _ in drags]
    found["pictures_while_held"] = [pictures for _, pictures in drags]
    found |= {f"median_{name}": median(times) for name, times in found.items() if name.endswith("_ms")}
    found["load_after"] = os.getloadavg()[0]
    told = json.dumps(found, indent=2)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "sliders.json").write_text(told + "\n")
    print(told)
    assert all(one > 0 for one in found["released_depth_ms"])


def _settled(visitor: Visitor, act: str) -> float:
    took = float(visitor.page.evaluate(act))
    visitor.page.wait_for_timeout(500)
    return took


def _drag(visitor: Visitor, by: float) -> tuple[float, int]:
    """Drag the depth by so many pixels: ms from its end to the picture; other runs shown while it is held."""
    page = visitor.page
    x, y = page.get_by_role("slider", name="Depth").evaluate(
        "input => { const { x, y, width, height } = input.closest('div').getBoundingClientRect(); "
        "return [x + width / 2, y + height / 2]; }"
    )
    page.mouse.move(x, y)
    page.mouse.down()
    runs = {visitor.state()["run"]}
    for part in range(1, 11):
        page.mouse.move(x + by * part / 10, y)
        page.wait_for_timeout(60)
        runs.add(visitor.state()["run"])
    page.evaluate(RELEASED)
    page.mouse.up()
    took = float(page.evaluate("() => window.picture"))
    page.wait_for_timeout(500)
    return took, len(runs) - 1


ARRIVAL = """async (title) => {
  const links = [...document.querySelectorAll('[data-testid="stTopNavLink"]')];
  const before = document.querySelector(".nv-stage");
  const began = performance.now();
  links.find((link) => link.innerText.trim() === title).click();
  const stage = () => {
    const found = document.querySelector(".nv-stage");
    return found !== before && found?.normviz;
  };
  while (!(stage() && stage().settled && stage().run.frames > 0)) await new Promise(requestAnimationFrame);
  const first = performance.now() - began;
  while (stage().run.status !== "done") await new Promise((resolve) => setTimeout(resolve, 20));
  const complete = performance.now() - began;
  return { first_frame_ms: Math.round(first), complete_s: complete / 1000, frames: stage().run.frames };
}"""
"""From a click in the navigation to the first frame on screen, and to the end of the run."""


READY = """async (title) => {
  const links = [...document.querySelectorAll('[data-testid="stTopNavLink"]')];
  const began = performance.now();
  links.find((link) => link.innerText.trim() === title).click();
  while (!document.querySelector("[data-ready]")) await new Promise(requestAnimationFrame);
  return { first_frame_ms: Math.round(performance.now() - began) };
}"""
"""The same for a page that computes in the browser: until all that it shows at first is there."""

MARKS = """
window.marks = {};
const mark = (name) => (window.marks[name] ??= Math.round(performance.now()));
const look = () => {
  const root = document.querySelector(".nv-stage");
  if (document.querySelector("h1")) mark("title");
  if (document.querySelector("[data-ready]")) mark("picture");
  if (root?.normviz.updates > 0) mark("picture");
  const panels = [...(root?.normviz.scene.panels.values() ?? [])];
  if (panels.some(({ draft }) => draft?.axes)) ["draft", "picture"].forEach(mark);
  if (document.querySelector('.nv-chip:not([data-verdict="waiting"])')) mark("picture");
  if (document.querySelector(".nv-stage .js-plotly-plot")?.data) mark("picture");
  // A run begun before its page has frames at once, before a chart is known to be in sight; those of Diagnose
  // are not, at first.
  const drawn = "picture" in window.marks || location.pathname.endsWith("/diagnose");
  if (drawn && root?.normviz.settled && root.normviz.run.frames > 0) mark("settled");
  requestAnimationFrame(look);
};
look();
"""
"""Times from opening the page: its title, the first draft, the first picture of any kind (a draft, a chart, a
card's verdict), all charts on the screen drawn by Plotly."""

IN_SIGHT = "() => [...stage().scene.panels.values()].some(({ visible }) => visible)"
"""Whether a chart is on the first screen."""


def test_the_opening_of_every_page_is_measured(visit: Callable[..., Visitor]) -> None:
    """Each page by its address, in a window that has kept nothing."""
    found: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    in_sight: dict[str, bool] = {}
    for one in PAGES:
        visitor = visit(viewport={"width": 1400, "height": 900})
        visitor.context.add_init_script(MARKS)
        visitor.open(one.url_path)
        last = "settled" if one.module == "stage.js" else "picture"
        visitor.page.wait_for_function("name => name in marks", arg=last)
        found[one.url_path or "start"] = visitor.page.evaluate("() => marks")
        if last == "settled":
            in_sight[one.url_path] = visitor.page.evaluate(IN_SIGHT)
        visitor.context.close()
    found["load_after"] = os.getloadavg()[0]
    told = json.dumps(found, indent=2)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "openings.json").write_text(told + "\n")
    print(told)
    # Claims has verdicts first, its charts folded away; those of Diagnose come after symptoms and a table.
    assert [name for name, seen in in_sight.items() if not seen] == ["claims", "diagnose"]
    pages = {name: marks for name, marks in found.items() if isinstance(marks, dict)}
    assert [name for name, marks in pages.items() if "picture" not in marks] == ["diagnose"]


def test_the_arrival_of_every_page_is_measured(visit: Callable[..., Visitor]) -> None:
    """A visitor clicks through the site; each page's default is new to the server."""
    visitor = visit(viewport={"width": 1400, "height": 900})
    page = visitor.open()
    found: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    for one in PAGES:
        if one.module == "stage.js":
            page.get_by_test_id("stTopNavLink").filter(has_text=one.title).first.wait_for()
            page.wait_for_load_state("networkidle")
            found[one.url_path] = page.evaluate(ARRIVAL, one.title)
    for one in PAGES:
        if one.module != "stage.js":
            page.wait_for_load_state("networkidle")
            found[one.url_path or "start"] = page.evaluate(READY, one.title)
    found["load_after"] = os.getloadavg()[0]
    told = json.dumps(found, indent=2)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "arrivals.json").write_text(told + "\n")
    print(told)
    assert all(one["first_frame_ms"] for one in found.values() if isinstance(one, dict))
