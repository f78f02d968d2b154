"""The first picture of a page: a draft before Plotly is there, and a recorded run before the live one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from normviz.figures import claims, forgotten_eval, sequences, signal
from normviz.figures.bound import Figure
from normviz.spec import Spec
from normviz.specs import experiment
from normviz.ui import preludes, static
from normviz.ui.exhibits import QUESTIONS, STAGED
from tests.browser.visitors import Server, Visitor

pytestmark = pytest.mark.browser

PLOTLY = "**/plotly.min.js"
PLAYED: dict[type[Spec], Callable[[Any], list[Figure]]] = {
    **{one.spec: one.figures for several in QUESTIONS.values() for one in several if one.spec.name in STAGED},
    experiment("signal"): signal.figures,
    experiment("claims"): claims.figures,
    experiment("sequences"): sequences.figures,
    experiment("forgotten_eval"): forgotten_eval.figures,
}
"""The defaults and their charts."""
FIGURES = ("loss", "test_accuracy", "hist_post")

DRAFTED = """(keys) => keys.every((key) => stage()?.scene.panels.get(key)?.draft?.axes)"""
"""A draft of each of these figures is drawn."""

LIES = """(key) => {
  const { draft, plot, chart } = stage().scene.panels.get(key);
  if (draft) {
    return Object.fromEntries(Object.entries(draft.axes).map(([id, axis]) => {
      const { start, length, range, ticks, told, titled } = axis;
      const shown = told.showticklabels === false ? [] : ticks;
      const texts = shown.map(({ text }) => text.replace(/<[^>]*>/g, ""));
      return [id, { start, length, range, ticks: texts, titled: titled ?? null }];
    }));
  }
  const layout = plot._fullLayout;
  return Object.fromEntries(Object.keys(layout).filter((name) => /^[xy]axis\\d*$/.test(name)).map((name) => {
    const id = name.replace("axis", "");
    const { _offset, _length, range } = layout[name];
    const texts = [...plot.querySelectorAll(`.${id}tick text`)];
    const ticks = texts.map((text) => text.textContent.replace(/\\u200b/g, ""));
    const title = id.startsWith("y") && plot.querySelector(`.g-${id}title text`);
    const titled = title ? Number(title.getAttribute("x")) : null;
    return [id, { start: _offset, length: _length, range, ticks, titled }];
  }));
}"""
"""Where the axes lie and the titles beside them, in the draft or in Plotly's picture."""

INK = """(key) => {
  const { canvas, axes } = stage().scene.panels.get(key).draft;
  const scale = devicePixelRatio;
  const colours = new Set();
  for (const [id, x] of Object.entries(axes).filter(([id]) => id.startsWith("x"))) {
    const y = axes[x.told.anchor ?? id.replace("x", "y")];
    const box = [x.start + 2, y.start + 2, x.length - 4, y.length - 4].map((one) => Math.round(one * scale));
    const { data } = canvas.getContext("2d").getImageData(...box);
    for (let k = 0; k < data.length; k += 4) {
      if (data[k + 3] > 100) colours.add(`${data[k] >> 5},${data[k + 1] >> 5},${data[k + 2] >> 5}`);
    }
  }
  return colours.size;
}"""
"""How many clearly different colours are inside the plots; maps are see-through."""


@pytest.fixture
def held(visit: Callable[..., Visitor]) -> tuple[Visitor, list[Route]]:
    """A visitor to whom Plotly does not come before it is let through."""
    visitor = visit(viewport={"width": 1400, "height": 1000})
    waiting: list[Route] = []
    visitor.page.route(PLOTLY, lambda route: waiting.append(route))
    return visitor, waiting


def close(one: Any, other: Any, key: str, within: float) -> bool:
    return all(abs(one[axis][key] - other[axis][key]) <= within for axis in one)


def test_a_draft_lies_where_plotly_draws(held: tuple[Visitor, list[Route]]) -> None:
    """The same boxes, ranges and ticks, before and after; live frames move in it."""
    visitor, waiting = held
    page = visitor.open("train?seed=3")
    page.wait_for_function(DRAFTED, arg=list(FIGURES))
    visitor.wait("status", "done")
    page.evaluate("() => { stage().seek(1e9); stage().pause(); }")
    page.wait_for_function("() => stage().state().frame === stage().run.frames - 1")
    page.wait_for_timeout(100)
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    drafts = {key: page.evaluate(LIES, key) for key in FIGURES}
    ink = {key: page.evaluate(INK, key) for key in FIGURES}
    assert not page.evaluate("() => Boolean(window.Plotly)")
    for route in waiting:
        route.continue_()
    visitor.settled()
    for key in FIGURES:
        drawn = page.evaluate(LIES, key)
        assert drafts[key].keys() == drawn.keys()
        assert close(drafts[key], drawn, "start", 0.6)
        assert close(drafts[key], drawn, "length", 0.6)
        for axis in drawn:
            assert drafts[key][axis]["range"] == pytest.approx(drawn[axis]["range"])
            assert drafts[key][axis]["ticks"] == drawn[axis]["ticks"], (key, axis)
            assert drafts[key][axis]["titled"] == pytest.approx(drawn[axis]["titled"], abs=1.5), (key, axis)
        assert ink[key] >= 4, (key, ink)
    expect(page.locator(".nv-draft")).to_have_count(0)
    assert visitor.faults == []


WATCHED = """
const later = window.setTimeout;
// Without the patience that is for pages on which nothing can be drafted.
window.setTimeout = (act, ms, ...given) => (ms === 800 ? 0 : later(act, ms, ...given));
const inSight = ({ root }) => {
  const { top, bottom, height } = root.getBoundingClientRect();
  return height > 0 && bottom > 0 && top < innerHeight;
};
new MutationObserver(() => {
  if (window.before || !document.querySelector('script[src$="plotly.min.js"]')) return;
  const panels = [...stage().scene.panels.values()].filter(inSight);
  window.before = panels.map(({ figure, draft }) => [figure.key, Boolean(draft?.axes)]);
}).observe(document, { childList: true, subtree: true });
"""
"""Remembers which of the charts in sight had a draft when Plotly began to be made ready."""


@pytest.mark.parametrize("page", ["train", "forgotten-eval", "signal", "batch-size"])
def test_plotly_is_made_ready_only_when_a_draft_can_be_seen(visit: Callable[..., Visitor], page: str) -> None:
    visitor = visit(viewport={"width": 1400, "height": 1000})
    visitor.context.add_init_script(WATCHED)
    visitor.open(page)
    visitor.settled()
    before = visitor.page.evaluate("() => window.before")
    assert before
    assert all(drafted for _, drafted in before), before


DRAW = """async ([assets, recorded, figures]) => {
  const { Draft } = await import(`${assets}/drafts.js`);
  const { plotlyTemplate, readTheme } = await import(`${assets}/theme.js`);
  const { readRecording } = await import(`${assets}/frames.js`);
  const answer = await fetch(recorded);
  const { recording } = readRecording(new Uint8Array(await answer.arrayBuffer()));
  const theme = plotlyTemplate(readTheme(document.body)).layout;
  const blank = [];
  for (const figure of figures) {
    const node = document.createElement("div");
    Object.assign(node.style, { width: "440px", height: `${figure.layout.height ?? 300}px` });
    document.body.replaceChildren(node);
    const draft = new Draft(node);
    for (const k of [0, recording.length >> 1, recording.length - 1]) {
      draft.draw(figure, { recording, k, cursors: { layer: 0 } }, theme, new Set());
    }
    const { canvas } = draft;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    if (!data.some((one) => one > 0)) blank.push(figure.key);
  }
  return blank;
}"""
"""Drafts of figures at three frames of a shipped recording; the keys of those that stay blank."""


def test_all_charts_of_every_default_can_be_drafted(chromium: Browser, server: Server) -> None:
    assets = (server.address + static.address("")).rstrip("/")
    page = chromium.new_page()
    page.goto(server.address + "_stcore/health")
    for kind, drawn in PLAYED.items():
        figures = [figure.to_plain() for figure in drawn(kind())]
        assert page.evaluate(DRAW, [assets, f"{assets}/{preludes.name(kind.name)}", figures]) == [], kind.name
    page.close()


def test_the_default_begins_with_a_recorded_run_and_goes_on_live(visit: Callable[..., Visitor]) -> None:
    """Recorded frames play, labelled, while the stream is held back; then the live run takes over there."""
    visitor = visit(viewport={"width": 1400, "height": 1000})
    page = visitor.page
    gate = {"open": False, "held": []}

    def stream(socket: Any) -> None:
        server = socket.connect_to_server()

        def pass_on(message: Any) -> None:
            if gate["open"]:
                socket.send(message)
            else:
                gate["held"].append((socket, message))  # type: ignore[attr-defined]

        server.on_message(pass_on)

    page.route_web_socket(re.compile("/lab/(stream|open)/"), stream)
    visitor.open("train")
    page.wait_for_function("() => Number(stage()?.scene.root.dataset.recorded) >= 3")
    root = page.locator(".nv-stage")
    expect(root.locator(".nv-status")).to_have_text("Recorded run, the live one is starting …")
    expect(root).to_have_attribute("data-frames", "0")
    told = page.evaluate("() => ({ settled: stage().settled, frames: stage().run.frames })")
    assert told == {"settled": False, "frames": 0}
    page.wait_for_function("() => stage().scene.panels.get('loss').chart?.node.data")
    loss = page.evaluate("() => chartData('loss')")
    assert any(len(trace["y"] or []) > 2 for trace in loss if trace["variant"])
    before = int(root.get_attribute("data-recorded") or -1)
    gate["open"] = True
    for socket, message in gate["held"]:  # type: ignore[attr-defined]
        socket.send(message)
    page.wait_for_function("() => stage().scene.root.dataset.recorded === ''")
    assert visitor.state()["frame"] >= before
    visitor.wait("status", "done")
    page.evaluate("() => { stage().seek(1e9); stage().pause(); }")
    visitor.settled()
    shown = page.evaluate(
        "() => stage().scene.panels.get('loss').chart.at.recording === stage().run.recording"
    )
    assert shown
    assert visitor.faults == []


def test_other_settings_begin_without_a_recorded_run(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open("train?seed=4")
    page = visitor.settled()
    assert page.evaluate("() => stage().prelude") is None
    assert not any("recorded_" in address for address in visitor.requests)


def test_a_run_is_begun_before_its_page_and_taken_over(visit: Callable[..., Visitor]) -> None:
    """One connection, opened by the HTML; the page asks for none of its own, until it shows another run."""
    visitor = visit()
    opened: list[str] = []
    visitor.page.on("websocket", lambda socket: opened.append(socket.url))
    visitor.open("train?seed=7&steps=200")
    visitor.wait("status", "done")
    ours = [url for url in opened if "/lab/" in url]
    assert [url.split("?")[0].rpartition("/lab/")[2] for url in ours] == ["open/train"]
    assert opened.index(ours[0]) == 0  # before Streamlit's own
    whole = visitor.page.evaluate("() => [stage().run.frames, stage().run.recording.complete]")
    assert whole[0] == whole[1] > 10
    # The page says "done" of the run before, until the script has answered the click.
    with visitor.page.expect_event("websocket", lambda socket: "/lab/stream/" in socket.url):
        visitor.page.get_by_role("button", name="Reset settings").click()
    visitor.page.wait_for_function("() => stage().state().staged && stage().run.settings[0]")
    visitor.wait("status", "done")
    assert sum("/lab/stream/" in url for url in opened) == 1
    assert visitor.faults == []


def test_a_page_of_a_lesson_begins_its_own_run(visit: Callable[..., Visitor]) -> None:
    """What was begun by the address is given up where the page shows something else."""
    visitor = visit()
    opened: list[str] = []
    visitor.page.on("websocket", lambda socket: opened.append(socket.url))
    visitor.open("lesson?lesson=broken-networks&step=2")
    visitor.page.wait_for_function("() => document.querySelector('.nv-stage')?.normviz?.run?.frames > 3")
    assert sum("/lab/stream/" in url for url in opened) == 1
    assert visitor.faults == []
