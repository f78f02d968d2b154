"""The runner of the claims: its measurements against plain torch, and its verdicts against what is known."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from normviz.catalog.claims import CLAIMS
from normviz.frames import Frame, Recording, Schema
from normviz.lab import data
from normviz.lab.dealt import in_a_row, shared_out
from normviz.lab.engine import Member
from normviz.lab.experiments.claims import calls, court, epochs, run, steps
from normviz.lab.experiments.claims.jobs import lot, race, right_after, rounds_of
from normviz.lab.experiments.noisy_bn import run as noisy_bn_run
from normviz.lab.experiments.signal import run as signal_run
from normviz.lab.randoms import generator
from normviz.readings import TEMPLATES
from normviz.specs import claims_rules as rules
from normviz.specs.claims import Claims
from normviz.specs.claims_designs import NOISY_DEPTH, NOISY_RATE, PAIR, RATES, SIZES
from normviz.specs.claims_frames import evidence, ticks
from normviz.specs.mean_field import batch_norm_growth
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.signal import Signal
from normviz.specs.signal_frames import growth
from tests.lab import plain, two_workers
from tests.ui.test_preludes import assert_alike

SMALL = Claims(seeds=2, steps=50, epochs=1, width=32)


@cache
def record(spec: Claims) -> Recording:
    """The recording of a run."""
    frames = run(spec)
    schema = next(frames)
    assert isinstance(schema, Schema)
    recording = Recording(schema)
    for frame in frames:
        assert isinstance(frame, Frame)
        recording.append(schema.encode(frame))
    return recording


def told(recording: Recording, k: int) -> dict[str, Any]:
    """Notes as they stand at frame k, by id."""
    frames = [recording.frame(i) for i in range(k + 1)]
    return {note.id: note.numbers for note in next(f for f in reversed(frames) if f.notes).notes}


# --- the run as a whole ---------------------------------------------------------------------------------


def test_it_announces_its_frames_and_fills_every_array() -> None:
    recording = record(SMALL)
    assert len(recording) == ticks(SMALL) + 1 == recording.schema.facts["frames"]
    assert recording.frame(-1).step == recording.schema.facts["steps"]
    assert (recording.at("done") == 1).all()
    assert recording.nbytes <= SMALL.cost().recording_bytes
    for array in recording.schema.arrays:
        assert np.isfinite(recording.at(array.name)).all(), array.name


@pytest.mark.parametrize("number", CLAIMS)
def test_a_claim_alone_gives_the_numbers_that_it_gives_among_all(number: int) -> None:
    alone = record(SMALL.replace(claim=str(number)))
    assert len(alone) == ticks(SMALL.replace(claim=str(number))) + 1
    for name in evidence(SMALL, number):
        assert np.array_equal(alone.at(name), record(SMALL).at(name)), name


def test_the_same_spec_gives_the_same_bytes() -> None:
    spec = SMALL.replace(claim="1")
    frames = [frame for frame in run(spec) if isinstance(frame, Frame)]
    schema = spec.schema()
    assert [schema.encode(frame) for frame in frames] == [record(spec).data(k) for k in range(len(frames))]


def test_cards_wait_are_measured_and_get_the_verdict_of_the_rule() -> None:
    recording = record(SMALL)
    first, last = told(recording, 0), told(recording, len(recording) - 1)
    assert set(first) == {f"claims.{number}.verdict.waiting" for number in CLAIMS}
    assert any("verdict.measured" in name for k in range(len(recording)) for name in told(recording, k))
    for number in CLAIMS:
        judged = rules.judge(number, {name: recording.at(name) for name in evidence(SMALL, number)})
        assert f"claims.{number}.verdict.{judged.verdict}" in last
        assert f"claims.{number}.found.{judged.finding}" in last
    assert sum(last["claims.tally"].values()) == len(CLAIMS)


LONGER = SMALL.replace(steps=100, epochs=3)
"""Long enough for claims to be measured for a while before they are judged."""


@pytest.mark.parametrize("number", [1, 3, 4, 5, 7, 12])
def test_while_a_claim_is_measured_its_numbers_so_far_are_told_and_no_verdict(number: int) -> None:
    spec = LONGER.replace(claim=str(number))
    recording, card = record(spec), f"claims.{number}"
    between = [told(recording, k) for k in range(1, len(recording) - 1)]
    assert between
    for notes in between:
        assert set(notes) == {f"{card}.verdict.measured", f"{card}.progress", *open_or_not(card, notes)}
        assert not any(isinstance(value, float) and math.isnan(value) for value in told_numbers(notes))
    done = [notes[f"{card}.progress"]["done"] for notes in between]
    assert done == sorted(done)
    assert done[-1] < between[-1][f"{card}.progress"]["of"]
    last = told(recording, len(recording) - 1)
    assert not {f"{card}.progress", f"{card}.evidence.open"} & set(last)


def open_or_not(card: str, notes: dict[str, Any]) -> set[str]:
    """The one sentence of numbers among the notes."""
    (name,) = {f"{card}.evidence", f"{card}.evidence.open"} & set(notes)
    return {name}


def told_numbers(notes: dict[str, Any]) -> list[Any]:
    return [value for numbers in notes.values() for value in numbers.values()]


def test_the_numbers_so_far_are_those_of_the_frame() -> None:
    spec = LONGER.replace(claim="7")
    recording = record(spec)
    now = told(recording, 1)
    assert now["claims.7.progress"] == {"done": 1, "of": 3}
    mean = recording.at("c7_error", 1).mean(0)
    assert now["claims.7.evidence"]["error_batch_2"] == pytest.approx(mean[0], rel=1e-3)
    assert now["claims.7.evidence"] != told(recording, 2)["claims.7.evidence"]


def test_who_is_not_there_within_the_steps_is_told_to_count_with_them() -> None:
    """So few steps are not enough at the lowest rate; of claim 1 the numbers decide."""
    recording = record(SMALL)
    last = told(recording, len(recording) - 1)
    assert (recording.at("c3_steps")[:, :, 0] == SMALL.rate_steps).any()
    assert last["claims.3.evidence.capped"] == {"most": SMALL.rate_steps}
    late = (recording.at("c1_steps") == SMALL.noisy_steps).any()
    assert ("claims.1.evidence.capped" in last) == late


def test_every_sentence_can_be_filled() -> None:
    recording = record(SMALL)
    for k in range(len(recording)):
        for note in recording.frame(k).notes:
            assert TEMPLATES[note.id].format(**note.numbers)


@pytest.mark.parametrize("number", CLAIMS)
def test_every_sentence_of_a_claim_knows_its_numbers(number: int) -> None:
    """Findings and counter-cases that did not come up here as well."""
    judged = rules.judge(number, {name: record(SMALL).at(name) for name in evidence(SMALL, number)})
    for name, template in TEMPLATES.items():
        if name.startswith(f"claims.{number}.") and not {"progress", "open", "capped"} & set(name.split(".")):
            assert template.format(**court.flat(judged.evidence))


def test_the_summary_is_plain_json_with_spreads() -> None:
    summary = json.loads(json.dumps(SMALL.summary(record(SMALL))))["claims"]
    assert [one["number"] for one in summary] == list(CLAIMS)
    for one in summary:
        assert {"number", "statement", "verdict", "evidence", "source"} <= set(one)
        for value in one["evidence"].values():
            assert not isinstance(value, dict) or set(value) == {"mean", "sd", "seeds"}
    assert summary[6]["evidence"]["error_batch_2"]["seeds"] == 2
    unfinished = Recording(record(SMALL).schema, [record(SMALL).data(0)])
    assert {one["verdict"] for one in SMALL.summary(unfinished)["claims"]} == {None}


# --- what torch is asked --------------------------------------------------------------------------------


def test_the_sample_code_is_really_run() -> None:
    with pytest.raises(TypeError):
        torch.randn(batch_size=32, features=128)  # type: ignore[call-overload]
    assert record(SMALL).at("c11_runs").tolist() == [[0.0, 1.0]]
    assert calls.runs("torch.randn(32, 128)")
    assert not calls.runs("torch.randn(128, 32)")


def test_a_batch_of_one_is_normalized_by_its_own_picture() -> None:
    """The gap of the CNN's batch norm, from the formulas in float64."""
    split, source = data.load("digits", 1), generator(1, "initialization")
    torch.randn(16, 64, generator=source)
    weight = (torch.randn(16, 9, generator=source) * math.sqrt(2 / 9)).view(16, 1, 3, 3).double()
    mean, var = torch.zeros(16).double(), torch.ones(16).double()
    for start in range(0, 15 * 64, 64):
        x = F.conv2d(split.x_train[start : start + 64].double(), weight).transpose(0, 1).flatten(1)
        mean, var = 0.9 * mean + 0.1 * x.mean(1), 0.9 * var + 0.1 * x.var(1)
    x = F.conv2d(split.x_test[:1].double(), weight)[0].flatten(1)
    evaluated = (x - mean[:, None]) / (var[:, None] + 1e-5).sqrt()
    trained = (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    gap = float((trained - evaluated).norm() / evaluated.norm())
    asked = calls.one_digit(1)
    assert (asked.raised, asked.works, asked.switched) == (True, True, False)
    assert asked.gap == pytest.approx(gap, rel=1e-4)


def test_without_running_statistics_a_batch_of_one_raises_after_eval_too() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        torch.nn.BatchNorm1d(4, track_running_stats=False).eval()(torch.zeros(1, 4))
    assert calls.one_digit(1).untracked


@pytest.mark.parametrize("change", ["future", "sample", "padding"])
def test_sequences_against_torch(change: str) -> None:
    def batch(x: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(x.double().mT, None, None, training=True).mT

    def layer(x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x.double(), x.shape[-1:])

    assert calls.moved(calls.batch_norm, change, 3) == pytest.approx(calls.moved(batch, change, 3), rel=1e-4)
    assert calls.moved(calls.batch_norm, change, 3) > 0
    assert calls.moved(calls.layer_norm, change, 3) == 0.0 == calls.moved(layer, change, 3)


def test_what_batch_norm_keeps_by_the_real_steps_alone_and_after_eval() -> None:
    def masked(x: torch.Tensor) -> torch.Tensor:
        real = x.double()[:, : calls.LENGTH].flatten(0, 1)
        return (x - real.mean(0)) / (real.var(0, correction=0) + 1e-5).sqrt()

    padded = F.pad(torch.randn(8, 16, 16, generator=torch.Generator().manual_seed(0)), (0, 0, 0, 16))
    assert torch.allclose(calls.masked_batch_norm(padded).double(), masked(padded), atol=1e-5)
    assert calls.moved(calls.masked_batch_norm, "padding", 3) < rules.ROUNDING
    assert calls.moved(calls.masked_batch_norm, "sample", 3) > 0.01
    for change in ("future", "sample", "padding"):
        assert calls.moved(calls.evaluated_batch_norm, change, 3) == 0.0
    x = torch.randn(8, 16, 16, generator=generator(3, "trials"))
    assert not torch.allclose(calls.evaluated_batch_norm(x), calls.batch_norm(x), atol=0.1)


# --- what is trained ------------------------------------------------------------------------------------


def test_growth_of_fresh_networks_agrees_with_theory() -> None:
    measured = steps.fresh_growth((0, 1, 2))
    assert measured[:, 1].mean() == pytest.approx(batch_norm_growth("relu", 32), rel=0.03)
    assert measured[:, 0].mean() == pytest.approx(1.0, abs=0.05)


def test_jobs_give_what_one_stack_gives() -> None:
    members = [Member(norm, seed, 0.3) for norm in PAIR for seed in range(3)]
    whole = steps.job(3, 32, members)
    parts = [steps.job(3, 32, members[i : i + 2]) for i in (0, 2, 4)]
    stack, rounds = whole.stack(), rounds_of(45, 20)
    assert rounds == [20, 20, 5]
    with in_a_row([lot(parts, rounds, right_after), lot(parts, rounds, race)], 1) as (rights, races):
        seen = [np.concatenate(told) for told in rights]
        hits = np.concatenate([np.concatenate(told, 2)[0] for told in races])
    assert len(seen) == len(rounds)
    stack.step(45)
    assert np.array_equal(seen[-1], 1.0 - stack.test_error())
    again = whole.stack()
    for row in hits:
        again.step()
        assert np.array_equal(row, again.accuracy)


def test_two_workers_send_the_same_bytes_as_one(tmp_path: Path) -> None:
    one = [SMALL.schema().encode(frame) for frame in run(SMALL, 1) if isinstance(frame, Frame)]
    dealt, forks = two_workers.recorded(SMALL, tmp_path / "frames")
    assert forks == 2
    assert [dealt.data(k) for k in range(len(dealt))] == one


def test_two_workers_have_about_equally_much_to_do() -> None:
    """Of the default, measure by measure and in the end."""
    costs = [[cost for cost, _ in one.jobs(Claims())] for one in court.MEASUREMENTS]
    shares = shared_out(costs, 2)
    loads = np.cumsum(
        [[sum(own[i] for i in places) for own, places in zip(costs, share, strict=True)] for share in shares],
        1,
    )
    apart = np.abs(loads[0] - loads[1]) / loads.sum(0)[-1]
    assert apart.max() < 0.05
    assert apart[-1] < 0.02


def test_a_job_is_rated_by_what_takes_long() -> None:
    """Steps, layers, a norm, noise and dropout, and many values."""
    none, batch = (steps.job(10, 32, [Member(norm, 0, 0.1)]) for norm in PAIR)
    deep = steps.job(50, 32, [Member("none", 0, 0.1)])
    assert none.cost(200) == 2 * none.cost(100)
    assert 4 * none.cost(1) < deep.cost(1) < 5 * none.cost(1)
    assert batch.cost(1) > 3 * none.cost(1)
    for one in epochs.variants(Claims(claim="6")):
        same = epochs.Variant(one.norm)
        costs = [epochs.job(SMALL, variant).cost(1) for variant in (one, same)]
        assert costs[0] > costs[1] if one.dropout else costs[0] == costs[1]


def test_claim_1_disturbs_batch_norm_alone() -> None:
    """Without norm and with batch norm the batches go right as in a plain stack; with noise they do not."""
    taken = record(SMALL).at("c1_steps")
    members = [Member(norm, seed, NOISY_RATE) for norm in PAIR for seed in range(2)]
    ((hits, _),) = race(steps.job(NOISY_DEPTH, 32, members), [SMALL.noisy_steps])
    assert np.array_equal(steps.first_reached(hits.reshape(-1, 2, 2), 0.9, SMALL.noisy_steps), taken[:, :2])
    assert (taken[:, 2] > taken[:, 1]).all()


def test_claim_1_puts_back_the_noise_of_the_page_why_and_measures_how_the_means_move() -> None:
    """Against the experiment of that page, in the steps until the network without a norm is there."""
    page = NoisyBN(seeds=1, width=32, steps=50, seed=1)
    _, *frames = noisy_bn_run(page)
    shifts = np.array([frame.arrays["shift"] for frame in frames if isinstance(frame, Frame)])
    moved, until = record(SMALL).at("c1_shift")[1], int(record(SMALL).at("c1_steps")[1, 0])
    assert np.allclose(moved, shifts[1:until].mean((0, 2)), rtol=1e-4)
    assert moved[2] > moved[1]


def test_only_steps_before_the_network_without_a_norm_is_there_count() -> None:
    shifts = np.array([[[np.nan], [np.nan]], [[1.0], [3.0]], [[2.0], [np.nan]], [[9.0], [9.0]]])  # [T, V, S]
    assert steps.shift_until(shifts, np.array([3.0])).tolist() == [[1.5, 3.0]]
    assert steps.shift_until(shifts, np.array([np.nan])).tolist() == [[4.0, 6.0]]


def test_growth_is_what_the_page_signal_shows() -> None:
    spec = Signal(norms=PAIR, depth=30, width=128, batch_size=32, seed=4, seeds=1)
    _, frame = signal_run(spec)
    assert isinstance(frame, Frame)
    shown = [growth(row[0], "activation") for row in frame.arrays["grad_activation"]]
    assert np.allclose(steps.fresh_growth((3, 4))[1], shown, rtol=1e-6)


def test_the_last_seeds_work_as_well() -> None:
    assert np.isfinite(record(SMALL.replace(claim="1", seed=999_999)).at("c1_growth")).all()


def test_the_first_step_that_reaches_the_target() -> None:
    history = np.zeros((12, 1, 2))
    history[4:, 0, 0] = 1.0
    assert steps.first_reached(history, 0.8, 12).tolist() == [[8.0], [12.0]]
    assert math.isnan(steps.first_reached(history, 0.8, None)[1, 0])


def test_the_better_rate_is_chosen_once_for_all_seeds() -> None:
    right = np.array([[[0.5, 0.6]], [[0.9, 0.2]]])  # [S, variant, rate]: the means are 0.7 and 0.4
    assert steps.at_better_rate(right).tolist() == [[0.5], [0.9]]


def test_learning_rates_against_a_plain_network() -> None:
    """Accuracy after the steps of claim 3, seed 1, rate 0.1, trained by torch.nn and torch.optim."""
    split, recording = data.load("digits", 1), record(SMALL)
    for v, norm in enumerate(PAIR):
        net = plain.network(
            form="mlp", shape=(1, 8, 8), classes=10, depth=3, width=32, norm=norm, seed=1, gain=1.0
        )
        sgd = plain.optimizer("sgd", net, 0.1)
        plain.train(net, sgd, split.x_train, split.y_train, 1, 64, SMALL.rate_steps)
        own = (net.eval()(split.x_test).argmax(1) == split.y_test).double().mean().item()
        measured = recording.at("c4_accuracy")[1, v, RATES.index(0.1)]
        assert measured == pytest.approx(own, abs=0.02)


def test_small_batches_are_ghost_batches_of_that_size_and_fill_their_columns() -> None:
    chosen = epochs.variants(Claims(claim="7"))
    assert [one.options for one in chosen[:3]] == [(("ghost_size", size),) for size in SIZES]
    columns = [column for one in chosen for name, column in one.fills if name == "c7_error"]
    assert sorted(columns) == [0, 1, 2, 3, 4]
    assert len(epochs.variants(Claims())) == 10


def test_the_statistics_of_claim_9_move_and_come_back() -> None:
    stack = epochs.job(SMALL, epochs.Variant("batch")).stack()
    stack.step(5)
    before = stack.statistics()
    orders = epochs.measurements.Orders(stack)
    assert (epochs.statistics_moved(stack, orders) > 0).all()
    assert (epochs.after_another_batch(stack, orders) == 0).all()
    for old, new in zip(before, stack.statistics(), strict=True):
        assert np.array_equal(old["mean"], new["mean"])


# --- what is known --------------------------------------------------------------------------------------

CHECKED = "checked against the source"
KNOWN = {
    1: "not supported", 2: CHECKED, 3: "conditional", 4: "supported", 5: "supported", 6: "inconclusive",
    7: "supported", 8: "false", 9: "false", 10: "conditional", 11: CHECKED, 12: "conditional",
}  # fmt: skip


@pytest.mark.slow
def test_the_verdicts_of_the_defaults_are_those_that_are_known() -> None:
    """And the shipped recording, which shows them first, is like the fresh run from which they come."""
    recording = record(Claims())
    assert_alike("claims", (recording.frame(k) for k in range(len(recording))))
    summary = Claims().summary(recording)["claims"]
    assert {one["number"]: one["verdict"] for one in summary} == KNOWN
    found = {one["number"]: one["finding"] for one in summary}
    assert found[1] == "both"
    assert found[2] == "alike"
    small = summary[6]["evidence"]
    assert small["error_batch_2"]["mean"] > 35
    assert small["error_batch_4"]["mean"] < 8
    assert max(small["error_group"]["mean"], small["error_layer"]["mean"]) < 5
