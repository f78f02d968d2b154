"""Scrubbing a long recording: it asks the server nothing, and how fast it is gets measured and written down.

500 recorded steps of 8 layers x 6 variants; the slider moves at every picture of the screen.  Figures go to
``build/scrub.json``, with the load of the machine beside them; no time is asserted.

A picture counts as soon as any chart in it was drawn, and while the slider moves charts share 50 ms and take
turns if they need more: what a visitor sees of one chart are its own updates, counted chart by chart.  The
pointer is where a visitor has it, on the slider: a chart under it would be drawn by Plotly itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import WebSocket

from tests.browser.visitors import ROOT, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.alone]

LONG = "train?norms=none,batch,layer,group,rms,batch_renorm&depth=8&steps=500&every=1&seeds=1"

SCRUBBED = """async (seconds) => {
  const s = stage();
  s.pause();
  const slider = document.querySelector(".nv-scrub");
  const [began, updates, spent, last] = [performance.now(), s.updates, [], Number(slider.max)];
  let [moves, seen] = [0, s.updates];
  const inSight = () => [...s.scene.panels.values()].filter(({ visible, chart }) => visible && chart);
  const drawn = new Map(inSight().map((panel) => [panel, 0]));
  for (const [panel] of drawn) {
    const draw = panel.draw;
    panel.draw = function (...how) {
      const picture = draw.apply(this, how);
      if (picture !== null) drawn.set(panel, drawn.get(panel) + 1);
      return picture;
    };
  }
  while (performance.now() - began < 1000 * seconds) {
    const at = (moves * 3) % (2 * last); // to the end and back
    slider.value = at <= last ? at : 2 * last - at;
    slider.dispatchEvent(new Event("input"));
    moves += 1;
    await new Promise(requestAnimationFrame);
    if (s.updates > seen) {
      seen = s.updates;
      spent.push(s.spent);
    }
  }
  const [shown, took] = [inSight(), (performance.now() - began) / 1000];
  for (const [panel] of drawn) delete panel.draw;
  const rates = [...drawn.values()].map((count) => count / took).sort((a, b) => a - b);
  return {
    pictures_with_any_chart_per_second: (s.updates - updates) / took,
    updates_per_second_of_a_chart: { min: rates[0], median: rates[rates.length >> 1], charts: rates.length },
    median_picture_ms: spent.sort((a, b) => a - b)[spent.length >> 1],
    slowest_picture_ms: spent.at(-1),
    moves, charts: shown.length,
    traces: shown.reduce((sum, { chart }) => sum + chart.traces.length, 0),
    layers: s.run.recording.schema.extent("layer"), frames: s.run.frames,
  };
}"""


def test_scrubbing_asks_for_nothing_and_is_measured(visit: Callable[..., Visitor]) -> None:
    visitor = visit(viewport={"width": 1400, "height": 900})
    streamed: list[int] = []

    def hear(socket: WebSocket) -> None:
        if "/lab/" in socket.url:
            socket.on("framesent", lambda data: streamed.append(len(data)))
            socket.on("framereceived", lambda data: streamed.append(len(data)))

    visitor.page.on("websocket", hear)
    page = visitor.play(LONG)
    assert streamed
    found: dict[str, Any] = {"processors": os.cpu_count(), "load_before": os.getloadavg()[0]}
    visitor.show("test_accuracy")
    page.wait_for_load_state("networkidle")
    asked, heard = len(visitor.requests), len(streamed)
    scrub = page.locator(".nv-scrub")
    scrub.hover()
    found["at_first"] = page.evaluate(SCRUBBED, 4)
    page.locator(".nv-more").click()
    visitor.show("grad_norm_weight")
    scrub.hover()
    found["six_of_all_kinds"] = page.evaluate(SCRUBBED, 4)
    page.set_viewport_size({"width": 1400, "height": 4000})
    visitor.show("loss")
    scrub.hover()
    found["all_charts"] = page.evaluate(SCRUBBED, 4)
    assert (len(visitor.requests), len(streamed)) == (asked, heard)
    found["load_after"] = os.getloadavg()[0]
    told = json.dumps(found, indent=2)
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "scrub.json").write_text(told + "\n")
    print("A picture has at least one chart in it; charts take turns, so see the updates of a chart:")
    print(told)
    assert (found["at_first"]["layers"], found["at_first"]["frames"]) == (8, 501)
    assert found["all_charts"]["charts"] > found["six_of_all_kinds"]["charts"] > 2
    parts = [part for part in found.values() if isinstance(part, dict)]
    assert all(part["pictures_with_any_chart_per_second"] > 0 for part in parts)
    assert all(part["updates_per_second_of_a_chart"]["median"] > 0 for part in parts)
