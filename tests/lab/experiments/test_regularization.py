"""The experiment Regularization: errors, intervals and differences, and what its notes dare to say."""

from functools import cache

import numpy as np
import pytest
import torch

from normviz.frames import Recording
from normviz.lab import data
from normviz.lab.experiments.regularization import run
from normviz.lab.experiments.regularization_notes import notes
from normviz.readings.regularization import TEMPLATES
from normviz.specs import regularization_frames as recorded
from normviz.specs.regularization import Regularization
from tests.lab import plain

SMALL = Regularization(n_train=100, steps=100, seeds=3, width=32, depth=2)
NAMES = list(recorded.VARIANTS)


@cache
def record(spec):
    frames = run(spec)
    schema = next(frames)
    return Recording(schema, [schema.encode(frame) for frame in frames])


def test_frames_are_the_same_again_and_fit_what_the_cost_says():
    recording = record(SMALL)
    assert len(recording) == len(SMALL.evaluated_steps)
    assert recording.nbytes <= SMALL.cost().recording_bytes
    frames = run(SMALL)
    schema = next(frames)
    assert all(schema.encode(frame) == recording.data(k) for k, frame in zip(range(4), frames, strict=False))


@pytest.mark.parametrize("variant", NAMES)
def test_errors_are_those_of_the_usual_loop_on_the_first_samples(variant):
    """After 10 steps, before rounding grows into another training."""
    kind, k = recorded.VARIANTS[variant], SMALL.evaluated_steps.index(10)
    net = plain.network(
        form="mlp", shape=(1, 8, 8), classes=10, depth=2, width=32, norm=kind.norm, seed=1,
        dropout=SMALL.dropout if kind.dropout else 0.0, dtype=torch.float64,
    )  # fmt: skip
    split = data.load("digits", 1)
    x, y = split.x_train[:100].double(), split.y_train[:100]
    plain.train(net, torch.optim.SGD(net.parameters(), SMALL.lr, momentum=0.9), x, y, 1, 32, 10)
    net.eval()
    with torch.no_grad():
        train = 100 * float((net(x).argmax(1) != y).double().mean())
        test = 100 * float((net(split.x_test.double()).argmax(1) != split.y_test).double().mean())
    recording, v = record(SMALL), NAMES.index(variant)
    assert recording.at("train_error", k)[v, 1] == pytest.approx(train, abs=1.01)
    assert recording.at("test_error", k)[v, 1] == pytest.approx(test, abs=0.3)


def test_gaps_differences_and_intervals_follow_from_the_errors():
    recording = record(SMALL)
    test, train = recording.at("test_error").astype(float), recording.at("train_error").astype(float)
    assert np.allclose(recording.at("gap"), test - train, atol=1e-4)
    for p, (one, other) in enumerate(recorded.PAIRS):
        difference = test[NAMES.index(one)] - test[NAMES.index(other)]
        assert np.allclose(recording.at("difference")[p], difference, atol=1e-4)
        low = difference.mean() - 4.303 * difference.std(ddof=1) / np.sqrt(3)
        assert recording.at("difference_interval")[recorded.LOW, p] == pytest.approx(low, abs=1e-3)
    assert np.allclose(recording.at("test_error_mean")[:, 0], test.mean(1), atol=1e-4)


def test_dropout_and_norms_make_different_networks():
    test = record(SMALL).at("test_error", SMALL.evaluated_steps.index(10))
    rows = {tuple(row) for row in test.tolist()}
    assert len(rows) == len(NAMES)


def made(means, half=0.2, train=0.0, difference=(0.1, -0.2, 0.4)):
    """A frame's arrays, from the mean test error of every variant."""
    mean = np.array([means[name] for name in NAMES])
    halves = np.full(len(NAMES), half)
    trained = np.zeros((4, len(NAMES)))
    trained[recorded.MEAN] = train if np.ndim(train) else [train] * len(NAMES)
    rows = np.zeros((4, len(recorded.PAIRS)))
    rows[:3] = np.array(difference)[:, None]
    return {
        "test_error_interval": np.stack((mean, mean - halves, mean + halves, halves)),
        "train_error_interval": trained,
        "gap_interval": np.stack((mean, mean, mean, halves)),
        "difference_interval": rows,
    }


EVEN = dict.fromkeys(NAMES, 7.0)


def ids(arrays):
    return [note.id.removeprefix("regularization.") for note in notes(5, arrays)]


def test_overlapping_intervals_leave_the_question_open():
    told = ids(made(EVEN))
    assert told == ["learned", "open", "paired_zero", "overlap", "overlap", "control_alike"]


def test_intervals_apart_are_told_with_the_lower_first_and_the_control_beside_them():
    arrays = made({**EVEN, "batch": 6.0, "layer": 6.1}, difference=(-1.0, -1.4, -0.6))
    told = notes(5, arrays)
    apart = next(note for note in told if note.id == "regularization.apart")
    assert (apart.numbers["one"], apart.numbers["other"]) == ("Batch norm", "Dropout")
    assert {"paired", "control_alike"} <= set(ids(arrays))
    assert "open" not in ids(arrays)
    better, worse = ids(made({**EVEN, "batch": 6.0})), ids(made({**EVEN, "layer": 6.0}))
    assert "control_better" in better
    assert "control_worse" in worse


def test_a_variant_that_has_not_learned_is_not_judged():
    train = [0.0, 30.0, 0.0, 0.0, 0.0]
    told = ids(made({**EVEN, "dropout": 40.0}, train=train))
    assert told[0] == "underfit"
    assert not {"apart", "open", "paired"} & set(told)


def test_nothing_is_said_before_training():
    assert notes(0, made(EVEN)) == ()


def test_no_sentence_says_that_batch_norm_replaces_dropout():
    assert not any("replace" in template for template in TEMPLATES.values())
    for note in record(SMALL).frame(-1).notes:
        assert TEMPLATES[note.id].format(**note.numbers)
