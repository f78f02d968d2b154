"""Predictions: what is refused, and what the browser is told."""

import json

import pytest

from normviz.figures import forgotten_eval
from normviz.figures.bound import Figure, lookup, now
from normviz.figures.predictions import Prediction, Sketch
from normviz.frames import Recording
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.forgotten_eval_frames import BATCH_SIZES

FIGURE = Figure("errors", "Errors", (), {}, alt="")


def asked(**given):
    told = {"key": "k", "question": "?", "covers": ("errors",), "answer": "{x}", "measured": {"x": now("x")}}
    return Prediction(**{**told, **given})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"choices": ("one",)},
        {"choices": ("a", "b", "c", "d", "e")},
        {"choices": ("a", "b"), "sketch": Sketch("errors", (1, 2), 0, "{y}")},
        {"sketch": Sketch("other", (1, 2), 0, "{y}")},
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(given):
    with pytest.raises(ValueError, match="prediction 'k'"):
        asked(**given)


def test_only_what_is_on_the_stage_can_be_covered():
    question = asked(choices=("a", "b"), covers=("errors", "elsewhere"))
    with pytest.raises(ValueError, match="elsewhere"):
        question.to_plain((FIGURE,))


def test_the_browser_is_told_plain_values_and_no_answer():
    question = asked(sketch=Sketch("errors", (2, 8), 5, "{y:.0f}%"), until=now("x", 3))
    told = question.to_plain((FIGURE,))
    assert json.loads(json.dumps(told)) == told
    assert told["until"] == {"ref": "x", "index": [3], "when": "now"}
    assert told["measured"] == {"x": {"ref": "x", "index": [], "when": "now"}}


@pytest.mark.parametrize("spec", [ForgottenEval(), ForgottenEval(network="cnn", norm="group")])
def test_the_question_about_eval_refers_to_what_is_recorded(spec):
    question = forgotten_eval.prediction(spec)
    empty = Recording(spec.schema())
    for ref in (*question.measured.values(), question.until):
        lookup(ref, empty, 0, {})  # raises if there is no such array
    question.to_plain(tuple(forgotten_eval.figures(spec)))
    assert set(question.sketch.x) <= set(BATCH_SIZES)
