"""What visitors take away: from a live page, and the file of a whole run opened without a network."""

from __future__ import annotations

import base64
import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from normviz.export import script, tables
from normviz.exporting import files
from normviz.figures.bound import resolve
from normviz.figures.train import figures
from normviz.frames import Recording
from normviz.lab.runs import record
from normviz.specs.anatomy import Anatomy
from normviz.specs.start import Start
from normviz.specs.train import Train
from normviz.ui import static
from normviz.ui.offline import computing, offline
from normviz.ui.playable import playable
from tests.browser.visitors import HELPERS, SETTLED, SHOWN, Server, Visitor
from tests.export.shipped import shipped

pytestmark = pytest.mark.browser

SPEC = Train(norms=("none", "batch"), depth=2, width=32, steps=50, seeds=2)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(SPEC)


@pytest.mark.parametrize("frame", [None, 3])
def test_tables_are_the_same_in_both_languages(
    chromium: Browser, server: Server, recording: Recording, frame: int | None
) -> None:
    page = chromium.new_page()
    page.goto(server.address + "_stcore/health")
    shown = figures(SPEC)
    found = page.evaluate(
        """async ([tables, frames, data, figures, frame]) => {
            const { csv } = await import(tables);
            const { readRecording } = await import(frames);
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const { recording } = readRecording(bytes);
            return figures.map((figure) => csv(figure, recording, frame, { layer: 1 }));
        }""",
        [
            *(server.address + static.address(f"{name}.js") for name in ("tables", "frames")),
            base64.b64encode(recording.to_bytes()).decode(),
            [figure.to_plain() for figure in shown],
            frame,
        ],
    )
    page.close()
    assert len(found) == len(shown) > 5
    for figure, text in zip(shown, found, strict=True):
        assert text == tables.csv(figure, recording, frame, {"layer": 1}), figure.key


@pytest.fixture(scope="module")
def alone(
    chromium: Browser, recording: Recording, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """The whole run as a file, opened where there is no network."""
    path = tmp_path_factory.mktemp("run") / "run.html"
    path.write_text(
        offline(SPEC, playable(SPEC, figures(SPEC)), recording, origin="python -m normviz run train")
    )
    context = chromium.new_context(offline=True, viewport={"width": 1400, "height": 1000})
    context.add_init_script(HELPERS)
    page = context.new_page()
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"{error}"))
    page.on("console", lambda told: faults.append(told.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function(SETTLED)
    yield page
    assert not faults
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    context.close()


def numbers(values: Any) -> Any:
    """As the page hands them over: lists, None for what is no number."""
    plain = np.asarray(values, float).tolist()
    return json.loads(json.dumps(plain).replace("NaN", "null"))


@pytest.mark.parametrize("frame", [0, 3, -1])
def test_the_file_shows_the_recording(alone: Page, recording: Recording, frame: int) -> None:
    k = range(len(recording))[frame]
    if alone.locator(".nv-more").get_attribute("aria-expanded") == "false":
        alone.locator(".nv-more").click()
    alone.evaluate("k => { stage().pause(); stage().seek(k); }", k)
    alone.wait_for_function(SETTLED)
    for figure in figures(SPEC):
        place = alone.locator(f'.nv-figure[data-key="{figure.key}"]')
        if not place.is_visible():
            continue
        place.evaluate("e => e.scrollIntoView({ block: 'center' })")
        alone.wait_for_function(SHOWN, arg=figure.key)
        drawn = alone.evaluate("key => chartData(key)", figure.key)
        wanted = resolve(figure, recording, k, {"layer": 0})["data"]
        assert len(drawn) == len(wanted)
        for trace, other in zip(drawn, wanted, strict=True):
            for name in ("x", "y", "z"):
                if name in other and np.asarray(other[name]).dtype.kind in "fiu":
                    assert trace[name] == numbers(other[name]), (figure.key, name)


def test_the_file_plays_and_follows_the_theme(alone: Page) -> None:
    alone.evaluate("() => { stage().pause(); stage().seek(0); }")
    alone.get_by_role("button", name="Play").click()
    alone.wait_for_function("() => stage().state().frame > 2")
    alone.get_by_role("button", name="Pause").click()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = alone.evaluate(ground)
    text = "() => chart('loss').layout.template.layout.font.color"
    before = alone.evaluate(text)
    alone.emulate_media(color_scheme="dark")
    alone.wait_for_function(f"before => ({text})() !== before", arg=before)
    assert alone.evaluate(ground) != light
    alone.emulate_media(color_scheme="light")
    assert "Settings and origin" in alone.locator("header").inner_text()


@pytest.fixture(scope="module")
def seated(chromium: Browser, server: Server) -> Iterator[Visitor]:
    visitor = Visitor(chromium, server)
    visitor.play("train?norms=none,batch&depth=2&width=32&steps=50&seeds=2")
    yield visitor
    assert not visitor.faults
    visitor.context.close()


def taken(visitor: Visitor, choose: Callable[[], None], folder: Path) -> Path:
    with visitor.page.expect_download() as told:
        choose()
    path = folder / told.value.suggested_filename
    told.value.save_as(path)
    return path


def chosen(visitor: Visitor, figure: str, label: str) -> None:
    visitor.show(figure)
    menu = visitor.page.locator(f'.nv-figure[data-key="{figure}"] .nv-take')
    menu.locator("summary").click()
    menu.get_by_role("button", name=label, exact=True).click()


def test_a_chart_is_taken_as_picture_drawing_and_table(
    seated: Visitor, recording: Recording, tmp_path: Path
) -> None:
    path = taken(seated, lambda: chosen(seated, "loss", "Picture (PNG)"), tmp_path)
    assert path.name == "train-loss-step-50.png"
    size = int.from_bytes(path.read_bytes()[16:20], "big")
    width = seated.page.evaluate("() => chart('loss').clientWidth")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert size == pytest.approx(3 * width, abs=3)
    path = taken(seated, lambda: chosen(seated, "loss", "Drawing (SVG)"), tmp_path)
    words = "".join(ET.parse(path).getroot().itertext())
    assert "Training loss" in words
    assert "step 50" in words
    assert "Batch norm" in words
    path = taken(seated, lambda: chosen(seated, "hist_post", "Numbers of this frame (CSV)"), tmp_path)
    assert path.name == "train-hist_post-step-50.csv"
    figure = next(one for one in figures(SPEC) if one.key == "hist_post")
    assert path.read_text() == tables.csv(figure, recording, len(recording) - 1, {"layer": 0})
    path = taken(seated, lambda: chosen(seated, "hist_post", "Numbers of all frames (CSV)"), tmp_path)
    assert path.name == "train-hist_post.csv"
    found = {row["Training step"] for row in csv.DictReader(io.StringIO(path.read_text()))}
    assert len(found) == len(recording)


def test_the_whole_run_and_its_code_are_taken(seated: Visitor, tmp_path: Path) -> None:
    page = seated.page
    page.get_by_role("button", name="Take away", exact=False).last.click()
    path = taken(seated, page.get_by_role("button", name="Whole run (HTML)").click, tmp_path)
    text = path.read_text()
    assert path.name == "train.html"
    assert seated.server.address in text
    assert "Taken along at step" not in text
    path = taken(seated, page.get_by_role("button", name="PyTorch script").click, tmp_path)
    compile(path.read_text(), "train.py", "exec")
    path = taken(seated, page.get_by_role("button", name="Notebook").click, tmp_path)
    assert json.loads(path.read_text())["nbformat"] == 4


def test_a_page_that_computes_in_the_browser_gives_the_code_of_its_settings(
    chromium: Browser, server: Server, tmp_path: Path
) -> None:
    visitor = Visitor(chromium, server)
    page = visitor.open("?batch=8")
    page.wait_for_selector(".nvt-start[data-ready]")
    page.locator(".nvt-sorted").click()
    page.wait_for_url("**sorted=1**")
    page.get_by_role("button", name="Take away", exact=False).click()
    path = taken(visitor, page.get_by_role("link", name="PyTorch script").click, tmp_path)
    assert path.name == "normviz-start.py"
    assert path.read_text() == script(Start(batch=8, sorted=True))
    path = taken(visitor, page.get_by_role("link", name="Numbers on screen (CSV)").click, tmp_path)
    assert path.name == "normviz-start.csv"
    told = list(csv.DictReader(io.StringIO(path.read_text())))
    wrong = page.locator(".nvt-score[data-mode=train] b").inner_text()
    assert sum(row["train answer"] != row["label"] for row in told) == int(wrong) > 0
    path = taken(visitor, page.get_by_role("link", name="This page (HTML)").click, tmp_path)
    assert path.name == "normviz-start.html"
    assert '"sorted": true' in path.read_text()
    assert not visitor.faults
    visitor.context.close()


@pytest.mark.parametrize(
    ("spec", "section"),
    [(Start(batch=4, mode="train"), ".nvt-start"), (Anatomy(norm="layer", dragged="21=3"), ".nva-anatomy")],
)
def test_pages_that_compute_open_and_compute_without_a_network(
    chromium: Browser, spec: Start | Anatomy, section: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(computing(spec, origin="python -m normviz export"))
    context = chromium.new_context(offline=True, viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(f"{error}"))
    page.on("console", lambda one: told.append(one.text))
    page.on("request", lambda request: told.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(f"{section}[data-ready]")
    seen = "section => document.querySelector(section).innerText"
    before = page.evaluate(seen, section)
    page.emulate_media(color_scheme="dark")
    act = page.get_by_role("button", name="Other batch-mates") if isinstance(spec, Start) else None
    if act:
        assert page.locator(".nvt-start").get_attribute("data-mode") == "train"
        act.click()
    else:
        assert "=\n3\n" in page.locator(".nva-lines").inner_text()  # the dragged value, in the arithmetic
        page.get_by_role("radio", name="Group norm").click()
    page.wait_for_function(f"before => ({seen})('{section}') !== before", arg=before)
    page.wait_for_timeout(1200)  # nothing comes after a pause either: neither plotly.js nor an address
    assert page.url == path.as_uri()
    assert [url for url in told if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    context.close()


@pytest.mark.parametrize("name", ["signal", "sequences", "claims"])
def test_files_of_other_kinds_open_without_a_network(chromium: Browser, name: str, tmp_path: Path) -> None:
    spec, recording, shown = shipped(name)
    origin, path = "python -m normviz run", tmp_path / "run.html"
    [(_, data)] = files(spec, "html", path, [], origin, lambda _: recording)
    path.write_bytes(data)
    context = chromium.new_context(offline=True, viewport={"width": 1400, "height": 1000})
    context.add_init_script(HELPERS)
    page = context.new_page()
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(f"{error}"))
    page.on("console", lambda one: told.append(one.text))
    page.on("requestfailed", lambda request: told.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function(SETTLED)
    page.evaluate("k => { stage().pause(); stage().seek(k); }", len(recording) - 1)
    page.wait_for_function(SETTLED)
    if name == "claims":  # its charts stand in cards, closed at first
        expect(page.locator(".nv-card")).to_have_count(12)
    else:
        chart = page.locator(".nv-figure:visible").first
        chart.evaluate("e => e.scrollIntoView({ block: 'center' })")
        first = chart.get_attribute("data-key")
        page.wait_for_function(SHOWN, arg=first)
        assert first in {figure.key for figure in shown}
        assert page.evaluate("key => chartData(key)", first)
    assert not told
    context.close()
