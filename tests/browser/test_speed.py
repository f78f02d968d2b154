"""How fast the stage draws in software-rendered Chromium: measured and written down, never asserted.

``build/browser.json`` gets the figures; they depend on the machine and on what else it is doing, so the load
stands beside them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.visitors import ROOT, Visitor

pytestmark = pytest.mark.browser

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
    found["signal_slider_to_picture_ms"] = _slider(visitor)
    found["load_after"] = os.getloadavg()[0]
    told = json.dumps(found, indent=2)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "browser.json").write_text(told + "\n")
    print(told)
    assert all(found[part]["updates_per_second"] > 0 for part in ("at_first", "two_rows", "all_charts"))
    assert found["two_rows"]["charts"] > found["at_first"]["charts"]


def _slider(visitor: Visitor) -> list[float]:
    """Signal: from a key on a slider to the whole new picture, several times."""
    page = visitor.page
    page.set_viewport_size({"width": 1400, "height": 1000})
    visitor.play("signal")
    page.get_by_role("slider", name="Depth").focus()
    spent = []
    for _ in range(5):
        spent.append(page.evaluate(SLIDER))
        page.wait_for_timeout(500)
    return spent
