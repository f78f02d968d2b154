"""The browser's Back button: each change is a step, and a step back restores settings, charts, question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from normviz.figures.bound import Figure
from normviz.figures.sequences import figures as of_sequences
from normviz.spec import Spec
from normviz.specs.batch_size import BatchSize
from normviz.specs.scale import Scale
from normviz.specs.sequences import Sequences
from normviz.specs.train import Train
from normviz.ui import small_batches, train, why
from normviz.ui.question import Question
from tests.browser.visitors import Visitor, opened

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
PATIENCE = 30_000  # ms; a busy machine is no fault of the page
SEQUENCES = Sequences(steps=50, depth=1, width=16, seeds=1, batch_size=16, deepest=8, deep_width=16)


@dataclass(frozen=True)
class Walk:
    """A page with questions; where a walk through it begins, with small runs; a slider there."""

    path: str
    questions: tuple[Question, ...]
    begin: Spec
    slider: tuple[str, str]
    """Its field and its label."""

    def address(self) -> str:
        return f"{self.path}?" + urlencode({"question": self.begin.name, **self.begin.to_query()})

    def figures(self, spec: Spec) -> list[Figure]:
        return next(one.figures(spec) for one in self.questions if isinstance(spec, one.spec))


WALKS = (
    Walk(
        "train", tuple(train.QUESTIONS),
        Train(norms=("none", "batch"), depth=2, width=16, steps=50, seeds=1, every=10), ("depth", "Depth"),
    ),
    Walk(
        "batch-size", tuple(small_batches.QUESTIONS),
        BatchSize(norms=("none", "batch"), depth=1, width=16, seeds=1, epochs=4), ("lr", "Learning rate"),
    ),
    Walk(
        "why", tuple(why.QUESTIONS),
        Scale(norms=("none", "batch"), depth=2, width=16), ("layer", "Layer"),
    ),
)  # fmt: skip


def norm(page: Page, label: str) -> Locator:
    """The control that switches a normalization."""
    return page.get_by_role("toolbar", name="Normalizations").get_by_role("button", name=label, exact=True)


def choose(page: Page, field: str, option: str) -> None:
    """Take an option of a list."""
    opened(page, field)
    page.get_by_role("option", name=option, exact=True).click()


def shows(visitor: Visitor, spec: Spec, figures: list[Figure], *, done: bool = True) -> None:
    """Title, address, controls and charts are those of a spec."""
    page = visitor.page
    page.wait_for_selector(f'.nv-stage[data-run="{spec.key}"]', timeout=PATIENCE)
    told = dict(parse_qsl(urlsplit(page.url).query))
    assert type(spec).from_query(told) == (spec, [])
    norms = spec.values().get("norms")
    for name, label in (("none", "None"), ("batch", "Batch norm"), ("layer", "Layer norm")):
        if norms is not None:
            pressed = "true" if name in norms else "false"
            expect(norm(page, label)).to_have_attribute("aria-pressed", pressed, timeout=PATIENCE)
    first = figures[0]
    expect(page.locator(".nv-figure:visible .nv-title").first).to_have_text(first.title, timeout=PATIENCE)
    if not done:
        return
    page.wait_for_selector('.nv-stage[data-status="done"]', timeout=PATIENCE)
    page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
    visitor.settled()
    declared = {trace.get("meta", {}).get("variant") for trace in first.traces}
    drawn = [one for one in visitor.data(first.key) if not one["ghost"]]
    assert {one["variant"] for one in drawn} == declared
    assert all(one["x"] or one["y"] or one["z"] for one in drawn if one["variant"])


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.path)
def test_back_through_a_question_and_two_settings(visit: Visit, walk: Walk) -> None:
    visitor = visit()
    page = visitor.open(walk.address())
    steps = [walk.begin]
    shows(visitor, steps[0], walk.figures(steps[0]))

    norm(page, "Layer norm").click()
    steps.append(steps[0].replace(norms=("none", "batch", "layer")))
    shows(visitor, steps[1], walk.figures(steps[1]))

    field, label = walk.slider
    page.get_by_role("slider", name=label).first.press("ArrowRight")
    page.wait_for_function("key => stage().state().run !== key", arg=steps[1].key)
    found, problems = type(walk.begin).from_query(dict(parse_qsl(urlsplit(page.url).query)))
    assert not problems
    assert found == steps[1].replace(**{field: getattr(found, field)}) != steps[1]
    steps.append(found)
    shows(visitor, steps[2], walk.figures(steps[2]))

    other = next(one for one in walk.questions if not isinstance(walk.begin, one.spec))
    page.get_by_role("radio", name=other.label, exact=True).click()
    asked = other.spec()
    shows(visitor, asked, walk.figures(asked), done=False)

    for spec in reversed(steps):
        page.go_back()
        shows(visitor, spec, walk.figures(spec))
    page.go_forward()
    shows(visitor, steps[1], walk.figures(steps[1]))


def test_back_on_sequences_after_an_answer_and_two_settings(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("sequences?" + urlencode(SEQUENCES.to_query()), predict=True)
    page.wait_for_selector(f'.nv-stage[data-run="{SEQUENCES.key}"]')
    page.get_by_role("button", name="nobody's", exact=True).click()
    shows(visitor, SEQUENCES, of_sequences(SEQUENCES))

    choose(page, "Network", "RNN")
    rnn = SEQUENCES.replace(network="rnn")
    shows(visitor, rnn, of_sequences(rnn))

    norm(page, "Layer norm").click()
    fewer = rnn.replace(norms=tuple(one for one in rnn.norms if one != "layer"))
    shows(visitor, fewer, of_sequences(fewer))

    for spec, network in ((rnn, "RNN"), (SEQUENCES, "Transformer")):
        page.go_back()
        shows(visitor, spec, of_sequences(spec))
        expect(page.get_by_role("combobox", name="Network")).to_have_value(network, timeout=PATIENCE)
    expect(page.get_by_text("You said nobody's.")).to_be_visible(timeout=PATIENCE)
