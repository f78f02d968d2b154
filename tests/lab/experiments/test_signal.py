"""The runner of the experiment Signal: its numbers against plain networks, and against theory."""

import json
import math
from functools import cache

import numpy as np
import pytest
import torch

from normviz.catalog.norms import NORMS, reason
from normviz.frames import Frame, Recording, Schema
from normviz.lab import data
from normviz.lab.experiments import signal
from normviz.lab.experiments.signal import between, cosine, deviation, run
from normviz.readings.signal import TEMPLATES
from normviz.specs import signal_frames as recorded
from normviz.specs.signal import Signal
from tests.lab import plain

FITTING = [norm for norm in NORMS if not reason(norm, "mlp")]
SMALL = {"depth": 4, "width": 32, "batch_size": 16, "seeds": 2, "groups": 4}


def _small(**values):
    return Signal(**{**SMALL, **values})


@cache
def record(spec):
    """The recording of a run."""
    schema, frame = run(spec)
    assert isinstance(schema, Schema)
    assert isinstance(frame, Frame)
    return Recording(schema, [schema.encode(frame)])


# --- the same numbers as a plain script -----------------------------------------------------------------


@pytest.mark.parametrize("placement", ["before", "after"])
@pytest.mark.parametrize("norm", [one for one in FITTING if one != "batch_renorm"])
def test_numbers_are_those_of_a_plain_network(norm, placement):
    spec = _small(
        norms=("none", norm) if norm != "none" else ("none",), placement=placement, gain=1.3, seed=5
    )
    split = data.load("digits", 6)
    chosen = next(plain.batches(6, 1000, 16))
    options = {"groups": 4, "ghost_size": 8}
    net = plain.network(
        form="mlp", shape=(1, 8, 8), classes=10, depth=4, width=32, norm=norm, seed=6, gain=1.3,
        placement=placement, options=options, dtype=torch.float64,
    )  # fmt: skip
    weighted, outputs, weights = [], [], []
    x = split.x_train[chosen].double()
    for layer in net:
        if isinstance(layer, plain.Dropout):
            outputs.append(x)
        x = layer(x)
        if isinstance(layer, torch.nn.Linear):
            weighted.append(x)
            original = [p for name, p in layer.named_parameters() if name in ("weight", _direction(norm))]
            weights += original
    loss = torch.nn.functional.cross_entropy(x, split.y_train[chosen])
    gradients = torch.autograd.grad(loss, [*outputs, *weights[:4]])
    recording, v = record(spec), spec.norms.index(norm)
    assert recording.at("loss")[v, 1] == pytest.approx(loss.item(), rel=1e-4)
    for layer in range(4):
        seen = {name: recording.at(name)[v, 1, layer] for name in recorded.quantities(spec)}
        angles = torch.nn.functional.cosine_similarity(outputs[layer][:, None], outputs[layer][None], dim=2)
        assert seen["sd"] == pytest.approx(weighted[layer].std(correction=0).item(), rel=1e-4)
        assert seen["grad_activation"] == pytest.approx(gradients[layer].norm().item(), rel=1e-3)
        assert seen["grad_weight"] == pytest.approx(gradients[4 + layer].norm().item(), rel=1e-3)
        assert seen["cosine"] == pytest.approx((angles.sum().item() - 16) / (16 * 15), abs=1e-4)


def _direction(norm):
    """Name of the drawn weights where a parametrization makes the layer's weights from them."""
    return {"weight_norm": "parametrizations.weight.original1"}.get(norm, "parametrizations.weight.original")


def test_batch_renorm_starts_as_batch_norm():
    recording = record(_small(norms=("batch", "batch_renorm")))
    for name in ("sd", "grad_activation", "cosine"):
        one, other = recording.at(name)
        assert np.allclose(one, other, rtol=1e-4)


def test_histograms_hold_every_value_of_the_first_seed():
    spec = _small(norms=("none", "layer"), gain=3.0)
    recording = record(spec)
    split, chosen = data.load("digits", 0), next(plain.batches(0, 1000, 16))
    net = plain.network(
        form="mlp", shape=(1, 8, 8), classes=10, depth=4, width=32, norm="layer", seed=0, gain=3.0
    )
    entering = net[1](net[0](split.x_train[chosen])).detach()
    edges = np.linspace(-4, 4, 65)
    for name, values in (("hist_pre", entering), ("hist_post", net[2](entering).detach())):
        counts, _ = np.histogram(values.clamp(-3.99, 3.99), edges)
        assert (
            np.abs(recording.at(name)[1, 0] - counts * recorded.WHOLE / 512).max()
            <= 1.01 * recorded.WHOLE / 512
        )
        assert (
            np.abs(recording.at(name).sum(-1, dtype=int) - recorded.WHOLE).max() < 40
        )  # each bin is rounded
    assert np.array_equal(recording.at("hist_pre")[0], recording.at("hist_post")[0])
    assert np.abs(recording.at("hist_grad").sum(-1, dtype=int) - recorded.WHOLE).max() < 40


def test_dead_and_saturated_shares():
    spec = _small(norms=("none",), seeds=1, depth=2)
    split, chosen = data.load("digits", 0), next(plain.batches(0, 1000, 16))
    net = plain.network(form="mlp", shape=(1, 8, 8), classes=10, depth=2, width=32, norm="none", seed=0)
    relu = net[:4](split.x_train[chosen])
    assert record(spec).at("dead")[0, 0, 0] == pytest.approx((relu == 0).all(0).float().mean().item())
    saturated = spec.replace(activation="tanh", gain=3.0)
    h = 3.0 * net[:2](split.x_train[chosen])
    assert record(saturated).at("saturated")[0, 0, 0] == pytest.approx(
        (h.tanh().abs() > 0.97).float().mean().item()
    )
    assert set(recorded.health(spec.replace(activation="gelu"))) == set()


# --- a pure function of the spec ------------------------------------------------------------------------


def test_the_same_spec_gives_the_same_bytes_and_another_seed_others():
    spec = _small(norms=("none", "batch"))
    assert record(spec).data(0) == record.__wrapped__(spec).data(0)
    assert record(spec).data(0) != record(spec.replace(seed=9)).data(0)


def test_company_changes_nothing():
    together = record(_small(norms=("layer", "batch", "none")))
    alone = record(_small(norms=("batch",)))
    fewer = record(_small(norms=("batch",), seeds=1))
    for name in recorded.quantities(_small()):
        assert np.array_equal(together.at(name)[1], alone.at(name)[0])
        assert np.array_equal(alone.at(name)[0, :1], fewer.at(name)[0])
    assert np.array_equal(together.at("hist_grad")[1], alone.at("hist_grad")[0])


def test_a_large_network_is_looked_at_seed_by_seed_with_the_same_result(monkeypatch):
    spec = _small(seeds=3)
    assert signal.parts(spec) == [(0, 3)]
    at_once = record(spec)
    monkeypatch.setattr(signal, "_AT_ONCE", 1)
    assert signal.parts(spec) == [(0, 1), (1, 2), (2, 3)]
    assert record.__wrapped__(spec).data(0) == at_once.data(0)


def test_norms_differ_and_placement_matters_only_with_one():
    before, after = (
        record(_small(norms=("none", "batch", "layer"), placement=p)) for p in ("before", "after")
    )
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not np.any(
            before.at("grad_activation")[one, :, :-1] == before.at("grad_activation")[other, :, :-1]
        )
    assert np.array_equal(before.at("grad_activation")[0], after.at("grad_activation")[0])
    assert not np.any(before.at("grad_activation")[1] == after.at("grad_activation")[1])


@pytest.mark.parametrize("inputs", ["digits", "gaussian"])
def test_variants_of_one_seed_see_the_same_batch_through_the_same_weights(inputs):
    recording = record(_small(norms=("none", "batch", "layer"), inputs=inputs))
    first = recording.at("sd")[:, :, 0]  # the first layer, before any norm has acted
    assert np.array_equal(first[0], first[1])
    assert np.array_equal(first[0], first[2])
    assert len(set(first[0])) == 2


# --- what a frame holds ---------------------------------------------------------------------------------

MANY = {
    "default": Signal(width=64, seeds=2),
    "six": Signal(norms=tuple(FITTING[:6]), depth=8, width=32, batch_size=32),
    "others": Signal(norms=tuple(FITTING[4:]), depth=8, width=32, activation="tanh", placement="after"),
    "sigmoid": Signal(activation="sigmoid", gain=5.0, depth=12, width=32, groups=4),
    "gelu": Signal(activation="gelu", gain=0.1, depth=50, width=16, seeds=1),
    "flat": Signal(norms=("none",), depth=1, width=16, seeds=1, batch_size=3),
    "three": Signal(batch_size=3, depth=20, width=64),
    "exploding": Signal(activation="linear", gain=10.0, depth=50, width=32, groups=4),
    "vanishing": Signal(gain=0.1, depth=50, width=32, groups=4),
}


@pytest.mark.parametrize("spec", MANY.values(), ids=MANY)
def test_a_frame_is_no_larger_than_its_cost_says(spec):
    recording = record(spec)
    assert recording.nbytes <= spec.cost().recording_bytes
    assert recording.nbytes > 0.5 * spec.cost().recording_bytes or spec.depth == 1


@pytest.mark.parametrize("spec", MANY.values(), ids=MANY)
def test_notes_are_sentences_made_of_finite_numbers(spec):
    notes = record(spec).frame(0).notes
    assert notes
    for note in notes:
        assert note.id.startswith("signal.")
        assert "nan" not in TEMPLATES[note.id].format(**note.numbers)
        told = json.dumps([note.id, dict(note.numbers)], allow_nan=False)
        assert len(told) <= recorded.NOTE_BYTES


def test_every_template_is_used_by_some_settings():
    specs = [
        *MANY.values(),
        Signal(activation="tanh", gain=0.3),
        Signal(gain=2.0),
        Signal(norms=("batch", "none"), activation="linear", gain=math.sqrt(0.5), inputs="gaussian"),
        Signal(norms=("none", "layer")),
        Signal(norms=("none",), activation="tanh"),
        Signal(norms=("none",), activation="tanh", gain=10.0),
        Signal(norms=("none",), activation="sigmoid"),
        Signal(norms=("none",), activation="gelu", depth=8, gain=0.8),
        Signal(norms=("batch",), placement="after", batch_size=16),
    ]
    used = {note.id for spec in specs for note in record(spec).frame(0).notes}
    assert used == set(TEMPLATES)


@pytest.mark.parametrize("spec", MANY.values(), ids=MANY)
def test_the_summary_is_plain_json(spec):
    told = json.loads(json.dumps(spec.summary(record(spec)), allow_nan=False))
    assert told["ln_classes"] == pytest.approx(math.log(10))
    assert list(told["norms"]) == list(spec.norms)
    for answer in told["norms"].values():
        assert answer["initial_loss"] is None or set(answer["initial_loss"]) == {"mean", "sd", "seeds"}
        assert {"sd_last", "growth_activation_squared", "growth_weight", "cosine_first", "cosine_last"} < set(
            answer
        )


def test_what_leaves_the_range_of_float32_is_left_out_and_said():
    recording = record(MANY["exploding"])
    sd = recording.at("sd_median")
    broken = np.flatnonzero(~np.isfinite(sd[0]))
    (note,) = [one for one in recording.frame(0).notes if one.id == "signal.overflow"]
    assert note.numbers == {"norm": "Without normalization", "layer": int(broken[0]) + 1}
    assert np.isfinite(sd[1:]).all()
    assert np.isfinite(recording.at("loss")[1:]).all()
    assert MANY["exploding"].summary(recording)["norms"]["none"]["initial_loss"] is None


def test_what_is_far_below_one_is_still_measured():
    """Squares of 1e-30 are no float32 numbers; lengths and angles of such activations still are."""
    x = torch.randn(1, 5, 64, generator=torch.Generator().manual_seed(0))
    assert deviation(1e-30 * x).item() == pytest.approx(1e-30 * deviation(x).item(), rel=1e-5)
    assert cosine(1e-30 * x).item() == pytest.approx(cosine(x).item(), rel=1e-4)
    assert deviation(1e30 * x).item() == pytest.approx(1e30 * deviation(x).item(), rel=1e-5)


def test_samples_without_a_direction_are_left_out_of_the_cosine():
    x = torch.tensor([[[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]])
    one, none = cosine(x).tolist()
    assert one == pytest.approx(math.sqrt(0.5))
    assert math.isnan(none)


def test_pairs_of_many_inputs_are_thinned_to_quantiles():
    samples = np.random.default_rng(0).normal(size=(2, 64, 8)) + 0.5
    all_pairs, thinned = between(samples, most=10_000), between(samples, most=100)
    assert len(all_pairs) == 2 * 64 * 63 / 2
    assert len(thinned) == 100
    assert thinned.mean() == pytest.approx(all_pairs.mean(), abs=2e-3)


# --- theory ---------------------------------------------------------------------------------------------


def test_initial_loss_of_a_silent_head_is_that_of_guessing():
    told = Signal(gain=0.1, depth=5, width=64, norms=("none", "batch")).summary
    spec = Signal(gain=0.1, depth=5, width=64, norms=("none", "batch"))
    for answer in told(record(spec))["norms"].values():
        assert answer["initial_loss"]["mean"] == pytest.approx(math.log(10), abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [5, 8, 16, 32, 128])
@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_batch_norm_makes_gradients_explode_at_the_predicted_rate(activation, batch):
    """Yang et al. 2019; at 5 samples rare units decide, and five networks are few."""
    spec = Signal(
        norms=("batch",),
        width=512,
        depth=30,
        seeds=5,
        batch_size=batch,
        activation=activation,
        inputs="gaussian",
    )
    answer = spec.summary(record(spec))["norms"]["batch"]
    measured = answer["growth_activation_squared"]["mean"]
    assert measured == pytest.approx(
        answer["growth_activation_squared_predicted"], rel=0.05 if batch == 5 else 0.02
    )
    assert measured > 1.01


@pytest.mark.slow
def test_weight_gradients_grow_behind_batch_norm_and_not_without():
    spec = Signal(norms=("none", "batch", "layer", "rms"), width=256, depth=30, batch_size=128)
    told = spec.summary(record(spec))["norms"]
    assert told["batch"]["growth_weight"]["mean"] == pytest.approx(1.21, abs=0.03)
    assert told["none"]["growth_weight"]["mean"] == pytest.approx(1.0, abs=0.05)
    for flat in ("none", "layer", "rms"):
        assert told[flat]["growth_activation_squared"]["mean"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_without_a_norm_the_weight_gradient_is_flat_at_any_gain(gain):
    spec = Signal(norms=("none",), width=256, depth=30, gain=gain)
    answer = spec.summary(record(spec))["norms"]["none"]
    assert answer["growth_weight"]["mean"] == pytest.approx(1.0, abs=0.05)
    assert answer["growth_activation_squared"]["mean"] == pytest.approx(gain**2, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("placement", ["before", "after"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
def test_every_predicted_growth_is_found(activation, placement):
    """Closed forms and limits alike, for every norm that has one."""
    norms = tuple(norm for norm in FITTING if norm not in ("none", "weight_norm", "batch_renorm"))[:6]
    spec = Signal(
        norms=norms, width=256, depth=30, batch_size=64, activation=activation, placement=placement,
        inputs="gaussian", groups=8, ghost_size=32,
    )  # fmt: skip
    for norm, answer in spec.summary(record(spec))["norms"].items():
        measured = answer["growth_activation_squared"]["mean"]
        assert measured == pytest.approx(answer["growth_activation_squared_predicted"], rel=0.06), norm


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "gain"), [("relu", 1.0), ("linear", 0.7), ("tanh", 1.2), ("sigmoid", 2.0)]
)
def test_the_signal_stays_in_its_band(activation, gain):
    spec = Signal(
        norms=("none", "batch", "layer", "dyt"),
        width=256,
        depth=30,
        activation=activation,
        gain=gain,
        seeds=5,
    )
    recording = record(spec)
    sd = recording.at("sd")
    for place, norm in enumerate(recording.schema.labels["scale"]):
        low, high = (recording.at(f"theory_sd_{one}")[place] for one in ("low", "high"))
        rows = sd[spec.norms.index(norm)]
        # Layers of one network go up and down together, so whole networks may be outside.
        assert ((low < rows) & (rows < high)).mean() > 0.85, norm


@pytest.mark.slow
def test_samples_collapse_without_batch_norm():
    spec = Signal(norms=("none", "batch", "layer", "rms"), width=256, depth=30, batch_size=64)
    recording = record(spec)
    last = recording.at("cosine")[:, :, -1].mean(1)
    assert last[1] < 0.4
    assert (last[[0, 2, 3]] > 0.95).all()
    expected = recording.at("theory_cosine")
    measured = recording.at("cosine").mean(1)
    assert np.abs(expected - measured).max() < 0.06
