"""The stage under the hand: pinning, comparing, pointing, zooming, keys; and nothing that jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from normviz.figures.formulas import formula
from normviz.figures.theme import STYLES
from normviz.lab.runs import record as recorded
from normviz.specs.train import Train
from normviz.ui import static
from tests.browser.visitors import Server, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
SMALL = Train(norms=("none", "batch"), depth=3, width=16, steps=100, seeds=2)


def address(spec: Train) -> str:
    return "train?" + urlencode(spec.to_query())


@pytest.fixture(scope="module")
def seated(chromium: Browser, server: Server) -> Iterator[Visitor]:
    """A visitor for tests that only look: the run is over."""
    visitor = Visitor(chromium, server)
    visitor.play(address(SMALL))
    yield visitor
    assert not visitor.faults, visitor.faults
    visitor.context.close()


def another(visitor: Visitor, act: Callable[[Page], None]) -> None:
    """Do what starts another run, and hold at its end."""
    first = visitor.state()["run"]
    act(visitor.page)
    visitor.page.wait_for_function("first => stage().state().run !== first && stage().staged", arg=first)
    visitor.wait("status", "done")
    visitor.page.evaluate("() => { stage().seek(1e9); stage().pause(); }")
    visitor.settled()


def slower(page: Page) -> None:
    """A lower learning rate."""
    page.get_by_role("slider", name="Learning rate").press("ArrowLeft")


def test_what_became_of_the_result_is_told_with_its_spread(visit: Visit) -> None:
    """In the words of the two recordings: medians, and whether the seeds lie apart."""
    visitor = visit()
    page = visitor.play(address(SMALL))
    expect(page.locator(".nv-result")).to_have_text("")
    another(visitor, slower)
    told = page.locator(".nv-changed").inner_text()
    lr = page.evaluate("() => stage().run.settings.find(({ name }) => name === 'lr').text")
    assert f"Learning rate: 0.3 → {lr}" in told
    assert "Test accuracy in the end: " in told
    before, after = (recorded(SMALL.replace(lr=rate)) for rate in (0.3, float(lr)))
    for v, label in enumerate(("No normalization", "Batch norm")):
        was, now = (one.at("test_accuracy")[v] for one in (before, after))
        apart = was.max() < now.min() or now.max() < was.min()
        numbers = f"{label} {np.median(was):.1%} → {np.median(now):.1%}"
        assert (numbers in told) == apart
        within = told.partition("within the spread of the seeds: ")[2]
        assert (label in within) == (not apart)


def test_a_pinned_run_stays_the_ghost(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    pinned = visitor.state()["run"]
    page.get_by_role("button", name="Pin this run").click()
    button = page.get_by_role("button", name="Pinned: let the run go")
    assert "Learning rate: 0.3" in (button.get_attribute("title") or "")
    another(visitor, slower)
    between = visitor.state()["run"]
    another(visitor, slower)
    assert page.evaluate("() => stage().before.key") == pinned
    expect(page.locator(".nv-changed")).to_contain_text(
        "Against the pinned run, in grey: Learning rate: 0.3 →"
    )
    own = recorded(SMALL).history("test_accuracy_median")[1][:, 1]
    ghost = next(one for one in visitor.data("test_accuracy") if one["ghost"] and one["variant"] == "batch")
    np.testing.assert_allclose(ghost["y"], own, rtol=1e-6)
    button.click()
    assert page.evaluate("() => stage().before.key") == between
    expect(page.locator(".nv-changed")).to_contain_text("The run before is drawn in grey.")


def test_a_term_lights_its_charts_and_a_chart_its_terms(seated: Visitor) -> None:
    page = seated.page
    told = formula(SMALL)
    assert told is not None
    expect(page.locator(".nv-formula-board")).to_have_attribute("aria-label", told.alt)
    sizes = "() => [...document.querySelectorAll('.nv-formula math')].map((e) => e.clientHeight)"
    heights = page.evaluate(sizes)
    assert len(heights) == len(told.parts) == 3
    assert max(heights) > 1.5 * min(heights) > 15, "a fraction is built from what is above and below it"
    for act in ("hover", "focus"):
        getattr(page.locator('[data-term="loss"]'), act)()
        expect(page.locator(".nv-lit")).to_have_attribute("data-key", "loss")
        expect(page.locator(".nv-formula-says")).to_have_text(told.terms["loss"].says)
    page.mouse.move(0, 0)
    page.locator(".nv-stage").focus()
    expect(page.locator(".nv-lit")).to_have_count(0)
    page.locator('.nv-figure[data-key="hist_post"] .nv-box').hover()
    assert page.evaluate(
        "() => [...document.querySelectorAll('.nv-lit-term')].map((e) => e.dataset.term)"
    ) == ["y"]
    page.locator('[data-term="step"]').press("Enter")
    page.wait_for_function("() => stage().scene.panels.get('update_ratio').visible")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", [address(SMALL), "signal?depth=10&width=16", "why?question=scale"])
def test_what_to_look_for_comes_before_the_formula(visit: Visit, path: str, width: int) -> None:
    """Charts, sentences, formula: one below the other, with more charts open, too."""
    visitor = visit(viewport={"width": width, "height": 900})
    page = visitor.play(path)
    parts = [".nv-grid", ".nv-more", ".nv-reading", ".nv-formula"]
    for _ in range(2):
        boxes = [page.locator(part).first.bounding_box() for part in parts]
        assert all(boxes)
        for above, below in pairwise(boxes):
            assert above["y"] + above["height"] <= below["y"]  # type: ignore[index]
        parts[1] = ".nv-grid >> nth=1"
        page.locator(".nv-more").click()


def test_a_sentence_leads_to_what_it_speaks_of(seated: Visitor) -> None:
    """Chart, layer, variants and step of the note."""
    page = seated.page
    recording = recorded(SMALL)
    last = len(recording) - 1
    seated.seek(last)
    notes = [note for k in range(len(recording)) for note in recording.frame(k).notes if k == last]
    i, note = next((i, one) for i, one in enumerate(notes) if one.id.startswith("train.update"))
    sentence = page.locator(".nv-note").nth(i)
    sentence.hover()
    expect(page.locator(".nv-lit")).to_have_attribute("data-key", "update_ratio")
    layer = int(note.numbers["layer"]) - 1
    assert page.evaluate("() => stage().hover") == layer
    own = {"No normalization": "none", "Batch norm": "batch"}[str(note.numbers["norm"])]
    clear = """() => [...chart("loss").querySelectorAll(".cartesianlayer g.trace:not(.nv-faded)")]
      .map((group) => group.__data__[0].trace.meta?.variant).filter(Boolean)"""
    assert set(page.evaluate(clear)) == {own}
    sentence.click()
    page.wait_for_function("() => stage().scene.panels.get('update_ratio').visible")
    assert seated.state()["layer"] == layer
    page.mouse.move(0, 0)
    assert set(page.evaluate(clear)) == {"none", "batch"}
    reached = next(i for i, one in enumerate(notes) if one.id.startswith("train.first"))
    page.locator(".nv-note").nth(reached).click()
    seated.settled()
    assert seated.state()["step"] == notes[reached].numbers["step"]


def test_a_switch_frees_the_axes_and_gives_them_back(seated: Visitor) -> None:
    page = seated.page
    ranges = "() => ['loss', 'test_accuracy'].map((key) => chart(key)._fullLayout.yaxis.range)"
    seated.show("loss")
    fixed = page.evaluate(ranges)
    page.locator(".nv-stage").press("a")
    seated.settled()
    freed = page.evaluate(ranges)
    assert all(max(np.abs(np.subtract(a, b))) > 1e-3 for a, b in zip(fixed, freed, strict=True))
    assert page.evaluate("() => chart('loss')._fullLayout.yaxis.type") == "log"
    assert page.evaluate("() => chart('loss')._fullLayout.xaxis.range") == [0, 100]
    expect(page.get_by_role("button", name="Automatic axes")).to_have_attribute("aria-pressed", "true")
    page.locator(".nv-stage").press("a")
    seated.settled()
    assert page.evaluate(ranges) == fixed


ZOOM = "() => chart('sd')._fullLayout.yaxis.range.map((one) => Math.round(1e6 * one))"


def test_zoom_on_an_axis_that_follows_the_recording_stays_until_a_double_click(visit: Visit) -> None:
    """Over another run and another theme."""
    visitor = visit()
    page = visitor.play("signal?depth=10&width=16")
    visitor.show("sd")
    declared = page.evaluate(ZOOM)
    page.evaluate("() => Plotly.relayout(chart('sd'), { 'yaxis.range[0]': 0.1, 'yaxis.range[1]': 0.2 })")
    assert page.evaluate(ZOOM) == [100000, 200000]
    another(visitor, lambda page: page.get_by_role("slider", name="Depth").press("ArrowRight"))
    visitor.show("sd")
    assert page.evaluate(ZOOM) == [100000, 200000]
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => stage().scene.theme.includes('#12161c') || stage().settled")
    page.evaluate("() => stage().scene.panels.get('sd').retheme()")
    assert page.evaluate(ZOOM) == [100000, 200000]
    box = page.locator('.nv-figure[data-key="sd"] .nsewdrag').first.bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("() => chart('sd')._fullLayout.yaxis.range[1] > 0.3")
    told = page.evaluate(
        "() => [...stage().run.recording.at(stage().run.recording.schema.place('span_sd'), 0)]"
    )
    np.testing.assert_allclose(page.evaluate(ZOOM), np.round(1e6 * np.array(told[:2])), atol=2)
    assert len(declared) == 2


def test_keys_choose_a_layer_and_show_the_list_of_keys(seated: Visitor) -> None:
    page = seated.page
    page.locator(".nv-stage").focus()
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowDown")
    for key, layer in (("ArrowUp", 1), ("ArrowUp", 2), ("ArrowUp", 2), ("ArrowDown", 1)):
        page.keyboard.press(f"Shift+{key}")
        assert seated.state()["layer"] == layer
    page.keyboard.press("?")
    expect(page.locator(".nv-keys")).to_contain_text("play or pause")
    page.keyboard.press("Escape")
    expect(page.locator(".nv-keys")).to_be_hidden()


def test_slow_motion_is_slow(seated: Visitor) -> None:
    """A quarter of the speed takes four times as long: at most so many frames in a second."""
    page = seated.page
    page.get_by_label("Speed", exact=True).select_option("0.25×")
    advanced, took = page.evaluate(SLOWLY)
    page.get_by_label("Speed", exact=True).select_option("1×")
    page.evaluate("() => stage().pause()")
    frames = seated.state()["frames"]
    assert took > 0.8 * advanced * 1000 * 9 / frames / 0.25


SLOWLY = """async () => {
  stage().seek(0);
  stage().play();
  const at = () => stage().state().frame;
  const reached = async (frame) => {
    while (at() < frame) await new Promise(requestAnimationFrame);
  };
  await reached(1);
  const [began, first] = [performance.now(), at()];
  await reached(first + 3);
  return [at() - first, performance.now() - began];
}"""
"""Frames that went by, and the milliseconds that they took: of several, for the sake of a busy machine."""


SHIFTS = """() => {
  window.shifts = [];
  const moved = ({ node, previousRect: a, currentRect: b }) => {
    const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    // Other words of another length, and the number above a slider that is being moved, are meant to move.
    const told = ".nv-reading ul, .nv-changed, .nv-status, [data-testid=stSlider]";
    if (!element || element.closest(told)) return null;
    return `${element.className} ${element.textContent.slice(0, 40)} ${[a.x, a.y]} -> ${[b.x, b.y]}`;
  };
  const watch = (list) => list.getEntries().forEach(({ sources }) => {
    window.shifts.push(...sources.map(moved).filter(Boolean));
  });
  new PerformanceObserver(watch).observe({ type: "layout-shift", buffered: false });
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 1400), (390, 1800)])
@pytest.mark.parametrize("path", [address(SMALL), "signal?depth=10&width=16"])
def test_nothing_jumps_during_a_run_and_a_change_of_settings(
    visit: Visit, path: str, width: int, height: int
) -> None:
    visitor = visit(viewport={"width": width, "height": height})
    page = visitor.open(path)
    page.wait_for_function("() => document.querySelector('.nv-stage') && stage().staged && stage().settled")
    page.locator(".nv-stage").evaluate("stage => stage.scrollIntoView({ block: 'start' })")
    page.wait_for_timeout(600)
    page.evaluate(SHIFTS)
    visitor.wait("status", "done")
    page.evaluate("() => { stage().seek(0); stage().playback.speed = 4; stage().play(); }")
    page.wait_for_function("() => stage().state().frame === stage().state().frames - 1")
    name = "Learning rate" if path.startswith("train") else "Gain"
    another(visitor, lambda page: page.get_by_role("slider", name=name).first.press("ArrowLeft"))
    page.wait_for_timeout(200)
    found = page.evaluate("() => shifts")
    assert not found, "\n".join(found)


def test_no_line_crosses_a_chart_that_is_covered(visit: Visit) -> None:
    """The cursor's step is marked again once the question is answered."""
    visitor = visit()
    page = visitor.open("why?question=noisy_bn&steps=60&width=16&seeds=2", predict=True)
    covered = page.locator('.nv-figure:not([data-covered=""])').first
    covered.wait_for()
    key = covered.get_attribute("data-key")
    visitor.wait("status", "done")
    visitor.show(str(key))
    marks = page.locator(f'.nv-figure[data-key="{key}"] .nv-step')
    assert marks.count() == 0 or not marks.first.is_visible()
    page.get_by_role("button", name="Skip the question").click()
    expect(marks.first).to_be_visible()


@pytest.fixture(scope="module")
def modules(seated: Visitor) -> Page:
    """The page, with two of the stage's modules as ``comparisons_`` and ``features_``."""
    for name in ("comparisons", "features"):
        address = seated.server.address + static.address(f"{name}.js")
        seated.page.evaluate(
            "async ([name, address]) => { window[`${name}_`] = await import(address); }", [name, address]
        )
    return seated.page


@pytest.mark.parametrize(
    ("was", "now", "judged"),
    [
        ((0.9, [0.8, 0.95]), (0.96, [0.94, 0.97]), "within"),
        ((0.9, [0.8, 0.95]), (0.97, [0.96, 0.98]), "apart"),
        ((0.97, [0.96, 0.98]), (0.9, [0.8, 0.95]), "apart"),
        ((0.9, [0.8, 0.95]), (0.95, [0.95, 0.95]), "within"),  # they touch
        ((0.9, [0.9]), (0.5, [0.5]), "lone"),
        ((0.9, []), (0.5, []), "lone"),
        ((0.9, [0.8, 0.95]), (0.9, [0.85, 0.99]), "same"),
    ],
)
def test_only_what_lies_outside_the_spread_is_called_a_change(
    modules: Page, was: tuple[float, list[float]], now: tuple[float, list[float]], judged: str
) -> None:
    sides = [{"value": value, "spread": spread} for value, spread in (was, now)]
    assert modules.evaluate("([was, now]) => comparisons_.judged(was, now)", sides) == judged


@pytest.mark.parametrize(
    ("text", "variants"),
    [
        ("Batch norm", ["batch"]),
        ("No normalization, Layer norm, RMS norm", ["none", "layer", "rms"]),
        ("batch norm with noise", ["noisy_batch"]),
        ("Without normalization", ["none"]),
        ("Batch norm → Mixup", ["batch"]),
        ("before the activation", []),
    ],
)
def test_variants_are_known_by_the_names_that_sentences_give_them(
    modules: Page, text: str, variants: list[str]
) -> None:
    labels = {style.label.lower(): norm for norm, style in STYLES.items()}
    assert modules.evaluate("([text, labels]) => features_.named(text, labels)", [text, labels]) == variants
