"""The page Batch size in a real Chromium: both questions, true to a fresh computation, and the prediction."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import expect

from normviz.lab import runs
from normviz.readings import TEMPLATES
from normviz.spec import Spec
from normviz.specs.batch_size import BatchSize
from normviz.specs.regularization import Regularization
from tests.browser.visitors import Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
PATIENCE = 60_000  # ms; a busy machine is no fault of the page
SMALL = BatchSize(epochs=1, width=32, depth=2, seeds=2)
FEW = Regularization(steps=100, width=32, depth=2, seeds=3)


def address(spec: Spec) -> str:
    asked = {} if spec.name == BatchSize.name else {"question": spec.name}
    return "batch-size?" + urlencode(asked | spec.to_query())


recorded = cache(runs.record)
"""The recording of a spec, computed once."""


def told(spec: Spec) -> list[str]:
    return [printed(TEMPLATES[note.id], note.numbers) for note in recorded(spec).frame(-1).notes]


def test_errors_and_cases_are_those_of_a_fresh_computation(visit: Visit) -> None:
    visitor, truth = visit(), recorded(SMALL)
    page = visitor.play(address(SMALL))
    expect(page.get_by_role("heading", level=2).first).to_have_text(BatchSize.title, timeout=PATIENCE)
    drawn = [one for one in visitor.data("error_by_batch_size") if one["ghost"] is None]
    assert [one["variant"] for one in drawn] == list(SMALL.variants)
    for v, one in enumerate(drawn):
        assert np.allclose(one["y"], truth.at("error_mean")[v], rtol=1e-6)
    (batch, group) = [one for one in visitor.data("error_by_batch_size") if one["ghost"] is False]
    assert np.allclose([batch["y"][0], group["y"][0]], truth.at("accumulated_mean")[:, 0], rtol=1e-6)
    cases = visitor.data("batches_of_one")
    rows = sorted(y for one in cases if one["x"][0] == 0 for y in one["y"] if y is not None)
    assert rows == list(range(14))
    assert page.locator(".nv-reading li").all_text_contents() == told(SMALL)


def test_a_control_changes_what_is_trained(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(address(SMALL))
    before = visitor.data("error_by_batch_size")[1]["y"]
    page.get_by_role("combobox", name="What changes").click()
    page.get_by_role("option", name="the real batch").click()
    spec = SMALL.replace(changes="batch")
    page.wait_for_selector(f'.nv-stage[data-run="{spec.key}"][data-status="done"]')
    page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
    visitor.settled()
    assert "changes=batch" in page.url
    drawn = {one["variant"]: one["y"] for one in visitor.data("error_by_batch_size") if one["ghost"] is None}
    truth = recorded(spec)
    assert np.allclose(drawn["batch"], truth.at("error_mean")[spec.variants.index("batch")], rtol=1e-6)
    assert "ghost_batch" in drawn
    assert drawn["batch"] != before


def test_the_prediction_is_asked_before_the_answer_is_seen(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(address(SMALL), predict=True)
    choice = page.get_by_text("ten times as often, or more")
    choice.wait_for()
    assert "unstable" not in page.locator(".nv-stage").inner_text()
    choice.click()
    truth, v = recorded(SMALL), SMALL.variants.index("batch")
    answer = f"{truth.at('ended')[v, 0]:.3g}% at 2"
    expect(page.locator(".nv-stage")).to_contain_text(answer, timeout=PATIENCE)


def test_the_other_question_has_its_own_settings_and_charts(visit: Visit) -> None:
    visitor, truth = visit(), recorded(FEW)
    page = visitor.play(address(FEW))
    marks = [one for one in visitor.data("test_errors") if len(one["x"]) == 1]
    assert np.allclose([one["x"][0] for one in marks], truth.at("test_error_mean")[:, 0], rtol=1e-6)
    differences = visitor.data("differences")[-1]["x"]
    assert np.allclose(differences, truth.at("difference_interval")[0], rtol=1e-5, atol=1e-6)
    assert page.locator(".nv-reading li").all_text_contents() == told(FEW)
    page.get_by_role("radio", name="Error against batch size").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(BatchSize.title, timeout=PATIENCE)
    assert "n_train" not in page.url


@pytest.mark.parametrize("spec", [SMALL, FEW], ids=["batch_size", "regularization"])
def test_a_telephone_shows_everything_within_its_width(visit: Visit, spec: Spec) -> None:
    visitor = visit(viewport={"width": 390, "height": 844})
    page = visitor.play(address(spec))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for box in page.locator(".nv-figure:visible").all():
        edges = box.bounding_box()
        assert edges is not None
        assert edges["x"] + edges["width"] <= 390
