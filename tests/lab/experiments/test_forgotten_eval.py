"""The forgotten eval(): measured against plain torch and numpy; and measuring changes nothing."""

import itertools
import json

import numpy as np
import pytest
import torch
from torch import nn

from normviz.catalog.networks import NETWORKS
from normviz.catalog.norms import NORMS, reason
from normviz.frames import Frame, Recording, Schema
from normviz.lab.experiments.forgotten_eval import course, measurements, run
from normviz.lab.experiments.forgotten_eval.tables import Tables, mean_low_high_sd
from normviz.readings.forgotten_eval import TEMPLATES
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.forgotten_eval_frames import BATCH_SIZES, DRAWS, SORTED_SIZES

QUICK = ForgottenEval(epochs=2, width=32, depth=2, seeds=2)
QUICK_CNN = ForgottenEval(network="cnn", epochs=2, batch_size=16, depth=2, seeds=1)


def record(spec):
    frames = run(spec)
    recording = Recording(next(frames))
    for frame in frames:
        recording.append(recording.schema.encode(frame))
    return recording


@pytest.fixture(scope="module")
def quick():
    return record(QUICK)


@pytest.fixture(scope="module")
def quick_cnn():
    return record(QUICK_CNN)


@pytest.fixture
def trained():
    """A course whose network is trained, and nothing more."""
    steps = course.Course(QUICK, Tables(QUICK.schema()))
    for _ in steps.training():
        pass
    return steps


def notes(recording):
    return {note.id.removeprefix("forgotten_eval."): note.numbers for note in recording.frame(-1).notes}


def plain_network(stack, member):
    """One member as an ordinary torch.nn network, with its parameters and running statistics."""
    own, layers = stack.parameters(member), []
    for i, kept in enumerate(stack.statistics()):
        linear = nn.Linear(*own[f"blocks.{i}.layer.weight"].shape)
        linear.weight.data, linear.bias.data = (
            own[f"blocks.{i}.layer.weight"].T,
            own[f"blocks.{i}.layer.bias"].flatten(),
        )
        norm = nn.BatchNorm1d(linear.out_features)
        norm.weight.data, norm.bias.data = own[f"blocks.{i}.norm.gamma"], own[f"blocks.{i}.norm.beta"]
        norm.running_mean.copy_(torch.from_numpy(kept["mean"][member]))
        norm.running_var.copy_(torch.from_numpy(kept["var"][member]))
        layers += [linear, norm, nn.ReLU()]
    head = nn.Linear(layers[0].out_features, 10)
    head.weight.data, head.bias.data = own["head.weight"][:, :10].T, own["head.bias"].flatten()[:10]
    return nn.Sequential(nn.Flatten(), *layers, head)


def plain_error(network, x, y, batch_size=None):
    """Percent of wrong answers, batch by batch, an incomplete one dropped."""
    size = batch_size or len(y)
    chosen = torch.cat([network(x[i : i + size]).argmax(1) for i in range(0, len(y) - size + 1, size)])
    return 100 * float((chosen != y[: len(chosen)]).double().mean())


# --- a run ----------------------------------------------------------------------------------------


def test_the_same_spec_gives_the_same_bytes(quick):
    assert record(QUICK).to_bytes() == quick.to_bytes()


def test_another_seed_gives_other_numbers(quick):
    other = record(QUICK.replace(seed=1, epochs=1, seeds=1))
    assert not np.array_equal(other.at("shuffled")[0], quick.at("shuffled")[0], equal_nan=True)


@pytest.mark.parametrize("which", ["quick", "quick_cnn", "long"])
def test_cost_bounds_the_recording(which, request):
    if which == "long":
        spec = QUICK.replace(depth=1, seeds=1, batch_size=4, epochs=1)
        recording = record(spec)
    else:
        spec, recording = {"quick": QUICK, "quick_cnn": QUICK_CNN}[which], request.getfixturevalue(which)
    assert recording.nbytes <= spec.cost().recording_bytes
    assert recording.nbytes > spec.cost().recording_bytes / 100


def test_everything_is_measured_in_the_end(quick):
    for array in quick.schema.arrays:
        values = quick.at(array.name).copy()
        if array.name.startswith("shuffled"):
            values = values[:, 1:]  # a batch of one, which the MLP refuses
        # Fewer samples than places, gaps between the pictures; networks that are to diverge; dead units.
        if not array.name.startswith(("flip_", "opposite", "keep_")):
            assert np.isfinite(values).all(), array.name


def test_charts_grow_one_number_at_a_time(quick):
    _, shuffled = quick.history("shuffled")
    known = np.isfinite(shuffled).any(1).sum(-1)
    assert list(known) == list(range(1, len(BATCH_SIZES)))
    _, company = quick.history("company_p")
    assert list(np.isfinite(company).sum(1)) == list(range(1, company.shape[1] + 1))


def test_frames_end_at_the_last_training_step(quick):
    steps = [quick.frame(k).step for k in range(len(quick))]
    assert steps == sorted(steps)
    assert steps[-1] == QUICK.steps


def test_the_summary_is_the_promised_json(quick):
    summary = QUICK.summary(quick)
    told = json.loads(json.dumps(summary, allow_nan=False))
    assert list(told["train_mode_error"]["shuffled"]) == [str(size) for size in BATCH_SIZES[1:]]
    assert list(told["train_mode_error"]["sorted"]) == [str(size) for size in SORTED_SIZES]
    for entry in (told["eval_error"], told["flips"], *told["repairs"].values()):
        assert entry.keys() == {"mean", "sd", "seeds"}
        assert 0 <= entry["mean"] <= 100
        assert entry["seeds"] == QUICK.seeds
    assert told["eval_error"]["mean"] == pytest.approx(quick.at("eval_error").mean())
    assert told["eval_error"]["sd"] == pytest.approx(quick.at("eval_error").std(ddof=1), rel=1e-5)


def test_spread_leaves_out_what_no_number_is():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan], [5.0, 7.0, np.nan]])
    mean, low, high, sd = mean_low_high_sd(values)
    np.testing.assert_allclose(mean, [3, 6, np.nan])
    np.testing.assert_allclose(sd, [2, np.sqrt(2), np.nan])
    np.testing.assert_allclose((low, high), (mean - sd, mean + sd))


# --- against plain torch and numpy ----------------------------------------------------------------


def test_errors_are_those_of_torch(trained):
    stack, orders = trained.stack, trained.orders.next()
    for member in range(QUICK.seeds):
        split, order = stack.data(member), torch.from_numpy(orders[member])
        x, y = split.x_test[order], split.y_test[order]
        network = plain_network(stack, member)
        one_sample = 100 / len(y)  # rounding may turn one answer that hangs in the balance
        evaluated = plain_error(network.eval(), x, y)
        assert measurements.error(stack)[member] == pytest.approx(evaluated, abs=1.01 * one_sample)
        for size in (2, 8, 32):
            mine = measurements.error(stack, "train", size, orders)[member]
            assert mine == pytest.approx(plain_error(network.train(), x, y, size), abs=3 * one_sample), size
        by_class = y.argsort(stable=True)
        plain = plain_error(network.train(), split.x_test[split.y_test.argsort(stable=True)], y[by_class], 8)
        assert measurements.error(stack, "train", 8, "sorted")[member] == pytest.approx(
            plain, abs=3 * one_sample
        )


def test_a_pass_moves_the_running_statistics_as_in_torch(trained):
    stack = trained.stack
    network = plain_network(stack, 0).train()
    split = stack.data(0)
    x = split.x_test[split.y_test.argsort(stable=True)]
    with torch.no_grad():
        for i in range(0, len(x) - 7, 8):
            network(x[i : i + 8])
    measurements.damage(stack, 8, "sorted")
    for kept, norm in zip(stack.statistics(), (network[2], network[5]), strict=True):
        np.testing.assert_allclose(kept["mean"][0], norm.running_mean, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(kept["var"][0], norm.running_var, rtol=1e-3, atol=1e-4)


def test_batch_statistics_are_those_of_the_batch(trained):
    stack, batch = trained.stack, trained.batch
    own = stack.parameters(0)
    x = stack.data(0).x_test[batch[0]].flatten(1).double().numpy()
    entering = x @ own["blocks.0.layer.weight"].double().numpy() + own["blocks.0.layer.bias"].double().numpy()
    mean, var = measurements.batch_statistics(stack, batch)
    np.testing.assert_allclose(mean[0], entering.mean(0)[: mean.shape[1]], atol=1e-5)
    np.testing.assert_allclose(var[0], entering.var(0)[: var.shape[1]], rtol=1e-4)


def test_flips_are_counted_by_hand(trained):
    batch = 8
    found = measurements.flips(trained.stack, batch, trained.orders)
    n = found.evaluated.shape[1]
    for member in range(QUICK.seeds):
        labels = [set(found.drawn[:, member, i]) for i in range(n)]
        complete = [one for one in labels if measurements.UNKNOWN not in one]
        share = 100 * sum(len(one) > 1 for one in complete) / len(complete)
        assert found.share[member] == pytest.approx(share)
        for drawn in found.drawn[:, member]:
            assert (drawn == measurements.UNKNOWN).sum() == n % batch
    right = trained.stack.test_labels()[0]
    one = found.unsteadiest(0, right)
    assert found.changing[0, one]
    assert found.evaluated[0, one] == right[one]
    assert len(found.drawn) == DRAWS


def test_a_sample_never_meets_itself(trained):
    for _ in range(3):
        mates = trained.orders.draw(31, without=5)
        assert mates.shape == (QUICK.seeds, 31)
        assert not (mates == 5).any()
        assert all(len(set(row)) == 31 for row in mates)


def test_probabilities_are_those_of_the_sample_in_its_batch(trained):
    mates = trained.orders.draw(7, without=11)
    network = plain_network(trained.stack, 0).train()
    x = trained.stack.data(0).x_test
    plain = network(torch.cat((x[11:12], x[torch.from_numpy(mates[0])])))[0].softmax(0)
    mine = measurements.probabilities(trained.stack, 11, mates)
    np.testing.assert_allclose(mine, plain.detach(), atol=1e-4)


# --- measuring changes nothing --------------------------------------------------------------------

ACTS = (
    "validation",
    "small_batches",
    "sorted_batches",
    "labels",
    "company",
    "passes",
    "repairs",
    "comparisons",
    "dropout",
)


def test_the_network_is_bit_identical_after_each_act(trained):
    def state():
        parts = [one.tensors for one in trained.stack.snapshot().groups]
        return [tensor.clone() for tensors in parts for tensor in tensors]

    before = state()
    for act in ACTS:
        assert list(getattr(trained, act)()), act
        assert all(torch.equal(a, b) for a, b in zip(before, state(), strict=True)), act


def test_training_is_the_same_without_the_measurements(trained):
    bare = course.stack_of(QUICK, (QUICK.norm,))
    for _ in range(QUICK.steps):
        bare.step()
    assert np.array_equal(bare.losses, trained.stack.losses)
    for act in ACTS:
        for _ in getattr(trained, act)():
            pass
    bare.step()
    trained.stack.step()
    assert np.array_equal(bare.losses, trained.stack.losses)


# --- batches of one -------------------------------------------------------------------------------


def test_an_mlp_refuses_a_batch_of_one_in_the_words_of_torch(quick):
    with pytest.raises(ValueError, match="more than 1 value") as torchs:
        nn.BatchNorm1d(QUICK.width).train()(torch.zeros(1, QUICK.width))
    assert notes(quick)["one_raises"]["error"] == str(torchs.value)
    assert np.isnan(quick.at("shuffled")[:, 0]).all()
    assert "1" not in QUICK.summary(quick)["train_mode_error"]["shuffled"]


def test_a_cnn_takes_a_batch_of_one_silently_and_is_wrong(quick_cnn):
    told = notes(quick_cnn)
    assert "one_raises" not in told
    assert told["one_silent"]["wrong"] == pytest.approx(quick_cnn.at("shuffled")[:, 0].mean())
    assert quick_cnn.at("shuffled")[:, 0].mean() > 50


# --- norms ----------------------------------------------------------------------------------------


def _fitting():
    offered = next(knob.choices for name, knob, _ in ForgottenEval.knobs() if name == "network")
    for network, norm in itertools.product(offered, NORMS):
        if not reason(norm, NETWORKS[network].form):
            quick = (network, norm) in (("mlp", "none"), ("mlp", "batch_renorm"), ("cnn", "frn"))
            yield pytest.param(network, norm, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("network", "norm"), list(_fitting()))
def test_every_norm_runs_and_only_batch_norms_have_something_to_forget(network, norm):
    depth = 1 if network == "cnn" else 2  # pictures take long to convolve one by one
    spec = ForgottenEval(network=network, norm=norm, epochs=1, batch_size=16, width=32, depth=depth, seeds=1)
    recording = record(spec)
    share = recording.at("flip_share")[0]
    if not NORMS[norm].train_differs_from_eval:
        assert share == 0
    elif norm != "batch_renorm":  # it corrects what the batch does, and may leave every label as it is
        assert share > 0
    assert notes(recording).keys() & {"untrained", "flips", "same_labels", "no_flips"}
    assert np.isfinite(recording.at("running_mean")).all() == NORMS[norm].running_statistics
    json.dumps(spec.summary(recording), allow_nan=False)


@pytest.mark.parametrize("norm", ["layer", "group", "rms", "none"])
def test_without_batch_statistics_both_modes_predict_the_same(norm):
    stack = course.stack_of(QUICK, (norm,))
    for _ in range(5):
        stack.step()
    assert torch.equal(stack.logits(None, "eval"), stack.logits(None, "train"))
    for size in (2, 8, 32):
        whole = stack.logits(None, "eval")[:, : 797 - 797 % size]
        torch.testing.assert_close(stack.logits(None, "train", batch_size=size), whole, rtol=1e-4, atol=1e-4)


def test_repairs_repair(quick):
    names = quick.schema.labels["repair"]
    errors = dict(zip(names, quick.at("repair").mean(0), strict=True))
    evaluated = quick.at("eval_error")
    assert np.array_equal(quick.at("repair")[:, names.index("eval")], evaluated)
    assert np.array_equal(quick.at("repair")[:, names.index("frozen")], evaluated)
    assert errors["train_mode"] > errors["recalibrated"] + 3
    assert errors["after_pass"] > errors["recalibrated"] + 3
    for norm in ("layer", "group"):
        assert errors[norm] < errors["train_mode"] - 3
    shuffled = np.sort(quick.at("other_shuffled"), axis=-1)
    assert (shuffled[..., -1] - shuffled[..., 0] < 1.5).all()  # sizes differ in the samples that they drop


# --- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["quick", "quick_cnn"])
def test_every_remark_has_a_template_and_finite_numbers(which, request):
    recording = request.getfixturevalue(which)
    seen = set()
    for k in range(len(recording)):
        for note in recording.frame(k).notes:
            seen.add(note.id)
            sentence = TEMPLATES[note.id].format(**note.numbers)
            assert "nan" not in sentence
            assert "inf" not in sentence.replace("information", "")
    assert {"forgotten_eval.flips", "forgotten_eval.sorted"} <= seen


def test_lagging_statistics_are_remarked_on_while_they_lag(quick):
    early = [note for k in range(20) for note in quick.frame(k).notes]
    lag = [note for note in early if note.id == "forgotten_eval.lag"]
    assert lag
    for note in lag:
        assert note.numbers["share"] == pytest.approx(0.9 ** note.numbers["step"])
        assert note.numbers["evaluated"] > note.numbers["trained"]
    assert "lag" not in notes(quick)


def test_networks_that_diverge_are_left_out_and_said_to_be():
    spec = ForgottenEval(norm="none", depth=8, lr=1.0, epochs=1, batch_size=8, width=64, seeds=2)
    recording = record(spec)
    assert notes(recording)["diverged"]["seeds"] == 2
    told = json.loads(json.dumps(spec.summary(recording), allow_nan=False))
    left = told["eval_error"] or {"seeds": 0}
    assert left["seeds"] == 2 - notes(recording)["diverged"]["count"]
    for k in range(len(recording)):
        for note in recording.frame(k).notes:
            json.dumps(dict(note.numbers), allow_nan=False)


def test_a_network_that_has_not_learned_is_not_judged():
    spec = QUICK.replace(epochs=1, batch_size=256, lr=0.0001)
    recording = record(spec)
    assert recording.at("eval_error").mean() > 50
    assert list(notes(recording)) == ["untrained"]


def test_a_run_yields_its_schema_then_frames():
    frames = run(QUICK)
    assert isinstance(next(frames), Schema)
    assert isinstance(next(frames), Frame)


# --- full size ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_forgotten_eval_at_full_size():
    """Error falls from batch 2 to 32; more than 35% at 2, 5-15% at 8; eval mode below 4%."""
    spec = ForgottenEval()
    told = spec.summary(record(spec))
    shuffled = {int(size): one["mean"] for size, one in told["train_mode_error"]["shuffled"].items()}
    assert told["eval_error"]["seeds"] == 5
    assert told["eval_error"]["mean"] < 4
    assert shuffled[2] > 35
    assert 5 < shuffled[8] < 15
    assert shuffled[2] > shuffled[4] > shuffled[8] > shuffled[16] > shuffled[32]
    assert abs(shuffled[256] - told["eval_error"]["mean"]) < 1
    assert told["train_mode_error"]["sorted"]["8"]["mean"] > 75
    assert 15 < told["flips"]["mean"] < 50
    assert told["after_pass"]["sorted"]["8"]["mean"] > told["eval_error"]["mean"] + 2
    assert told["repairs"]["recalibrated"]["mean"] < told["eval_error"]["mean"] + 1
