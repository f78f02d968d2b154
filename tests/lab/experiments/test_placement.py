"""The runner of the experiment Placement: two places, nothing else different, and what is said of them."""

from functools import cache
from statistics import NormalDist

import numpy as np
import pytest

from normviz.frames import Recording
from normviz.lab.experiments.placement import run
from normviz.lab.experiments.placement_notes import Notes
from normviz.lab.experiments.train import run as train
from normviz.readings.placement import TEMPLATES
from normviz.specs.placement import PLACED, Placement
from normviz.specs.placement_frames import interval, nbytes
from normviz.specs.train import Train

SMALL = {
    "depth": 2,
    "width": 32,
    "steps": 50,
    "every": 10,
    "seeds": 3,
    "norms": ("batch", "layer"),
    "lr": 0.1,
}


@cache
def record(spec):
    """The recording of a run."""
    frames = (run if isinstance(spec, Placement) else train)(spec)
    recording = Recording(next(frames))
    for frame in frames:
        recording.append(recording.schema.encode(frame))
    return recording


def test_the_same_spec_gives_the_same_bytes_within_what_was_promised():
    spec = Placement(**SMALL)
    one, other = record(spec), record.__wrapped__(spec)
    assert [one.data(k) for k in range(len(one))] == [other.data(k) for k in range(len(other))]
    assert one.nbytes <= nbytes(spec)
    assert len(one) == len(spec.evaluated_steps)


def test_each_place_is_the_race_with_the_norm_there():
    recording = record(Placement(**SMALL))
    steps, accuracy = recording.history("test_accuracy")
    for p, place in enumerate(("before", "after")):
        race = record(Train(**SMALL, placement=place))
        raced_steps, raced = race.history("test_accuracy")
        assert np.array_equal(steps, raced_steps)
        np.testing.assert_array_equal(accuracy[:, :, p], raced)
    # Before training, an eval pass of batch norm leaves values as they are, in either place.
    np.testing.assert_array_equal(accuracy[0, 0, 0], accuracy[0, 0, 1])
    assert not np.array_equal(accuracy[-1, :, 0], accuracy[-1, :, 1])


def test_steps_to_the_target_and_intervals_are_those_of_the_curves():
    spec = Placement(**{**SMALL, "steps": 150, "lr": 0.3})
    recording = record(spec)
    steps, accuracy = recording.history("test_accuracy")
    reached = recording.at("reached")
    assert np.isfinite(reached).any()
    for place in np.ndindex(reached.shape):
        over = [int(step) for step, row in zip(steps, accuracy, strict=True) if row[place] >= 0.94]
        assert np.array_equal(reached[place], over[0] if over else np.nan, equal_nan=True)
    for of in ("test_accuracy", "reached"):
        mean, margin = interval(recording.at(of))
        np.testing.assert_allclose(recording.at(f"{of}_mean"), mean, rtol=1e-5)
        np.testing.assert_allclose(recording.at(f"{of}_margin"), margin, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("norm", PLACED)
def test_every_norm_learns_in_both_places(norm):
    accuracy = record(Placement(**{**SMALL, "norms": (norm,), "seeds": 2})).at("test_accuracy_median")
    assert (accuracy > 0.4).all()


def test_what_diverges_is_told_and_leaves_no_interval():
    spec = Placement(**{**SMALL, "depth": 10, "lr": 10.0, "norms": ("dyt",)})
    recording = record(spec)
    assert np.isfinite(recording.at("diverged_at")).any(), "nothing diverges: choose harder settings"
    assert any(note.id.startswith("placement.diverged_") for note in recording.frame(-1).notes)
    assert np.isnan(recording.at("test_accuracy_mean")).any()


def _said(accuracy, reached, spec):
    arrays = {"test_accuracy": accuracy, "reached": reached, "diverged_at": np.full(reached.shape, np.nan)}
    for of in ("test_accuracy", "reached"):
        arrays[f"{of}_mean"], arrays[f"{of}_margin"] = interval(arrays[of])
    return {note.id: note.numbers for note in Notes(spec).at(spec.steps, arrays)}


def test_a_place_is_called_quicker_only_where_the_intervals_lie_apart():
    spec = Placement(norms=("batch",), seeds=5)
    spread = np.array([NormalDist().inv_cdf(q) for q in (0.1, 0.3, 0.5, 0.7, 0.9)])
    flat = np.full((1, 2, 5), 0.95) + 0.001 * spread
    apart = np.stack([100 + 3 * spread, 60 + 3 * spread])[None]
    near = np.stack([100 + 30 * spread, 90 + 30 * spread])[None]
    told = _said(flat, apart, spec)
    assert "placement.steps_after" in told
    assert told["placement.accuracy_overlap"] == {"norms": "Batch norm"}
    assert "placement.steps_overlap" in _said(flat, near, spec)
    better = flat + np.array([0.02, 0.0])[None, :, None]
    assert "placement.accuracy_before" in _said(better, near, spec)
    unfinished = apart.copy()
    unfinished[0, 1, 2] = np.nan
    assert _said(flat, unfinished, spec)["placement.underway"]["after"] == 4


def test_every_note_has_its_template_and_its_numbers():
    for values in ({}, {"steps": 150, "lr": 0.3}, {"depth": 10, "lr": 10.0, "norms": ("dyt",)}):
        recording = record(Placement(**{**SMALL, **values}))
        for k in range(len(recording)):
            for note in recording.frame(k).notes:
                TEMPLATES[note.id].format(**note.numbers)
