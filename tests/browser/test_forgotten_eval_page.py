"""The page Forgot eval() in a real Chromium: alive without a click, and true to what the lab measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from normviz.figures.bound import resolve
from normviz.figures.forgotten_eval import figures
from normviz.frames import Frame, Recording, Schema
from normviz.lab.experiments.forgotten_eval import run
from normviz.readings import TEMPLATES
from normviz.specs.forgotten_eval import ForgottenEval
from tests.browser.visitors import Server, Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
SMALL = ForgottenEval(epochs=2, width=32, depth=2, seeds=2)


def address(spec: ForgottenEval) -> str:
    return "forgotten-eval?" + urlencode(spec.to_query())


@pytest.fixture(scope="module")
def truth() -> Recording:
    """The run of the spec, computed here."""
    frames = run(SMALL)
    schema = next(frames)
    assert isinstance(schema, Schema)
    recording = Recording(schema)
    for frame in frames:
        assert isinstance(frame, Frame)
        recording.append(schema.encode(frame))
    return recording


@pytest.fixture(scope="module")
def seated(chromium: Browser, server: Server) -> Iterator[Visitor]:
    """A visitor who has watched the whole run, live, with all charts open."""
    visitor = Visitor(chromium, server)
    page = visitor.open(address(SMALL))
    page.wait_for_selector(".nv-stage")
    page.locator(".nv-more").click()
    visitor.wait("status", "done")
    page.evaluate("() => { stage().seek(1e9); stage().pause(); }")
    visitor.settled()
    yield visitor
    assert not visitor.faults, visitor.faults
    visitor.context.close()


def own_traces(visitor: Visitor, key: str) -> list[dict[str, Any]]:
    return [trace for trace in visitor.data(key) if not trace["ghost"]]


def test_it_is_alive_without_a_click(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("forgotten-eval")
    expect(page.get_by_role("heading", level=1)).to_have_text(ForgottenEval.title)
    page.wait_for_function(
        "() => document.querySelector('.nv-stage')?.normviz && stage().state().frames > 5"
        " && (chart('error_curves')?.data ?? []).some(({ y }) => y?.length > 3)"
    )
    expect(page.locator(".nv-figure")).to_have_count(len(figures(ForgottenEval())))
    shown = [one.key for one in figures(ForgottenEval()) if not one.expert]
    for key in shown:
        expect(page.locator(f'.nv-figure[data-key="{key}"]')).to_be_visible()


@pytest.mark.parametrize("key", [figure.key for figure in figures(SMALL)])
def test_a_chart_holds_what_the_lab_measured(seated: Visitor, truth: Recording, key: str) -> None:
    """At the end and in the middle of the measurements."""
    figure = next(one for one in figures(SMALL) if one.key == key)
    for frame in (len(truth) - 1, len(truth) - 30):
        seated.seek(frame)
        told = resolve(figure, truth, frame, {"layer": 0})["data"]
        for drawn, own in zip(own_traces(seated, key), told, strict=True):
            for axis in "xyz":
                if axis in own and not isinstance(own[axis][:1], list):
                    mine = np.asarray(own[axis], np.float64)
                    page = np.asarray(drawn[axis], np.float64).reshape(mine.shape)
                    np.testing.assert_array_equal(page, mine)


def test_lines_keep_their_names_while_they_grow(seated: Visitor) -> None:
    seated.show("error_by_batch_size")
    texts = seated.page.locator('.nv-figure[data-key="error_by_batch_size"] .textpoint')
    shown = {text.strip() for text in texts.all_text_contents()}
    assert {"train mode, shuffled", "train mode, sorted by class", "eval mode"} <= shown


def test_labels_stand_in_their_cells(seated: Visitor, truth: Recording) -> None:
    seated.seek(len(truth) - 1)
    seated.show("changed_labels")
    texts = seated.page.locator('.nv-figure[data-key="changed_labels"] .heatmap-label').all_text_contents()
    labels = truth.at("flip_labels")
    assert len(texts) == np.isfinite(labels).sum()
    assert sorted(texts) == sorted(str(int(label)) for label in labels[np.isfinite(labels)])


def test_what_to_look_for_is_said_in_numbers(seated: Visitor, truth: Recording) -> None:
    seated.seek(len(truth) - 1)
    said = seated.page.locator(".nv-reading").text_content() or ""
    notes = {note.id: note.numbers for note in truth.frame(-1).notes}
    assert "forgotten_eval.one_raises" in notes
    for name in ("forgotten_eval.one_raises", "forgotten_eval.flips", "forgotten_eval.damaged"):
        assert printed(TEMPLATES[name], notes[name]) in said


def test_five_sentences_are_shown_at_first(seated: Visitor, truth: Recording) -> None:
    seated.seek(len(truth) - 1)
    shown = seated.page.locator(".nv-reading li:visible")
    n = len(truth.frame(-1).notes)
    expect(shown).to_have_count(5)
    seated.page.get_by_role("button", name=f"{n - 5} more").click()
    expect(shown).to_have_count(n)
    seated.page.get_by_role("button", name="Less", exact=True).click()
    expect(shown).to_have_count(5)


def test_another_network_and_a_reload(visit: Visit) -> None:
    """A control starts the CNN, the address keeps it, and it takes the batch of one without a word."""
    visitor = visit()
    page = visitor.open(address(SMALL.replace(seeds=1, batch_size=16)))
    page.wait_for_function("() => document.querySelector('.nv-stage')?.normviz && stage().state().frames > 3")
    before = visitor.state()["run"]
    page.get_by_role("button", name="CNN").or_(page.get_by_role("radio", name="CNN")).first.click()
    page.wait_for_function("before => stage().state().run !== before && stage().state().staged", arg=before)
    page.wait_for_url("**network=cnn*")
    after = visitor.state()["run"]
    page.reload()
    page.wait_for_function(
        "after => document.querySelector('.nv-stage')?.normviz && stage().state().run === after", arg=after
    )
    page.set_default_timeout(180_000)
    visitor.wait("status", "done")
    page.evaluate("() => { stage().seek(1e9); stage().pause(); }")
    visitor.settled()
    expect(page.locator(".nv-reading")).to_contain_text("Batch 1 passes without a word")
    at_one = own_traces(visitor, "error_by_batch_size")[-1]["y"][0]
    assert at_one > 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(visit: Visit, scheme: str) -> None:
    visitor = visit(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = visitor.play(address(SMALL))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for figure in figures(SMALL)[:3]:
        visitor.show(figure.key)
        box = page.locator(f'.nv-figure[data-key="{figure.key}"] .nv-plot').bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
