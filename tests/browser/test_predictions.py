"""Predict, then run: covered means not there, the answer is the recording's, and keys are enough."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from normviz.figures import landscape, lr_init, noisy_bn, signal, train
from normviz.figures.bound import Figure, lookup, now
from normviz.figures.forgotten_eval import prediction
from normviz.figures.predictions import Prediction, Sketch
from normviz.frames import Array, Frame, Note, Recording, Schema
from normviz.lab.runs import record
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.forgotten_eval_frames import BATCH_SIZES
from normviz.specs.landscape import Landscape
from normviz.specs.lr_init import LrInit
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.signal import Signal
from normviz.specs.train import Train
from normviz.ui import static
from tests.browser.visitors import Server, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
SMALL = ForgottenEval(epochs=1, width=32, depth=2, seeds=1)
HELD = "() => document.querySelector('.nv-status')?.textContent.startsWith('Held')"
DRAWN = """key => {
  const { data } = chart(key);
  return data.filter(({ x, y, z }) => [x, y, z].some((one) => one?.length)).length;
}"""


def address(spec: ForgottenEval = SMALL, **more: str) -> str:
    return "forgotten-eval?" + urlencode({**spec.to_query(), **more})


def held(visit: Visit, spec: ForgottenEval = SMALL, **context: Any) -> Visitor:
    """A visitor before whom the run waits for a guess; with reduced motion the rest then comes at once."""
    visitor = visit(**{"reduced_motion": "reduce", **context})
    visitor.open(address(spec), predict=True).wait_for_function(HELD)
    visitor.wait("status", "done")
    return visitor


def chart(page: Page, key: str) -> Locator:
    return page.locator(f'.nv-figure[data-key="{key}"]')


def told(page: Page) -> str:
    return page.locator(".nv-told").inner_text()


def measured(visitor: Visitor) -> str:
    """The answer, from the numbers that the browser has received."""
    at = {n: BATCH_SIZES.index(n) for n in (2, 8, 32)}
    found = visitor.page.evaluate(
        """places => {
            const { recording } = stage().run;
            const i = recording.schema.place("shuffled");
            return places.map((at) => recording.at(i, recording.length - 1)[at]);
        }""",
        list(at.values()),
    )
    return prediction(SMALL).answer.format(**{f"at_{n}": one for n, one in zip(at, found, strict=True)})


# --- the page ---------------------------------------------------------------------------------------


def test_what_is_covered_is_not_there(visit: Visit) -> None:
    """No numbers in the document, whoever looks for them; the cover is as large as the chart after it."""
    visitor = held(visit, reduced_motion="no-preference")
    page = visitor.page
    question = prediction(SMALL)
    expect(page.locator(".nv-asks")).to_have_text(question.question)
    sizes = {}
    for key in question.covers:
        chart(page, key).scroll_into_view_if_needed()
        page.wait_for_function("key => chart(key)", arg=key)
        assert page.evaluate(DRAWN, key) == 0
        assert "until you have" in (chart(page, key).locator(".nv-plot").get_attribute("aria-label") or "")
        sizes[key] = chart(page, key).bounding_box()
    assert visitor.state()["last"] < visitor.state()["frames"] - 1
    for key in ("End", "ArrowRight", "Space", "Space"):
        page.locator(".nv-stage").press(key)
    assert visitor.state()["frame"] == visitor.state()["last"]
    assert "Act 2" not in page.locator(".nv-reading").inner_text()
    page.get_by_role("button", name="This is my guess").click()
    visitor.wait("playing", "false")
    for key in question.covers:
        visitor.show(key)
        assert page.evaluate(DRAWN, key) > 0
        after = chart(page, key).bounding_box()
        assert after is not None
        assert sizes[key] is not None
        assert (after["width"], after["height"]) == (sizes[key]["width"], sizes[key]["height"])


def test_a_curve_is_drawn_with_the_mouse_and_stays(visit: Visit) -> None:
    """In one stroke over all points; the answer stands beside it, in the recording's numbers."""
    visitor = held(visit)
    page = visitor.page
    chart(page, "error_by_batch_size").scroll_into_view_if_needed()
    box = page.locator(".nv-sketch").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + box["height"] / 2, steps=15)
    page.mouse.up()
    drawn = page.locator(".nv-point").evaluate_all(
        "all => all.map((one) => +one.getAttribute('aria-valuenow'))"
    )
    np.testing.assert_allclose(drawn, 50, atol=1)
    page.get_by_role("button", name="This is my guess").click()
    visitor.wait("playing", "false")
    visitor.settled()
    assert told(page) == f"At batch 2 you said {drawn[0]:.0f}%. {measured(visitor)}"
    line = visitor.data("error_by_batch_size")[-1]
    assert (line["x"], line["y"]) == ([2, 8, 32], drawn)
    assert page.locator(".nv-sketch").count() == 0


def test_it_works_by_keyboard_alone(visit: Visit) -> None:
    visitor = held(visit)
    page = visitor.page
    chart(page, "error_by_batch_size").scroll_into_view_if_needed()
    point = page.locator(".nv-point").first
    expect(point).to_have_attribute("aria-valuetext", "2%")
    point.focus()
    for key in ("PageUp", "PageUp", "ArrowUp", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    expect(point).to_have_attribute("aria-valuetext", "23%")
    before = visitor.state()["frame"]
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    visitor.wait("question", "answered")
    visitor.wait("playing", "false")
    assert visitor.state()["frame"] > before
    assert told(page).startswith("At batch 2 you said 23%.")
    assert page.evaluate("() => document.activeElement.className") == "nv-told"


def test_an_answer_is_not_asked_for_again(visit: Visit) -> None:
    """Another setting answers the same guess, and says that it was for others."""
    visitor = held(visit)
    page = visitor.page
    page.get_by_role("button", name="This is my guess").click()
    visitor.wait("playing", "false")
    run = visitor.state()["run"]
    page.get_by_role("button", name="CNN").or_(page.get_by_role("radio", name="CNN")).first.click()
    page.wait_for_function("run => stage().state().run !== run && stage().state().staged", arg=run)
    page.wait_for_function("() => document.querySelector('.nv-told').textContent.includes('Measured')")
    assert "That was for other settings." in told(page)
    visitor.wait("question", "answered")
    expect(page.locator(".nv-cover:visible")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_skipping_on_a_phone(visit: Visit, scheme: str) -> None:
    visitor = held(visit, viewport={"width": 390, "height": 844}, color_scheme=scheme, has_touch=True)
    page = visitor.page
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    chart(page, "error_by_batch_size").scroll_into_view_if_needed()
    box = page.locator(".nv-point").last.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    page.get_by_role("button", name="Skip").click()
    visitor.wait("question", "skipped")
    visitor.wait("playing", "false")
    visitor.settled()
    assert told(page) == measured(visitor)


def test_a_teacher_can_turn_it_off(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open(address(predict="0"), predict=True)
    page.wait_for_function(
        "() => document.querySelector('.nv-stage')?.normviz && stage().state().frames > 60"
    )
    assert visitor.state()["question"] == ""
    expect(page.locator(".nv-question")).to_be_hidden()


# --- the other pages -----------------------------------------------------------------------------------

_LOOK: dict[str, Any] = {"depth": 3, "width": 32, "batch_size": 32, "seeds": 2}
ASKED: dict[str, tuple[str, Any, Any]] = {
    "signal": ("signal?", signal, Signal(groups=4, **(_LOOK | {"depth": 12}))),
    "train": ("train?", train, Train(steps=50, every=10, groups=4, **_LOOK)),
    "landscape": ("why?question=landscape&", landscape, Landscape(steps=20, every=5, **_LOOK)),
    "noisy_bn": ("why?question=noisy_bn&", noisy_bn, NoisyBN(steps=20, every=5, **_LOOK)),
    "lr_init": ("why?question=lr_init&", lr_init, LrInit(grid=5, depth=2, steps=50)),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_page_asks_first_and_then_says_what_its_recording_holds(visit: Visit, name: str) -> None:
    """Nothing of the covered charts is in the document before; the choice that is measured is marked."""
    path, module, spec = ASKED[name]
    question, recording = module.prediction(spec), record(spec)
    visitor = visit(reduced_motion="reduce")
    page = visitor.open(path + urlencode(spec.to_query()), predict=True)
    visitor.wait("status", "done")
    expect(page.locator(".nv-asks")).to_have_text(question.question)
    covered = next(key for key in question.covers if chart(page, key).is_visible())
    chart(page, covered).scroll_into_view_if_needed()
    page.wait_for_function("key => chart(key)", arg=covered)
    assert page.evaluate(DRAWN, covered) == 0
    seen = [recording.frame(k).notes for k in range(visitor.state()["frame"] + 1)]
    told_before = [note.id for note in next(notes for notes in reversed(seen) if notes)]
    assert page.locator(".nv-reading li").count() == sum(id_ not in question.notes for id_ in told_before)
    if question.numbers:
        page.locator(".nv-number input").last.fill("80")
        page.get_by_role("button", name="This is my guess").click()
        said = question.said.format(plain=50, normed=80)
    else:
        page.get_by_role("button", name=question.choices[0], exact=True).click()
        said = f"You said {question.choices[0]}."
    visitor.wait("playing", "false")
    numbers = {name: float(lookup(ref, recording, -1, {})) for name, ref in question.measured.items()}
    if question.right:
        numbers["right"] = question.choices[int(lookup(question.right, recording, -1, {}))]
        marked = page.locator(".nv-question .nv-right")
        expect(marked).to_have_count(1)
        expect(marked).to_have_attribute("aria-label", f"{numbers['right']} (as measured)")
    expect(page.locator(".nv-told")).to_have_text(f"{said} {question.answer.format(**numbers)}")
    visitor.show(covered)
    assert page.evaluate(DRAWN, covered) > 0


def test_a_guess_that_other_settings_do_not_offer_is_asked_for_again(visit: Visit) -> None:
    """The words count, not their place: a variant that has moved up is still the one that was named."""
    visitor = visit(reduced_motion="reduce")
    _, _, spec = ASKED["train"]
    page = visitor.open("train?" + urlencode(spec.to_query()), predict=True)
    visitor.wait("status", "done")
    page.get_by_role("button", name="layer norm", exact=True).click()
    visitor.wait("question", "answered")
    for norms, state in ((("none", "batch"), "open"), (("none", "layer"), "answered")):
        page.goto(f"{visitor.server.address}train?{urlencode(spec.replace(norms=norms).to_query())}")
        visitor.wait("question", state)
    visitor.wait("status", "done")
    expect(page.locator(".nv-told")).to_contain_text("You said layer norm. That was for other settings.")


# --- questions with choices, in the modules alone ----------------------------------------------------

FIGURE = Figure("errors", "Errors", ({"type": "bar", "y": now("error")},), {}, alt="Errors.")
QUESTION = Prediction(
    key="test", question="How much?", covers=("errors",), choices=("5%", "half"), until=now("error", 1),
    answer="Measured: {error:.1f}%.", measured={"error": now("error", 1)}, notes=("late",),
)  # fmt: skip


@pytest.fixture(scope="module")
def modules(chromium: Browser, server: Server) -> Iterator[Page]:
    """A blank page of our origin with the modules as ``predictions_`` and so on."""
    page = chromium.new_page()
    page.goto(server.address + "_stcore/health")
    for name in ("frames", "predictions", "question"):
        page.evaluate(
            "async ([name, address]) => { window[name] = await import(address); }",
            [f"{name}_", server.address + static.address(f"{name}.js")],
        )
    yield page
    page.close()


def test_a_choice_is_answered_by_the_recording(modules: Page) -> None:
    """The set-up lasts until element 1 holds a number; the guess is remembered, the answer is not."""
    schema = Schema((Array("error", (2,), "f4", ("i",)),))
    values = [[np.nan, np.nan], [3, np.nan], [3, 47.2]]
    recording = Recording(schema)
    for step, value in enumerate(values):
        frame = Frame(step, {"error": np.asarray(value, "f4")}, (Note("late", {}),))
        recording.append(schema.encode(frame))
    sent = [base64.b64encode(recording.data(k)).decode() for k in range(len(recording))]
    found = modules.evaluate(
        """([told, figure, schema, sent]) => {
            sessionStorage.clear();
            const recording = new frames_.Recording(new frames_.Schema(JSON.parse(schema)));
            sent.forEach((one, k) => recording.put(k, Uint8Array.from(atob(one), (c) => c.charCodeAt(0))));
            const question = new predictions_.Question(told, "run");
            const card = new question_.Card({ guess: (guess) => question.answer(guess) });
            const show = () => {
                card.set(question);
                card.tell(question, recording, 2, {});
                return card.root.innerText;
            };
            document.body.replaceChildren(card.root);
            const before = { text: show(), limit: question.limit(recording), hides: question.hides("late") };
            before.traces = question.shown(figure).data.length;
            card.root.querySelectorAll("button")[1].click();
            const after = { text: show(), limit: question.limit(recording), hides: question.hides("late") };
            after.limit = after.limit === Infinity;
            after.traces = question.shown(figure).data.length;
            const later = question.verdict(recording, 1, {});
            const again = new predictions_.Question(told, "another run");
            const other = new predictions_.Question({ ...told, choices: ["5%"] }, "run");
            return { before, after, later, again: again.verdict(recording, 2, {}), fits: !other.open };
        }""",
        [QUESTION.to_plain((FIGURE,)), FIGURE.to_plain(), schema.to_json(), sent],
    )
    before, after = found["before"], found["after"]
    assert (before["limit"], before["hides"], before["traces"]) == (1, True, 0)
    assert "47" not in before["text"]
    assert (after["limit"], after["hides"], after["traces"]) == (True, False, 1)
    assert "You said half. Measured: 47.2%." in after["text"]
    assert found["later"] == "You said half. What is measured will stand here."
    assert found["again"] == "You said half. That was for other settings. Measured: 47.2%."
    assert not found["fits"]


def test_only_named_notes_and_figures_wait(modules: Page) -> None:
    sketch = Sketch("errors", (1, 2), 0, "{y:.0f}")
    told_ = Prediction(key="none", question="?", covers=("errors",), sketch=sketch, answer="", measured={})
    found = modules.evaluate(
        """([told, figure]) => {
            sessionStorage.clear();
            const question = new predictions_.Question(told, "run");
            const other = { ...figure, key: "other" };
            const none = new predictions_.Question(undefined, "run");
            const same = [question.shown(other) === other, none.shown(figure) === figure];
            return [question.hides("x"), ...same, none.open];
        }""",
        [told_.to_plain((FIGURE,)), FIGURE.to_plain()],
    )
    assert found == [False, True, True, False]
