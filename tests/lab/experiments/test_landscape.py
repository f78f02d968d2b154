"""The runner of the experiment Landscape: what it derives from its looks, and what is known of the answer."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from normviz.frames import Recording
from normviz.lab import runs
from normviz.lab.experiments import train
from normviz.readings.landscape import TEMPLATES
from normviz.specs import landscape_frames as recorded
from normviz.specs.landscape import Landscape
from normviz.specs.train import Train

SMALL = {"depth": 3, "width": 32, "batch_size": 32, "steps": 40, "every": 5, "tries": 4, "seeds": 2}


record = cache(runs.record)
"""The recording of a spec, computed once."""


def test_the_same_spec_gives_the_same_bytes():
    spec = Landscape(**SMALL)
    one, again = record(spec), record.__wrapped__(spec)
    assert all(one.data(k) == again.data(k) for k in range(len(one)))


def test_the_looks_leave_the_training_as_it_is_without_them():
    """The losses under the cursor are those of the experiment Train, which does not look."""
    spec = Landscape(norms=("none", "batch", "layer"), **(SMALL | {"seeds": 1, "steps": 50}))
    same = Train(
        norms=spec.norms, depth=3, width=32, batch_size=32, steps=50, every=5, seeds=1, lr=spec.lr
    )  # fmt: skip
    schema, *frames = train.run(same)
    plain = Recording(schema, [schema.encode(frame) for frame in frames])
    steps, losses = record(spec).history("loss_here")
    expected_steps, expected = plain.history("loss_median")
    assert np.array_equal(steps, expected_steps)
    assert np.array_equal(losses, expected)


def test_bands_and_quantities_are_those_of_the_line():
    spec = Landscape(**(SMALL | {"seeds": 1}))
    recording = record(spec)
    places = recording.at("places")
    assert places[0] == 0
    assert places[1:].min() == 0.5
    assert places[1:].max() == 4
    for k in range(len(recording)):
        line, change = (recording.at(f"line_{name}", k).astype(float)[:, 1:] for name in ("loss", "change"))
        for name, expected in (
            ("loss_low", line.min(1)), ("loss_high", line.max(1)), ("change_low", change.min(1)),
            ("change_high", change.max(1)), ("range_median", np.ptp(line, 1)), ("change_most", change.max(1)),
            ("smoothness_least", (change / (places[1:] * spec.lr)).max(1)),
        ):  # fmt: skip
            assert np.allclose(recording.at(name, k), expected, rtol=1e-4, atol=1e-6), name


def test_medians_and_bounds_are_over_the_seeds():
    recording = record(Landscape(**SMALL))
    for name in recorded.QUANTITIES:
        values = recording.at(name)
        for end, function in (("least", np.min), ("median", np.median), ("most", np.max)):
            assert np.allclose(recording.at(f"{name}_{end}"), function(values, axis=1))


def test_a_diverged_variant_is_named_and_left_out():
    spec = Landscape(norms=("none", "batch"), depth=8, lr=3.0, steps=60, width=32, every=10)
    recording = record(spec)
    assert np.isfinite(recording.at("diverged_at")[0]).all()
    assert np.isnan(recording.at("range_median")[0])
    assert np.isfinite(recording.at("range_median")[1])
    told = {note.id for note in recording.frame(-1).notes}
    assert "landscape.diverged" in told
    assert not any(id_.startswith(("landscape.range", "landscape.change")) for id_ in told)
    assert spec.summary(recording)["norms"]["none"]["diverged"] == 3


@pytest.mark.parametrize(
    "norms", [("none", "batch"), ("layer",), ("none", "batch", "layer", "rms", "dyt", "group")]
)
def test_notes_can_be_read_and_fit_their_bytes(norms):
    spec = Landscape(**(SMALL | {"norms": norms, "lr": 0.3}))
    recording = record(spec)
    for k in range(len(recording)):
        for note in recording.frame(k).notes:
            assert "nan" not in TEMPLATES[note.id].format(**note.numbers)
            assert len(str([note.id, dict(note.numbers)])) <= recorded.NOTE_BYTES
    assert recording.nbytes <= spec.cost().recording_bytes


def test_one_variant_is_said_to_be_above_another_only_if_every_seed_is():
    for spec in (Landscape(**SMALL), Landscape(norms=("layer", "group", "rms"), **SMALL)):
        recording = record(spec)
        means = recording.history("range")[1].astype(float).mean(0)
        order = np.argsort(np.median(means, 1))
        apart = means[order[-1]].min() > means[order[0]].max()
        (note,) = [one for one in recording.frame(-1).notes if one.id.startswith("landscape.range")]
        assert note.id == ("landscape.range" if apart else "landscape.range_overlaps")
        assert note.numbers["most"] == pytest.approx(np.median(means, 1).max(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 40])
def test_batch_norm_is_smoother_along_the_gradient(seed):
    """Means over 200 steps at depth 5, learning rate 0.1; elsewhere: range 1.64, 0.13, change 5.2, 0.88."""
    spec = Landscape(seed=seed)
    none, batch = (spec.summary(record(spec))["norms"][norm] for norm in ("none", "batch"))
    assert 0.8 < none["range"]["mean"] < 3.0
    assert 0.05 < batch["range"]["mean"] < 0.3
    assert 3.0 < none["change"]["mean"] < 9.0
    assert 0.7 < batch["change"]["mean"] < 1.1
    assert batch["smoothness"]["mean"] < 0.7 * none["smoothness"]["mean"]
    told = {note.id for note in record(spec).frame(-1).notes}
    assert {"landscape.range", "landscape.change", "landscape.smoothness"} <= told
