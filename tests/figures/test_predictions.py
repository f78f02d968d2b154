"""Predictions: what is refused, and what the browser is told."""

import json
from functools import cache

import numpy as np
import pytest

from normviz.figures import forgotten_eval, landscape, lr_init, noisy_bn, signal, train
from normviz.figures.bound import Figure, Ref, lookup, now
from normviz.figures.predictions import Number, Prediction, Sketch
from normviz.frames import Recording
from normviz.lab import runs
from normviz.readings import TEMPLATES
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.forgotten_eval_frames import BATCH_SIZES
from normviz.specs.landscape import Landscape
from normviz.specs.lr_init import LrInit
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.signal import Signal
from normviz.specs.train import Train

FIGURE = Figure("errors", "Errors", (), {}, alt="")


def asked(**given):
    told = {"key": "k", "question": "?", "covers": ("errors",), "answer": "{x}", "measured": {"x": now("x")}}
    return Prediction(**{**told, **given})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"choices": ("one",)},
        {"choices": tuple("abcdefgh")},
        {"choices": ("a", "b"), "numbers": (Number("n", "n", 50),)},
        {"numbers": tuple(Number(one, one, 50) for one in "abcd")},
        {"numbers": (Number("n", "n", 50),), "right": now("x")},
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


# --- of each page: what it refers to is recorded, what it hides exists, its rule is the one it states ----

_LOOK = {"depth": 3, "width": 32, "batch_size": 32}
RACE = Train(steps=50, every=10, seeds=3, groups=4, **_LOOK)
ASKED = {
    "signal": (signal, Signal(depth=12, width=32, batch_size=16, seeds=2, groups=4)),
    "train": (train, RACE),
    "landscape": (landscape, Landscape(steps=20, seeds=2, **_LOOK)),
    "noisy_bn": (noisy_bn, NoisyBN(steps=30, seeds=2, **_LOOK)),
    "lr_init": (lr_init, LrInit(grid=5, depth=2, steps=50)),
}
record = cache(runs.record)


@pytest.fixture(params=list(ASKED))
def asking(request):
    """A question, its spec, the figures beside it, and the run that answers it."""
    module, spec = ASKED[request.param]
    return module.prediction(spec), spec, module.figures(spec), record(spec)


def measured(question, recording, k=-1):
    """The numbers of the answer at a frame."""
    return {name: np.asarray(lookup(ref, recording, k, {})) for name, ref in question.measured.items()}


def test_the_answer_is_in_the_last_frame_and_words_fit(asking):
    question, _, made, recording = asking
    assert question.to_plain(tuple(made))
    numbers = {name: float(one) for name, one in measured(question, recording).items()}
    assert all(np.isfinite(one) for one in numbers.values())
    if question.right:
        place = float(lookup(question.right, recording, -1, {}))
        numbers["right"] = question.choices[int(place)]
        assert place.is_integer()
    else:
        assert question.said.format(**{one.name: 50 for one in question.numbers})
    assert "{" not in question.answer.format(**numbers)


def test_nothing_that_tells_is_left_uncovered(asking):
    """Notes that are hidden exist; until the set-up ends there is no answer, and charts are left to see."""
    question, _, made, recording = asking
    assert all(note in TEMPLATES for note in question.notes)
    if question.until:
        frames = [np.isfinite(lookup(question.until, recording, k, {})).any() for k in range(len(recording))]
        begins = frames.index(True)
        assert begins > 0
        assert not any(one.size for k in range(begins) for one in measured(question, recording, k).values())
    assert [figure for figure in made if not figure.expert and figure.key not in question.covers]


@pytest.mark.parametrize("dataset", ["digits", "spiral"])
def test_no_curve_of_the_race_is_seen_before_its_winner_is_guessed(dataset):
    """All of it but the last frame plays: neither losses nor accuracies, of whatever samples, may show."""
    spec = RACE.replace(dataset=dataset)
    telling = {
        figure.key
        for figure in train.figures(spec)
        for trace in figure.traces
        for ref in trace.values()
        if isinstance(ref, Ref) and ref.name.startswith(("loss", "test_accuracy", "train_accuracy"))
    }
    assert telling
    assert telling == set(train.prediction(spec).covers)


def test_signal_is_judged_by_the_medians_that_its_chart_shows():
    question, recording = signal.prediction(ASKED["signal"][1]), record(ASKED["signal"][1])
    row = recording.at("grad_activation_median")[1]
    times = float(row[0] / row[-1])
    assert float(measured(question, recording)["times"]) == pytest.approx(times)
    bounds = (times < 0.5, times < 2, times < 10, True)
    assert int(lookup(question.right, recording, -1, {})) == bounds.index(True)


def test_smoothness_is_the_ratio_of_the_means_over_all_looks():
    question, recording = landscape.prediction(ASKED["landscape"][1]), record(ASKED["landscape"][1])
    plain, batch = np.median(recording.history("smoothness")[1].astype(float).mean(0), 1)
    numbers = measured(question, recording)
    assert float(numbers["plain"]) == pytest.approx(plain, rel=1e-5)
    assert float(numbers["batch"]) == pytest.approx(batch, rel=1e-5)
    bounds = (plain / batch < 0.5, plain / batch < 2, plain / batch < 10, True)
    assert int(lookup(question.right, recording, -1, {})) == bounds.index(True)


def test_the_shares_are_those_of_the_dots_on_the_maps():
    spec = ASKED["lr_init"][1]
    numbers = measured(lr_init.prediction(spec), record(spec))
    over = (record(spec).at("test_accuracy") > 0.9).mean((1, 2))
    assert [float(one) for one in numbers.values()] == pytest.approx(over[:2].tolist())


def test_nothing_is_asked_that_a_run_cannot_tell():
    assert signal.prediction(Signal(norms=("none",))) is None
    assert signal.prediction(Signal(depth=1)) is None
    assert train.prediction(RACE.replace(norms=("batch",))) is None
    assert train.prediction(RACE.replace(seeds=1)) is None
    assert landscape.prediction(Landscape(norms=("batch", "layer"))) is None
    assert lr_init.prediction(LrInit(norms=("batch",))) is None
    assert "layer norm" in lr_init.prediction(LrInit(norms=("none", "layer"))).said
