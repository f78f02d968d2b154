"""The runner of the experiment NoisyBN: the race, the wandering means, and what is known of the answer."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from normviz.frames import Recording
from normviz.lab.experiments import train
from normviz.lab.experiments.noisy_bn import ended, moved, run, stack
from normviz.lab.experiments.noisy_bn_notes import BATCH, NOISY, PLAIN
from normviz.readings.noisy_bn import TEMPLATES
from normviz.specs import noisy_bn_frames as recorded
from normviz.specs.noisy_bn import SAMPLES, NoisyBN
from normviz.specs.train import Train

SMALL = {"depth": 3, "width": 32, "batch_size": 32, "steps": 60, "every": 4, "seeds": 2}


@cache
def record(spec):
    schema, *frames = run(spec)
    return Recording(schema, [schema.encode(frame) for frame in frames])


def test_the_same_spec_gives_the_same_bytes():
    spec = NoisyBN(**SMALL)
    one, again = record(spec), record.__wrapped__(spec)
    assert len(one) == spec.steps + 1
    assert all(one.data(k) == again.data(k) for k in range(len(one)))


def test_without_strength_noisy_batch_norm_is_batch_norm_and_with_it_another_network():
    silent, noisy = (
        record(NoisyBN(**SMALL, **values)) for values in ({"shift": 0.0, "stretch": 1.0, "spread": 0.0}, {})
    )
    for name in ("accuracy", "unit_mean", "shift"):
        values = silent.history(name)[1]
        assert np.array_equal(values[:, BATCH], values[:, NOISY], equal_nan=True)
        others = noisy.history(name)[1]
        assert np.array_equal(values[:, [PLAIN, BATCH]], others[:, [PLAIN, BATCH]], equal_nan=True)
        assert not np.array_equal(others[:, BATCH], others[:, NOISY])


def test_the_race_is_that_of_the_experiment_train():
    """The networks without noise are trained as there; without normalization train mode is eval mode."""
    spec = NoisyBN(**SMALL)
    same = Train(norms=("none", "batch"), depth=3, width=32, batch_size=32, steps=50, seeds=2, lr=spec.lr)
    networks, other = stack(spec), train.stack(same)
    for _ in range(20):
        networks.step()
        other.step()
    assert np.array_equal(networks.losses[:4], other.losses)
    for s in range(2):
        split = other.data(s)
        right = (other.logits(split.x_train[:SAMPLES])[s].argmax(-1) == split.y_train[:SAMPLES]).double()
        steps, accuracy = record(spec).history("accuracy")
        assert accuracy[list(steps).index(20), PLAIN, s] == pytest.approx(right.mean().item(), abs=1e-6)


def test_a_seed_reaches_the_target_when_its_accuracy_does():
    recording = record(NoisyBN(**SMALL))
    steps, accuracy = recording.history("accuracy")
    reached = recording.at("reached")
    for v, s in np.ndindex(*reached.shape):
        there = steps[accuracy[:, v, s] >= recorded.TARGET]
        assert reached[v, s] == there[0] if len(there) else np.isnan(reached[v, s])
    assert np.isfinite(reached[BATCH]).all()
    assert np.allclose(recording.at("accuracy_median"), np.median(accuracy[-1], 1))
    assert (accuracy[0] < 0.35).all()


def test_moments_are_about_zero_and_one_behind_batch_norm_at_the_start():
    recording = record(NoisyBN(**SMALL))
    low, high, mean = (recording.at(name, 0) for name in ("unit_low", "unit_high", "unit_mean"))
    assert np.allclose(mean[BATCH], 0, atol=1e-5)
    assert np.allclose((high - low)[BATCH] / 2, 1, atol=0.02)
    assert np.abs(mean[NOISY]).max() > 0.2
    assert np.allclose((high + low) / 2, mean[:, :, 0], atol=1e-5)


def test_the_shift_is_the_way_of_the_means_in_standard_deviations():
    before, after, sd = (np.array(one) for one in ([[1.0, 2.0]], [[1.0, 5.0]], [[3.0, 4.0]]))
    assert moved(before, after, sd).tolist() == [3 / 5]
    spec = NoisyBN(**(SMALL | {"seeds": 1, "width": 16}))
    recording = record(spec)
    assert np.isnan(recording.at("shift", 0)).all()
    shift = recording.history("shift")[1][1:]
    # Evenly drawn means differ by shift·√(2/3); a network's own drift comes on top.
    sd = np.sqrt(np.mean((1 + (spec.stretch - 1) * np.linspace(0, 1, 1001)) ** 2))
    assert np.sqrt((shift[:, NOISY] ** 2).mean()) == pytest.approx(spec.shift * np.sqrt(2 / 3) / sd, rel=0.1)
    assert shift[:, BATCH].max() < 0.1


@pytest.mark.parametrize("values", [{}, {"seeds": 1}, {"shift": 3.0, "spread": 2.0}, {"lr": 3.0, "depth": 8}])
def test_notes_can_be_read_and_fit_their_bytes(values):
    spec = NoisyBN(**(SMALL | values))
    recording = record(spec)
    for k in range(len(recording)):
        for note in recording.frame(k).notes:
            assert "nan" not in TEMPLATES[note.id].format(**note.numbers)
            assert len(str([note.id, dict(note.numbers)])) <= recorded.NOTE_BYTES
    assert recording.nbytes <= spec.cost().recording_bytes


def test_notes_say_what_the_numbers_say():
    for spec in (NoisyBN(**SMALL), NoisyBN(**SMALL, shift=3.0, stretch=4.0), NoisyBN(**SMALL, shift=0.1)):
        recording = record(spec)
        told = {note.id for note in recording.frame(-1).notes}
        reached = recording.at("reached")
        noisy, plain, batch = (np.nan_to_num(reached[v], nan=np.inf) for v in (NOISY, PLAIN, BATCH))
        shift = recording.history("shift")[1][1:].mean((0, 2))
        ahead = noisy.max() < min(plain.min(), np.inf) and np.isfinite(noisy).all()
        wanders = shift[NOISY] > 1.5 * shift[PLAIN]
        assert ("noisy_bn.ahead_and_wanders" in told) == (ahead and wanders)
        assert ("noisy_bn.ahead" in told) == (ahead and not wanders)
        assert ("noisy_bn.wanders" in told) == wanders
        assert ("noisy_bn.costs" in told) == (
            np.isfinite(noisy).all() and np.isfinite(batch).all() and noisy.min() > batch.max()
        )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 10])
def test_noise_costs_little_of_what_batch_norm_gains(seed):
    """Steps to 90% of the training samples at depth 5 and learning rate 0.3: batch norm, noisy, then none."""
    spec = NoisyBN(seed=seed)
    recording = record(spec)
    reached = recording.at("reached")
    assert np.isfinite(reached).all()
    assert reached[BATCH].max() < reached[NOISY].min()
    assert reached[NOISY].max() < reached[PLAIN].min()
    told = spec.summary(recording)["variants"]
    assert told["noisy_batch"]["shift"] > 1.5 * told["none"]["shift"]
    assert told["batch"]["shift"] < 0.1 * told["none"]["shift"]
    assert "noisy_bn.ahead_and_wanders" in {note.id for note in recording.frame(-1).notes}


@pytest.mark.parametrize(
    ("noisy", "plain", "first"),
    [
        ([20, 30], [40, 50], 0),
        ([20, 30], [40, None], 0),
        ([50, 60], [40, 45], 1),
        ([50, None], [40, 45], 1),
        ([20, 45], [40, 50], 2),
        ([None, None], [None, None], 2),
    ],
)
def test_the_first_is_so_with_every_seed(noisy, plain, first):
    """Who has not arrived comes after all who have, and ties with others that have not."""
    reached = np.array([plain, [10, 12], noisy], float)
    told = ended(reached, 100)
    assert told["first"] == first
    assert told["arrival"][1] == 11
    assert told["arrival"][2] == np.median([100 if one is None else one for one in noisy])
