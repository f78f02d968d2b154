"""The runner of the experiment Sequences: its numbers against plain computations, and what it may claim."""

import json
from functools import cache

import numpy as np
import pytest
import torch

from normviz.lab import runs
from normviz.lab.experiments import sequences_measurements as measurements
from normviz.lab.experiments.sequences import Course, run, stack_of
from normviz.lab.experiments.sequences_notes import notes
from normviz.readings.sequences import TEMPLATES
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences

torch.set_num_threads(1)

SMALL = {"steps": 50, "depth": 1, "width": 16, "seeds": 2, "batch_size": 16, "deepest": 8, "deep_width": 16}
ALL = ("none", "batch", "layer", "group", "instance", "rms")


def small(**values):
    return Sequences(**{**SMALL, **values})


record = cache(runs.record)
"""The recording of a spec, computed once."""


def said(recording, k=-1):
    return {note.id: TEMPLATES[note.id].format(**note.numbers) for note in recording.frame(k).notes}


@pytest.fixture(params=["transformer", "rnn", "gru"])
def spec(request):
    norms = {
        "transformer": ALL,
        "rnn": ("none", "batch", "layer", "group", "rms", "weight_norm"),
        "gru": ("none", "batch", "layer"),
    }
    return small(network=request.param, norms=norms[request.param])


def test_the_same_spec_gives_the_same_frames_bit_for_bit(spec):
    schema, *frames = run(spec)
    one = [schema.encode(frame) for frame in frames]
    recording = record(spec)
    assert one == [recording.data(k) for k in range(len(recording))]


def test_cost_bounds_the_recording_and_the_schema_is_kept(spec):
    recording = record(spec)
    assert recording.nbytes <= spec.cost().recording_bytes
    assert all(len(json.dumps([n.id, dict(n.numbers)])) <= recorded.NOTE_BYTES
               for k in range(len(recording)) for n in recording.frame(k).notes)  # fmt: skip
    for array in recording.schema.arrays:
        assert np.isfinite(recording.at(array.name)).any() or array.name == "theory_pre", array.name


def test_a_sequence_alone_in_its_batch(spec):
    """Norms of one sequence do not notice; batch norm does, or refuses it as torch's layer does."""
    recording = record(spec)
    changes = dict(zip(spec.norms, recording.at("alone"), strict=True))
    batch = changes.pop("batch")
    assert all((change < 1e-4).all() for change in changes.values())
    told = said(recording)
    if spec.network == "transformer":  # it has the steps of the sequence to average over
        assert np.median(batch) > 0.01
        assert "Batch norm, a batch of one" in told["sequences.alone_moved"]
    else:
        assert np.isnan(batch).all()
        with pytest.raises(ValueError, match="more than 1 value") as refused:
            torch.nn.BatchNorm1d(spec.width)(torch.zeros(1, spec.width))
        assert f"“{str(refused.value).split(', got')[0]}" in told["sequences.alone_refused"]
    assert "Layer norm" in told["sequences.alone_same"]


def test_alone_means_the_same_sequence_in_a_batch_of_its_own():
    """Against a forward pass of the whole batch and one of a single row, group by group, by hand."""
    spec = small(norms=("batch", "layer"), seeds=1)
    stack = stack_of(spec)
    x = measurements.batch(spec, stack)
    found, refused = measurements.alone(spec, stack, x)
    assert not refused
    with torch.no_grad():
        many = measurements.answers(stack, x)[:, : recorded.WATCHED]
        one = torch.cat([measurements.answers(stack, x[:, i : i + 1]) for i in range(recorded.WATCHED)], 1)
    expected = ((one - many).norm(dim=-1) / many.norm(dim=-1)).numpy()
    assert found == pytest.approx(np.median(expected, 1), rel=1e-5, abs=1e-7)


def test_variants_differ_and_share_their_seed(spec):
    loss = record(spec).history("loss")[1]
    for v in range(1, len(spec.norms)):
        assert not np.array_equal(loss[:, 0], loss[:, v])
    again = record(spec.replace(norms=spec.norms[:2])).history("loss")[1]
    assert np.array_equal(again, loss[:, :2])


def test_the_first_two_frames_show_a_race_and_a_depth():
    schema_and_frames = run(small())
    next(schema_and_frames)
    first, second = next(schema_and_frames), next(schema_and_frames)
    assert {"accuracy", "time"} <= set(first.arrays)
    assert "grad_depth_median" in second.arrays


# --- who looks where --------------------------------------------------------------------------------------


def test_who_sees_the_future_is_as_the_norms_are_made(spec):
    recording, start = record(spec), spec.changed_from
    own, mates = recording.at("leak_own"), recording.at("leak_mates")
    over_time = {"batch", "group", "instance"} if spec.network == "transformer" else set()
    for v, norm in enumerate(spec.norms):
        assert bool((own[v, :start] > 0).all()) == (norm in over_time), norm
        assert bool((own[v, :start] == 0).all()) == (norm not in over_time), norm
        assert bool((mates[v, start:] > 0).all()) == (norm == "batch"), norm
        assert bool((mates[v] == 0).all()) == (norm != "batch"), norm
        assert (own[v, start + 1 :] > 0).all()
        assert bool(recording.at("leak_eval")[v] == 0) == (norm not in over_time - {"batch"})
    if spec.network != "transformer":
        assert (mates[spec.norms.index("batch"), :start] == 0).all()


def test_attention_that_sees_the_future_is_not_blamed_on_the_norm():
    spec = small(norms=ALL, causal=False)
    recording, start = record(spec), spec.changed_from
    own = recording.at("leak_own")[:, :start]
    assert (own > 0).all()
    mates = recording.at("leak_mates")
    assert all(bool((mates[v] > 0).any()) == (norm == "batch") for v, norm in enumerate(ALL))
    notes_ = {note.id: note.numbers for note in recording.frame(-1).notes}
    assert not {"sequences.future_seen", "sequences.future_blind", "sequences.eval_blind"} & set(notes_)
    told = notes_["sequences.future_attended"]
    assert told["start"] == start + 1
    assert told["low"] == pytest.approx(own.max(1).min(), rel=1e-3)
    assert told["high"] == pytest.approx(own.max(1).max(), rel=1e-3)
    masked, _ = recording.at("padding")
    assert (masked[[ALL.index(norm) for norm in ("none", "batch", "layer", "rms")]] < 1e-5).all()


def test_a_leak_is_the_median_of_relative_changes():
    spec = small(norms=("none", "batch"))
    stack = stack_of(spec)
    x = measurements.batch(spec, stack)
    own, mates = measurements.leaks(spec, stack, x)
    net = stack.groups[1].net.train()
    changes = []
    for i in range(recorded.WATCHED):
        changed = x[2:].clone()
        changed[:, i, :, 8:] = x[2:, (i + 1) % recorded.WATCHED, :, 8:]
        with torch.no_grad():
            z, moved = net.answers(x[2:]).double(), net.answers(changed).double()
        changes.append(np.linalg.norm((moved - z).numpy(), axis=3) / np.linalg.norm(z.numpy(), axis=3))
    for t in (0, 7, 8, 15):
        expected = np.median([change[s, i, t] for i, change in enumerate(changes) for s in (0, 1)])
        assert own[1, t] == pytest.approx(expected, rel=1e-5)
        expected = np.median(
            [
                change[s, k, t]
                for i, change in enumerate(changes)
                for s in (0, 1)
                for k in range(recorded.WATCHED)
                if k != i
            ]
        )
        assert mates[1, t] == pytest.approx(expected, rel=1e-5)


def test_looking_leaves_the_training_as_it_was():
    spec = small(norms=("batch", "layer"))
    looked, bare = stack_of(spec), stack_of(spec)
    x = measurements.batch(spec, looked)
    for stack in (looked, bare):
        stack.step(3)
    measurements.leaks(spec, looked, x)
    measurements.padding(spec, looked, x)
    measurements.gap(spec, looked, x)
    for stack in (looked, bare):
        stack.step(3)
    assert np.array_equal(looked.losses, bare.losses)
    for one, other in zip(looked.parameters(0).values(), bare.parameters(0).values(), strict=True):
        assert torch.equal(one, other)
    assert all(net.masked for net in measurements.sequence_nets(looked))


def test_padding_moves_those_that_average_over_it():
    recording = record(small(norms=ALL))
    masked, unmasked = recording.at("padding")
    batch = ALL.index("batch")
    assert (masked[batch] < 1e-5).all()
    assert (unmasked[batch] > 1e-3).all()
    for norm in ("group", "instance"):
        assert (masked[ALL.index(norm)] > 1e-3).all()
    for norm in ("none", "layer", "rms"):
        assert (unmasked[ALL.index(norm)] == 0).all()
    assert recording.at("padding_drawn")[0, ALL.index("layer"), 0] == np.float32(recorded.NOTHING)


def test_modes_differ_for_batch_norm_alone(spec):
    gap = record(spec).at("gap")
    for v, norm in enumerate(spec.norms):
        assert bool((gap[v] == 0).all()) == (norm != "batch")


def test_a_recurrent_batch_norm_needs_statistics_of_the_first_step():
    recording = record(small(network="rnn", norms=("batch",), steps=100))
    assert recording.at("gap_pooled")[0, 0] > 1.5 * recording.at("gap")[0, 0]
    assert "sequences.gap_by_step" in said(recording)


@pytest.mark.parametrize("network", ["transformer", "rnn", "gru"])
def test_relatives_of_batch_norm(network):
    norms = ("batch", "batch_renorm", "ghost_batch", "none")
    if network == "transformer":
        norms += ("group", "instance")  # as many sentences as there may be
    recording = record(small(network=network, norms=norms, steps=100))
    gap = np.nanmedian(recording.at("gap"), axis=1)
    assert gap[1] < gap[0] < gap[2]  # corrected towards evaluation mode; from half as many sequences
    assert gap[3] == 0
    assert (np.diff(recording.at("leak_mates")[:3, 8:].max(1)) != 0).all()
    told = recording.frame(-1).notes
    assert len(told) < recorded.MOST_NOTES
    for note in ("gap", "gap_by_step"):
        assert {"No normalization"}.isdisjoint(
            one.numbers["norm"] for one in told if one.id == f"sequences.{note}"
        )
    closed = [one for one in told if one.id == "sequences.gap_closed"]
    assert [one.numbers["norm"] for one in closed] == ["Batch renormalization"] * (network == "transformer")
    modes = [one.numbers["norm"] for one in told if one.id.startswith("sequences.gap")]
    assert modes == ["Batch norm", "Batch renormalization", "Ghost batch norm"]


def test_batch_renormalization_begins_as_batch_norm_and_follows_its_schedule():
    spec = small(network="rnn", norms=("batch", "batch_renorm"), steps=200)
    course = Course(spec, _tables(spec))
    renorm = course.stack.groups[1].net.norms[0]
    seen = []
    for frame in course.training():
        losses = course.tables["loss"]
        seen.append((frame.step, renorm.r_max, renorm.d_max, bool((losses[0] == losses[1]).all())))
    limits = {step: (r, d) for step, r, d, _ in seen}
    assert limits[0] == limits[10] == (1.0, 0.0)
    assert limits[30] == pytest.approx((1 + 2 * 2 / 7, 2.5))
    assert limits[200] == (3.0, 5.0)
    assert all(same for step, _, _, same in seen if 5 <= step <= 10)
    assert not any(same for step, _, _, same in seen if step > 15)


def test_a_batch_without_padding_comes_first():
    spec = small()
    x = measurements.batch(spec, stack_of(spec))
    assert x.shape[1] == spec.batch_size
    assert (x[:, : recorded.WATCHED, -1] == 1).all()
    assert not (x[:, :, -1] == 1).all()


# --- depth ------------------------------------------------------------------------------------------------


def test_gradients_are_those_of_a_plain_network():
    from normviz.lab import data, nets

    spec = small(norms=("layer",))
    found = measurements.deep_gradients(spec, "layer", "after", 4)
    assert found.shape == (4, 2)
    for place, seed in enumerate(spec.seed_values):
        net = nets.build(
            "transformer", members=1, shape=spec.data.shape, classes=4, depth=4, width=16, norm="layer",
            placement="after",
        ).double()  # fmt: skip
        net.draw([seed], [0.5**0.5])
        split = data.load("marked", seed)
        logits = net(split.x_train[None, : recorded.DEEP_BATCH].double())[0]
        loss = torch.nn.functional.cross_entropy(logits, split.y_train[: recorded.DEEP_BATCH])
        loss.backward()
        for layer in range(4):
            expected = net.blocks[2 * layer + 1].layer.weight.grad.norm().item()
            assert found[layer, place] == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_pre_norm_falls_with_depth_and_post_norm_does_not():
    spec = Sequences(deep_width=128, seeds=5, norms=("layer",))
    last = {
        (place, depth): np.mean(measurements.deep_gradients(spec, "layer", place, depth)[-1])
        for place in recorded.PLACES
        for depth in (8, 32)
    }
    assert last["after", 32] / last["before", 32] > 4
    assert last["before", 32] / last["before", 8] == pytest.approx(0.5, abs=0.1)
    assert last["after", 32] / last["after", 8] == pytest.approx(1.2, abs=0.3)


def test_theory_goes_through_depth_eight():
    recording = record(Sequences(**SMALL | {"deepest": 32, "norms": ("layer",)}))
    expected, pre = recording.at("theory_pre"), recording.at("grad_depth_median")[0, 0]
    assert np.isnan(expected[:2]).all()
    assert expected[2] == pre[2]
    assert expected[4] == pytest.approx(pre[2] / 2, rel=1e-5)


# --- what is said -----------------------------------------------------------------------------------------


def test_sentences_at_the_end_hold(spec):
    recording = record(spec)
    told = said(recording)
    sentences = [TEMPLATES[note.id].format(**note.numbers) for note in recording.frame(-1).notes]
    assert len(set(sentences)) == len(sentences) < recorded.MOST_NOTES  # nothing is cut off
    if spec.network == "transformer":
        assert "Batch norm, Group norm, Instance norm" in told["sequences.future_seen"]
        assert "No normalization, Layer norm, RMS norm" in told["sequences.future_blind"]
    else:
        assert "sequences.future_seen" not in told
        assert "sequences.future_all_blind" in told
        assert {"sequences.gap", "sequences.gap_by_step"} & set(told)
    assert told["sequences.mates_seen"].startswith("Batch norm")


def test_a_sentence_appears_only_if_its_numbers_bear_it_out():
    spec = small(norms=("none", "layer"))
    course = Course(spec, _tables(spec))
    tables = course.tables
    assert notes(spec, tables) == ()
    tables.step = 100
    tables.put("accuracy", np.array([[0.9, 0.9], [0.26, 0.25]]))
    tables.put("accuracy_median", np.array([0.9, 0.255]))
    ids = {note.id for note in notes(spec, tables)}
    assert ids == {"sequences.guessing", "sequences.best"}
    post = spec.replace(placement="after")
    assert "sequences.guessing_post" in {note.id for note in notes(post, tables)}
    pre_post = np.array([[[9.0] * 3, [9.0] * 3], [[1.0, 1.0, 1.0], [1.5, 1.9, 1.9]]])
    tables.put("grad_depth_median", pre_post)
    assert "sequences.post_larger" not in {note.id for note in notes(spec, tables)}
    pre_post[1, 1, 2] = 3
    tables.put("grad_depth_median", pre_post)
    larger = next(note for note in notes(spec, tables) if note.id == "sequences.post_larger")
    assert larger.numbers["times"] == 3
    assert larger.numbers["depth"] == 8


def _tables(spec):
    from normviz.lab.experiments.forgotten_eval.tables import Tables

    return Tables(spec.schema())


def test_a_variant_that_diverges_is_named_and_left_out():
    recording = record(small(norms=("none", "layer"), lr=1.0, steps=100, depth=4, placement="after", seed=3))
    accuracy = recording.at("accuracy")
    lost = np.isnan(accuracy).any(1)
    assert ("sequences.diverged" in said(recording)) == bool(lost.any() and np.isfinite(accuracy).any())


def test_the_summary_is_plain_and_holds_the_answer(spec):
    summary = spec.summary(record(spec))
    assert json.loads(json.dumps(summary)) == summary
    layer, batch = summary["norms"]["layer"], summary["norms"]["batch"]
    assert layer["future_seen"] == layer["mates_seen"] == layer["train_eval_gap"] == 0
    assert batch["mates_seen"] > 0
    assert layer["post_to_pre"]["8"] == pytest.approx(
        record(spec).at("grad_depth_median")[spec.deep_norms.index("layer"), :, 2][1]
        / record(spec).at("grad_depth_median")[spec.deep_norms.index("layer"), :, 2][0],
        rel=1e-5,
    )


@pytest.mark.slow
def test_post_norm_fails_where_pre_norm_learns_at_the_default_rate():
    pre, post = (
        record(Sequences(norms=("layer", "rms"), placement=place, deepest=8)).at("accuracy_median")
        for place in ("before", "after")
    )
    assert (pre > 0.95).all()
    assert (post < 0.5).all()
