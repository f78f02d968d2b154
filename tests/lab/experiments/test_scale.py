"""The runner of the experiment Scale, against plain networks with multiplied weights and closed forms."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from normviz.catalog.norms import NORMS, reason
from normviz.frames import Recording
from normviz.lab.data import load
from normviz.lab.experiments.scale import run
from normviz.readings.scale import TEMPLATES
from normviz.specs import scale_frames as recorded
from normviz.specs.scale import Scale
from tests.lab import plain

FITTING = tuple(norm for norm in NORMS if not reason(norm, "mlp"))
ALL = [FITTING[:6], FITTING[4:]]
SMALL = {"width": 32, "batch_size": 32}
EXACT = ("batch", "layer", "group", "rms", "weight_norm", "weight_standardization", "ghost_batch")
ENDS = {0.1: 0, 1.0: recorded.MIDDLE, 10.0: len(recorded.SCALES) - 1}


@cache
def record(spec):
    schema, *frames = run(spec)
    return Recording(schema, [schema.encode(frame) for frame in frames])


def curves(name, **values):
    """A curve of every norm that fits, by the norm."""
    told = {}
    for norms in ALL:
        told |= dict(zip(norms, record(Scale(norms=norms, **SMALL, **values)).at(name), strict=True))
    return told


def plainly(norm, k, layer, steps, lr=0.1):
    """Loss, and norms of weights and gradient, of a plain network with one layer's weights multiplied."""
    torch.set_num_threads(1)
    net = plain.network(
        form="mlp", shape=(1, 8, 8), classes=10, depth=3, width=32, norm=norm, seed=0, dtype=torch.float64
    )
    split = load("digits", 0)
    x, y = split.x_train.double(), split.y_train
    plain.train(net, plain.optimizer("sgd", net, lr), x, y, 0, 32, steps)
    *_, indices = (batch for _, batch in zip(range(steps + 1), plain.batches(0, len(y), 32), strict=False))
    linear = [module for module in net if isinstance(module, nn.Linear)][layer - 1]
    if parametrize.is_parametrized(linear):
        kept = linear.parametrizations.weight
        own = [kept.original1 if norm == "weight_norm" else kept.original]
    else:
        own = [linear.weight, linear.bias]
    with torch.no_grad():
        for parameter in own:
            parameter *= k
    loss = nn.functional.cross_entropy(net(x[indices]), y[indices])
    gradients = torch.autograd.grad(loss, own)
    size, slope = (torch.cat([one.flatten() for one in of]).norm().item() for of in (own, gradients))
    return loss.item(), size, slope


@pytest.mark.parametrize("norm", FITTING)
@pytest.mark.parametrize(("layer", "steps"), [(1, 0), (2, 20)])
def test_it_agrees_with_plain_networks(norm, layer, steps):
    first = plainly(norm, 1.0, layer, steps)
    for k, place in ENDS.items():
        loss, size, slope = plainly(norm, k, layer, steps)
        told = {name: curves(name, layer=layer, steps=steps)[norm][place] for name in recorded.CURVES}
        assert told["loss"] == pytest.approx(loss, rel=2e-4)
        assert told["gradient"] == pytest.approx(slope / first[2], rel=2e-3)
        assert told["turn"] == pytest.approx(0.1 * slope / size, rel=2e-3)


@pytest.mark.parametrize("norm", EXACT)
@pytest.mark.parametrize("steps", [0, 50])
def test_ten_times_the_weights_is_the_same_loss_and_a_tenth_of_the_gradient(norm, steps):
    loss, gradient = (curves(name, layer=2, steps=steps)[norm] for name in ("loss", "gradient"))
    assert abs(loss[-1] - loss[recorded.MIDDLE]) < 1e-4
    assert gradient[recorded.MIDDLE] / gradient[-1] == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize("norm", ["none", "dyt"])
def test_without_division_the_loss_moves(norm):
    loss, gradient = (curves(name, layer=2, steps=50)[norm] for name in ("loss", "gradient"))
    assert abs(loss[-1] - loss[recorded.MIDDLE]) > 0.01
    assert gradient[recorded.MIDDLE] / gradient[-1] != pytest.approx(10, rel=0.2)


def test_rows_are_perpendicular_to_their_gradients_where_each_unit_is_normalized():
    spec = Scale(norms=EXACT[:6], layer=2, steps=50, **SMALL)
    recording = record(spec)
    rows, whole = (dict(zip(spec.norms, recording.at(name, recorded.MIDDLE), strict=True))
                   for name in ("row_cosine", "whole_cosine"))  # fmt: skip
    for norm in ("batch", "weight_norm", "weight_standardization"):
        assert np.nanmax(np.abs(rows[norm])) < 1e-3, norm
    for norm in ("layer", "group", "rms"):
        assert np.nanmax(np.abs(rows[norm])) > 0.05, norm
    assert all(abs(one[0]) < 1e-3 for one in whole.values())


def test_a_bias_before_batch_norm_has_no_gradient():
    net = plain.network(form="mlp", shape=(1, 8, 8), classes=10, depth=3, width=32, norm="batch", seed=0)
    x, y = (one[:64] for one in (load("digits", 0).x_train, load("digits", 0).y_train))
    nn.functional.cross_entropy(net(x), y).backward()
    for layer in [module for module in net if isinstance(module, nn.Linear)][:-1]:
        assert layer.bias.grad.norm() < 1e-6 * layer.weight.grad.norm()


def test_epsilon_is_what_is_left():
    changes = [
        np.nanmax(record(Scale(norms=("batch",), steps=50, eps=eps, **SMALL)).at("change"), initial=0.0)
        for eps in (1e-8, 1e-5, 1e-2)
    ]
    assert changes[0] < 1e-5 < changes[1] < 0.02 < changes[2]


def test_frames_run_over_the_scales():
    recording = record(Scale(**SMALL))
    cursor = recording.schema.facts["cursor"]
    assert len(recording) == len(recorded.SCALES) == recording.schema.facts["frames"]
    assert [recorded.SCALES[place] for place in (0, recorded.MIDDLE, -1)] == [0.1, 1.0, 10.0]
    for i in range(len(recording)):
        frame = recording.frame(i)
        assert frame.arrays["scale"][0] == np.float32(cursor["values"][frame.step])
        for name in recorded.CURVES:
            here = frame.arrays[f"{name}_here"][:, 0]
            assert np.array_equal(here, recording.at(name)[:, i], equal_nan=True)


def test_the_same_spec_gives_the_same_bytes_and_company_does_not_matter():
    spec = Scale(steps=10, **SMALL)
    one, again = record(spec), record.__wrapped__(spec)
    assert all(one.data(k) == again.data(k) for k in range(len(one)))
    alone = record(spec.replace(norms=("layer",)))
    for name in recorded.CURVES:
        assert np.array_equal(one.at(name)[2], alone.at(name)[0], equal_nan=True)


def notes(spec, place):
    return {note.id: note.numbers for note in record(spec).frame(place).notes}


@pytest.mark.parametrize("norms", ALL)
@pytest.mark.parametrize("values", [{}, {"steps": 30, "layer": 3}, {"eps": 1.0}, {"lr": 10.0, "steps": 50}])
def test_every_note_can_be_read_and_fits_its_bytes(norms, values):
    recording = record(Scale(norms=norms, **SMALL, **values))
    for k in range(len(recording)):
        told = recording.frame(k).notes
        assert told
        for note in told:
            assert "nan" not in TEMPLATES[note.id].format(**note.numbers)
            assert len(str([note.id, dict(note.numbers)])) <= recorded.NOTE_BYTES
    assert recording.nbytes <= Scale(norms=norms, **SMALL, **values).cost().recording_bytes


def test_notes_say_what_the_numbers_say():
    spec = Scale(norms=("none", "batch", "layer", "batch_renorm", "dyt"), steps=50, **SMALL)
    recording, last = record(spec), len(recorded.SCALES) - 1
    told = notes(spec, last)
    assert told["scale.moves"]["norm"] == "Without normalization"
    assert told["scale.moves"]["loss"] == pytest.approx(recording.at("loss")[0, -1], rel=1e-4)
    assert told["scale.stays"]["gradient"] == pytest.approx(0.1, rel=1e-3)
    assert told["scale.rows"]["norm"] == "Batch norm"
    assert told["scale.whole"]["norm"] == "Layer norm"
    assert told["scale.renorm"]["norms"] == "Batch renormalization"
    assert told["scale.effective_rate"]["first"] == pytest.approx(
        100 * told["scale.effective_rate"]["here"], rel=0.01
    )
    assert "scale.untouched" in notes(spec, recorded.MIDDLE)
    for norms in (told.get("scale.exact", {}).get("norms", ""), told["scale.nearly"]["norms"]):
        assert "Without" not in norms
        assert "tanh" not in norms


def test_a_network_that_training_has_broken_is_named_and_nothing_else_is_said_of_it():
    spec = Scale(norms=("none",), lr=10.0, steps=50, **SMALL)
    assert set(notes(spec, 0)) == {"scale.diverged"}


def test_a_large_epsilon_is_no_longer_called_invariance():
    told = notes(Scale(norms=("layer",), eps=1.0, **SMALL), 0)
    assert "scale.swamped" in told
    assert not {"scale.exact", "scale.nearly", "scale.stays"} & set(told)
