"""The experiment Batch size: what it measures is what torch and a plain loop give, and what its notes say."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from normviz.lab import data, runs
from normviz.lab.experiments import batch_size_cases as cases
from normviz.lab.experiments.batch_size import accumulated, cut, kinds, run
from normviz.lab.experiments.batch_size_notes import notes
from normviz.readings.batch_size import TEMPLATES
from normviz.specs import batch_size_frames as recorded
from normviz.specs.batch_size import BatchSize
from tests.lab import plain, two_workers

SMALL = BatchSize(epochs=2, width=32, depth=2, seeds=2)
SPECS = {
    "statistics": SMALL,
    "batch": SMALL.replace(changes="batch", epochs=1),
    "cnn": BatchSize(
        network="cnn", epochs=1, depth=1, seeds=1, norms=("batch", "batch_renorm", "frn"), micro_batch=8
    ),
    "alone": SMALL.replace(norms=("layer",), micro_batch=0, seeds=1),
}


record = cache(runs.record)
"""The recording of a spec, computed once."""


@pytest.fixture(params=list(SPECS))
def look(request):
    """A spec and its recording."""
    return SPECS[request.param], record(SPECS[request.param])


def test_frames_are_the_same_again_and_fit_what_the_cost_says(look):
    spec, recording = look
    assert len(recording) == len(spec.evaluated_steps)
    assert recording.nbytes <= spec.cost().recording_bytes
    frames = run(spec)
    schema = next(frames)
    assert all(schema.encode(frame) == recording.data(k) for k, frame in zip(range(3), frames, strict=False))


def test_means_and_extremes_are_those_of_the_seeds(look):
    spec, recording = look
    error = recording.at("error").astype(float)
    assert error.shape == (len(spec.variants), 5, spec.seeds)
    assert np.allclose(recording.at("error_mean"), error.mean(-1))
    assert np.allclose(recording.at("error_mean") - recording.at("error_below"), error.min(-1), atol=1e-4)
    assert np.allclose(recording.at("error_mean") + recording.at("error_above"), error.max(-1), atol=1e-4)
    assert np.array_equal(recording.at("ended"), recording.at("error_mean"))


class Parts(nn.Module):
    """Batch norm or batch renormalization of the parts of a batch, as a plain script would write it."""

    def __init__(self, size, renorm):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(32)), nn.Parameter(torch.zeros(32))
        self.mean, self.var = torch.zeros(32, dtype=torch.float64), torch.ones(32, dtype=torch.float64)
        self.size, self.renorm, self.step = size, renorm, 0

    def forward(self, x):
        if not self.training:
            return (x - self.mean) / (self.var + 1e-5).sqrt() * self.weight + self.bias
        parts = x.split(self.size)
        y = torch.cat([self.normalized(part) for part in parts])
        self.step += 1
        self.mean = 0.9 * self.mean + 0.1 * torch.stack([one.detach().mean(0) for one in parts]).mean(0)
        self.var = 0.9 * self.var + 0.1 * torch.stack([one.detach().var(0) for one in parts]).mean(0)
        return y

    def normalized(self, part):
        sigma, running = (part.var(0, unbiased=False) + 1e-5).sqrt(), (self.var + 1e-5).sqrt()
        xhat = (part - part.mean(0)) / sigma
        if self.renorm:  # the paper's 5,000, 25,000 and 40,000 steps are 5, 25 and 40% of the run
            done = self.step / SMALL.steps
            r_max = 1 + 2 * min(max(done - 0.05, 0) / 0.35, 1)
            d_max = 5 * min(max(done - 0.05, 0) / 0.20, 1)
            r = (sigma.detach() / running).clip(1 / r_max, r_max)
            xhat = xhat * r + ((part.detach().mean(0) - self.mean) / running).clip(-d_max, d_max)
        return xhat * self.weight + self.bias


def plain_error(norm, seed, batch, lr, steps, part=0):
    """Test error in percent of the MLP of SMALL after so many steps of the usual loop."""
    net = plain.network(
        form="mlp", shape=(1, 8, 8), classes=10, depth=2, width=32, seed=seed, dtype=torch.float64,
        norm="batch" if part else norm, options={"groups": SMALL.groups},
    )  # fmt: skip
    if part:
        for place in [i for i, one in enumerate(net) if isinstance(one, nn.BatchNorm1d)]:
            net[place] = Parts(part, norm == "batch_renorm").double()
    split = data.load("digits", seed)
    optimizer = torch.optim.SGD(net.parameters(), lr, momentum=0.9)
    plain.train(net, optimizer, split.x_train.double(), split.y_train, seed, batch, steps)
    net.eval()
    with torch.no_grad():
        return 100 * float((net(split.x_test.double()).argmax(1) != split.y_test).double().mean())


@pytest.mark.parametrize(
    ("norm", "size", "steps"),
    [
        ("batch", 2, 2),
        ("batch", 8, 8),
        ("batch", 32, 8),
        ("batch_renorm", 4, 8),
        ("batch_renorm", 16, 30),
        ("group", 2, 8),
    ],
)
def test_statistics_over_parts_are_those_of_the_usual_loop(norm, size, steps):
    """After few steps, before rounding grows into another training (the sooner, the smaller the parts)."""
    recording, k = record(SMALL), SMALL.evaluated_steps.index(steps)
    own = recording.at("error", k)[SMALL.variants.index(norm), recorded.SIZES.index(size), 1]
    expected = plain_error(norm, 1, 32, 0.05, steps, part=size if norm != "group" else 0)
    assert own == pytest.approx(expected, abs=0.3)


def test_the_correction_of_batch_renormalization_grows_during_the_run():
    """After the first 5% it errs otherwise than batch norm, to the last bit the same before."""
    recording = record(SMALL)
    batch, renorm = (recording.history("error")[1][:, SMALL.variants.index(n)] for n in recorded.OVER_PARTS)
    early = [step <= 0.05 * SMALL.steps for step in SMALL.evaluated_steps]
    assert np.allclose(batch[early], renorm[early], atol=0.2)
    assert not np.allclose(batch[-1], renorm[-1], atol=0.2)


@pytest.mark.parametrize(("norm", "size"), [("batch", 8), ("layer", 2), ("group", 32)])
def test_real_batches_see_as_many_samples_at_a_proportional_rate(norm, size):
    spec = SPECS["batch"]
    k = spec.evaluated_steps.index(2)
    own = record(spec).at("error", k)[spec.variants.index(norm), recorded.SIZES.index(size), 0]
    expected = plain_error(norm, 0, size, 0.05 * size / 32, 2 * 32 // size)
    assert own == pytest.approx(expected, abs=0.3)


def test_norms_without_batch_statistics_are_one_training_for_all_sizes():
    error = record(SMALL).at("error")
    for norm in ("none", "layer", "group"):
        row = error[SMALL.variants.index(norm)]
        assert (row == row[:1]).all()
    assert sum(len(kind.members(SMALL)) for kind in kinds(SMALL)) == (5 + 5 + 3) * SMALL.seeds


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_two_cores_have_alike_to_do_and_every_error_is_filled_once(spec):
    """Dealt in turn, the updates of one differ from the other's by those of a kind at each size at most."""
    parts = [*cut(kinds(spec)), *cut(accumulated(spec))]
    filled = [(kind.micro_batch, kind.row, z) for part in parts for kind in part for z in kind.columns]
    assert len(filled) == len(set(filled)) == 5 * len(spec.variants) + len(spec.accumulated)
    assert all(len({(kind.size, kind.micro_batch) for kind in part}) == 1 for part in parts)
    work = [sum(32 // kind.size for part in parts[core::2] for kind in part) for core in (0, 1)]
    assert abs(work[0] - work[1]) <= (31 if spec.changes == "batch" else 2)


@pytest.mark.parametrize("changes", ["statistics", "batch"])
def test_frames_are_the_same_with_one_worker_and_with_two(changes, tmp_path):
    spec = SMALL.replace(changes=changes, epochs=1, seeds=1, norms=("none", "batch", "group"))
    dealt, forks = two_workers.recorded(spec, tmp_path / "frames")
    alone = record(spec)
    assert forks == 2
    assert [dealt.data(k) for k in range(len(dealt))] == [alone.data(k) for k in range(len(alone))]


def test_accumulated_gradients_leave_batch_norm_at_its_micro_batch():
    recording = record(SMALL)
    batch, group = recording.at("accumulated")[:, 0]
    at = {norm: recording.at("error")[SMALL.variants.index(norm)] for norm in ("batch", "group")}
    assert np.allclose(group, at["group"][-1], atol=1.0)  # but for rounding
    assert batch.min() > 2 * at["batch"][-1].max()


# --- batches of one -------------------------------------------------------------------------------------


def test_the_table_says_what_is_known_of_torch():
    table = record(SMALL)
    found = {
        case: tuple(recorded.outcome_at(table, mode, c) for mode in (0, 1))
        for c, case in enumerate(recorded.CASES)
    }
    assert list(found.values()) == [
        ("raises", "runs"), ("raises", "runs"), ("raises", "raises"), ("raises", "runs"), ("runs", "runs"),
        ("raises", "raises"), ("raises", "raises"), ("zero", "zero"), ("runs", "runs"), ("runs", "runs"),
        ("raises", "runs"), ("raises", "runs"), ("runs", "runs"), ("runs", "runs"),
    ]  # fmt: skip


def test_trials_give_torch_what_their_name_says():
    for case in recorded.LAYERS:
        with torch.random.fork_rng(devices=[]):
            module, x = cases.trial(case, 0)
        assert case == f"{_named(module)} on {tuple(x.shape)}"
    for case, samples in zip(recorded.LOADERS, (1, 1, 4, 1), strict=True):
        with torch.random.fork_rng(devices=[]):
            module, x = cases.trial(case, 0)
        assert len(x) == samples
        assert ("CNN" in case) == any(isinstance(one, nn.Conv2d) for one in module)


def _named(module):
    match module:
        case nn.GroupNorm():
            return f"GroupNorm({module.num_groups}, {module.num_channels})"
        case nn.LayerNorm():
            return f"LayerNorm({module.normalized_shape[0]})"
    tracked = module.track_running_stats or isinstance(module, nn.InstanceNorm2d)
    return f"{type(module).__name__}({module.num_features}{'' if tracked else ', track_running_stats=False'})"


def test_the_error_is_quoted_in_torchs_words():
    with pytest.raises(ValueError, match="Expected more than 1 value") as caught:
        nn.BatchNorm1d(8)(torch.zeros(1, 8))
    told = {note.id: note.numbers for note in record(SMALL).frame(-1).notes}
    assert told["batch_size.refusal"]["words"] == str(caught.value)
    assert {"batch_size.last", "batch_size.silent"} <= told.keys()


def test_trying_out_layers_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    cases.outcomes(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_two_modes_are_apart_as_the_closed_form_says():
    recording = record(SMALL)
    for size, measured in zip(recorded.GAP_SIZES, recording.at("gap_measured"), strict=True):
        assert measured == pytest.approx(recorded.gap(size), rel=0.06), size
    assert np.allclose(recording.at("gap_rule"), 1.5 / np.array(recorded.GAP_SIZES))


# --- notes ----------------------------------------------------------------------------------------------


def made(spec, means, accumulated=None, spread=0.1):
    """Arrays as a frame would hold them, from the mean of every variant and size."""
    mean = np.array(means, "f4")
    error = mean[..., None] + spread * np.linspace(-1, 1, spec.seeds)
    arrays = {"error": error, "error_mean": mean}
    if accumulated is not None:
        arrays["accumulated_mean"] = np.array(accumulated, "f4")[:, None]
    return arrays


TWO = BatchSize(norms=("batch", "group"))
REAL = TWO.replace(changes="batch")
FLAT = [2.5] * 5


@pytest.mark.parametrize(
    ("spec", "batch", "group", "accumulated", "expected"),
    [
        (TWO, [50, 5, 3, 2, 2], FLAT, [48, 2.5], {"signs", "four_fine", "accumulated_part"}),
        (TWO, [50, 9, 3, 2, 2], FLAT, [4, 2.5], {"signs", "four_costs", "accumulated", "accumulated_whole"}),
        (TWO.replace(network="cnn"), [50, 9, 3, 2, 2], FLAT, None, {"unstable", "four_costs"}),
        (TWO, [3, 3, 3, 2, 2], FLAT, [3, 2.5], {"worse", "four_fine"}),
        (TWO, [2, 2, 2, 2, 2], FLAT, [2.1, 2.5], {"overlaps", "four_fine", "accumulated_whole"}),
        (REAL, [50, 9, 3, 2, 2], [4, 4, 4, 4, 4], None, {"signs", "crossing", "other"}),
        (REAL, [50, 9, 5, 5, 5], [4, 4, 4, 4, 4], None, {"never"}),
    ],
)  # fmt: skip
def test_verdicts_follow_the_numbers(spec, batch, group, accumulated, expected):
    told = {
        note.id.removeprefix("batch_size.")
        for note in notes(spec, 100, made(spec, [batch, group], accumulated))
    }
    assert expected <= told
    exclusive = {"signs", "unstable", "worse", "overlaps"}, {"four_fine", "four_costs"}, {"crossing", "never"}
    for group_of in exclusive:
        assert len(told & group_of) <= 1


def test_the_crossing_is_where_batch_norm_stays_better():
    told = notes(REAL, 9, made(REAL, [[50, 3, 5, 2, 2], [4] * 5]))
    (note,) = [one for one in told if one.id == "batch_size.crossing"]
    assert note.numbers["from"] == 16


@pytest.mark.parametrize(
    ("renorm", "kind"), [(20, "renorm_helps"), (70, "renorm_harms"), (50.05, "renorm_overlaps")]
)
def test_batch_renorm_is_judged_by_all_seeds(renorm, kind):
    spec = BatchSize(norms=("batch", "batch_renorm"))
    told = notes(spec, 9, made(spec, [[50, 5, 2, 2, 2], [renorm, 5, 2, 2, 2]]))
    assert f"batch_size.{kind}" in {note.id for note in told}


def test_a_single_seed_judges_nothing_by_its_spread():
    spec = BatchSize(norms=("batch", "batch_renorm"), seeds=1)
    ids = {
        note.id.removeprefix("batch_size.")
        for note in notes(spec, 9, made(spec, [[50, 5, 2, 2, 2], [9] * 5]))
    }
    assert "single" in ids
    assert not ids & {
        "signs",
        "unstable",
        "worse",
        "overlaps",
        "renorm_helps",
        "renorm_harms",
        "renorm_overlaps",
    }


def test_nothing_is_judged_before_it_has_learned_or_when_it_diverged():
    told = notes(TWO, 4, made(TWO, [[80, 70, 60, 50, 40], [40] * 5], [80, 40]))
    assert told == ()
    arrays = made(TWO, [[np.nan, 5, 2, 2, 2], FLAT], [np.nan, 2.5])
    ids = {note.id for note in notes(TWO, 9, arrays)}
    assert "batch_size.diverged" in ids
    assert not ids & {"batch_size.signs", "batch_size.worse", "batch_size.overlaps"}


def test_norms_that_take_no_part_are_named_with_the_reason():
    told = {note.numbers["norm"]: note.numbers["why"] for note in record(SMALL).frame(0).notes[1:]}
    assert set(told) == {"Ghost batch norm", "Filter response norm"}
    assert "convolutions" in told["Filter response norm"]


def test_every_note_has_its_template_and_fits(look):
    _, recording = look
    for k in range(len(recording)):
        told = recording.frame(k).notes
        assert len(told) <= recorded.MOST_NOTES
        for note in told:
            assert TEMPLATES[note.id].format(**note.numbers)


@pytest.mark.slow
def test_at_full_size_batch_norm_fails_at_two_and_not_at_thirty_two():
    """The standard network for 20 epochs over five seeds."""
    norms = ("none", "batch", "batch_renorm", "layer", "group")
    spec = BatchSize(norms=norms, epochs=20, seeds=5, micro_batch=0)
    told = spec.summary(record(spec))["error"]
    assert 10 < told["batch_renorm"]["2"]["mean"] < 25
    assert told["batch_renorm"]["4"]["mean"] < 4
    assert told["batch"]["2"]["mean"] > 35
    assert told["batch"]["32"]["mean"] < 4
    assert told["batch"]["4"]["mean"] < 6
    for norm in ("none", "layer", "group"):
        assert told[norm]["2"]["mean"] < 5
