"""The stack: order, determinism, looking at it, taking it apart and repairing it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from normviz.catalog.norms import NORMS
from normviz.lab import data
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.groups import LARGEST, grouped

PLAN = Plan("mlp", 2, 32)
BOTH = [Member(norm, seed, 0.05) for norm in ("none", "batch") for seed in (0, 1)]


def trained(members: list[Member] = BOTH, steps: int = 20, plan: Plan = PLAN, **settings: object) -> Stack:
    stack = Stack(plan, members, **{"optimizer": "momentum", "batch_size": 32, **settings})  # type: ignore[arg-type]
    for _ in range(steps):
        stack.step()
    return stack


def curve(members: list[Member], steps: int = 15, plan: Plan = PLAN) -> np.ndarray:
    stack = Stack(plan, members, optimizer="sgd", batch_size=32)
    losses = []
    for _ in range(steps):
        stack.step()
        losses.append(stack.losses)
    return np.array(losses)


# ---------------------------------------------------------------- what training means


def test_the_same_plan_twice_is_identical() -> None:
    one, other = trained(), trained()
    np.testing.assert_array_equal(one.losses, other.losses)
    for member in range(len(BOTH)):
        for name, value in one.parameters(member).items():
            assert torch.equal(value, other.parameters(member)[name])


@pytest.mark.parametrize(
    "norm", [norm for norm in NORMS if norm != "none" and "mlp" not in NORMS[norm].unfit]
)
def test_with_a_norm_the_curve_differs_from_without(norm: str) -> None:
    losses = curve([Member("none", 0, 0.05), Member(norm, 0, 0.05)])
    # Weight norm starts as the plain network, so only its later steps differ.
    assert (np.abs(losses[-5:, 0] - losses[-5:, 1]) > 1e-4).all()


def test_several_steps_at_once_are_the_same_steps() -> None:
    members = [*BOTH, Member("none", 2, 1e4, 10.0), Member("layer", 0, 0.05)]
    plan = Plan("mlp", 4, 32, dropout=0.1)
    one_by_one = trained(members, 50, plan)
    at_once = Stack(plan, members, optimizer="momentum", batch_size=32)
    at_once.step(3)
    at_once.step(0)
    at_once.step(47)
    assert at_once.steps_done == 50
    assert at_once.diverged_at[4] >= 0
    np.testing.assert_array_equal(one_by_one.diverged_at, at_once.diverged_at)
    np.testing.assert_array_equal(one_by_one.losses, at_once.losses)
    for member in range(len(members)):
        for name, value in one_by_one.parameters(member).items():
            assert torch.equal(value, at_once.parameters(member)[name])


def test_none_against_none_is_identical() -> None:
    losses = curve([Member("none", 3, 0.05), Member("none", 3, 0.05), Member("none", 4, 0.05)])
    np.testing.assert_array_equal(losses[:, 0], losses[:, 1])
    assert (losses[:, 0] != losses[:, 2]).any()


def test_members_of_one_seed_start_from_the_same_weights() -> None:
    stack = Stack(PLAN, [Member(norm, 5, 0.1) for norm in ("none", "batch", "group", "dyt")], batch_size=32)
    for name, value in stack.parameters(0).items():
        for other in (1, 2, 3):
            assert torch.equal(value, stack.parameters(other)[name])


def test_gain_and_rate_belong_to_the_member() -> None:
    stack = Stack(
        PLAN,
        [Member("none", 0, 0.1), Member("none", 0, 0.1, gain=3.0), Member("none", 0, 0.0)],
        batch_size=32,
    )
    name = "blocks.0.layer.weight"
    torch.testing.assert_close(3.0 * stack.parameters(0)[name], stack.parameters(1)[name])
    before = stack.parameters(2)[name]
    stack.step()
    assert torch.equal(stack.parameters(2)[name], before)
    assert not torch.equal(stack.parameters(0)[name], before)


def test_answers_come_in_the_order_of_the_members() -> None:
    members = [
        Member("batch", 1, 0.2),
        Member("none", 0, 0.1),
        Member("batch", 0, 0.05),
        Member("none", 1, 0.01),
    ]
    stack = trained(members, 5)
    for place, member in enumerate(members):
        alone = trained([member], 5)
        assert stack.losses[place] == alone.losses[0]
        assert stack.accuracy[place] == alone.accuracy[0]
        assert stack.test_error()[place] == alone.test_error()[0]
        assert torch.equal(stack.logits(np.arange(10))[place], alone.logits(np.arange(10))[0])
        assert torch.equal(stack.trace([1, 2, 3]).outputs[1][place], alone.trace([1, 2, 3]).outputs[1][0])


def test_accuracy_is_that_of_the_last_batch() -> None:
    stack = Stack(PLAN, [Member("none", 0, 0.0)], batch_size=50)
    stack.step()
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(2))[:50]  # purpose 2: batches
    split = stack.data(0)
    chosen = stack.logits(split.x_train[order])[0].argmax(-1)
    assert stack.accuracy[0] == pytest.approx((chosen == split.y_train[order]).float().mean().item())


def test_an_epoch_sees_every_sample_at_most_once() -> None:
    stack = Stack(PLAN, [Member("none", 0, 0.1)], batch_size=64)
    assert stack.steps_per_epoch == 15
    seen = torch.cat([stack._batches.next()[0][0] for _ in range(15)])
    assert len(torch.unique(seen.flatten(1), dim=0)) == len(torch.unique(seen.flatten(1).clone(), dim=0))
    known = {tuple(row) for row in stack.data(0).x_train.flatten(1).tolist()}
    assert {tuple(row) for row in seen.flatten(1).tolist()} <= known
    assert len({tuple(row) for row in seen.flatten(1).tolist()}) > 950


def test_options_of_the_plan_and_of_a_member() -> None:
    plan = Plan("mlp", 1, 32, options={"groups": 8, "ghost_size": 4})
    members = [Member("ghost_batch", 0, 0.1), Member("ghost_batch", 0, 0.1, options=(("ghost_size", 16),))]
    stack = Stack(plan, [*members, Member("group", 0, 0.1)], batch_size=32)
    assert [group.net.norms[0].ghost_size for group in stack.groups[:2]] == [4, 16]
    assert stack.groups[2].net.norms[0].num_groups == 8


def test_large_families_are_cut_into_even_groups() -> None:
    members = [Member("batch", seed, 10.0 - seed) for seed in range(100)]
    groups = grouped(members, "mlp")
    assert [len(places) for places in groups] == [33, 33, 34]
    assert max(map(len, groups)) <= LARGEST["mlp"]
    rates = [members[place].lr for places in groups for place in places]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("network", "vgg", "network"),
        ("dataset", "mnist", "dataset"),
        ("activation", "swish", "activation"),
        ("placement", "between", "placement"),
        ("depth", 51, "1 to 50"),
        ("width", 33, "width"),
        ("dropout", 1.0, "dropout"),
    ],
)
def test_a_bad_plan_says_what_is_wrong(field: str, value: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Plan(**{field: value})  # type: ignore[arg-type]


def test_points_do_not_go_into_a_cnn() -> None:
    with pytest.raises(ValueError, match="pictures"):
        Plan("cnn", 3, 16, dataset="moons")


# ---------------------------------------------------------------- looking at it


def test_logits_of_shared_samples_own_samples_and_indices() -> None:
    stack = trained()
    own = torch.stack([stack.data(member).x_test[:7] for member in range(4)])
    assert torch.equal(stack.logits(own), stack.logits(np.arange(7)))
    torch.testing.assert_close(stack.logits(own), stack.logits()[:, :7])
    shared = stack.logits(stack.data(0).x_test[:7])
    assert torch.equal(shared[0], stack.logits(own)[0])
    assert not torch.allclose(shared[1], stack.logits(own)[1])
    each = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
    torch.testing.assert_close(stack.logits(each)[2], stack.logits()[2, 4:6])


def test_train_mode_normalizes_by_the_batch_and_drops_an_incomplete_one() -> None:
    stack = trained()
    logits = stack.logits(None, "train", batch_size=100)
    assert logits.shape == (4, 700, 10)
    np.testing.assert_allclose(logits[2, 100:200], stack.logits(np.arange(100, 200), "train")[2], atol=1e-5)
    assert not torch.allclose(logits[2, :100], stack.logits()[2, :100], atol=1e-2)  # batch norm
    torch.testing.assert_close(logits[0], stack.logits()[0, :700])  # none


def test_a_look_leaves_everything_as_it_is() -> None:
    plan = Plan("mlp", 2, 32, dropout=0.2)
    watched, left_alone = trained(steps=5, plan=plan), trained(steps=5, plan=plan)
    watched.logits(None, "train", 8)
    watched.trace([0, 1, 2], "train")
    watched.test_error("train", 16, "sorted")
    for stack in (watched, left_alone):
        for _ in range(5):
            stack.step()
    np.testing.assert_array_equal(watched.losses, left_alone.losses)
    np.testing.assert_array_equal(watched.statistics()[1]["var"][2:], left_alone.statistics()[1]["var"][2:])


def test_update_moves_the_running_statistics_as_torch_does() -> None:
    stack = trained(steps=3, plan=Plan("mlp", 1, 32), dtype=torch.float64)
    weights = stack.parameters(2)
    layer, norm = torch.nn.Linear(64, 32).double(), torch.nn.BatchNorm1d(32).double()
    with torch.no_grad():
        layer.weight.copy_(weights["blocks.0.layer.weight"].T)
        layer.bias.copy_(weights["blocks.0.layer.bias"][0])
        before = stack.statistics()[0]
        norm.running_mean.copy_(torch.tensor(before["mean"][2]))
        norm.running_var.copy_(torch.tensor(before["var"][2]))
        for part in stack.data(2).x_test[:790].double().flatten(1).split(10):
            norm(layer(part))
    stack.logits(np.arange(797), "train", batch_size=10, update=True)
    after = stack.statistics()[0]
    np.testing.assert_allclose(after["mean"][2], norm.running_mean, atol=1e-12)
    np.testing.assert_allclose(after["var"][2], norm.running_var, atol=1e-12)
    assert np.isnan(after["mean"][0]).all()  # no norm, no statistics


def test_test_error_counts_wrong_answers() -> None:
    stack = trained()
    for member in range(4):
        split = stack.data(member)
        wrong = stack.logits(split.x_test)[member].argmax(-1) != split.y_test
        assert stack.test_error()[member] == pytest.approx(wrong.double().mean().item())


def test_sorted_batches_hold_one_class_after_the_other() -> None:
    stack = trained(steps=1)
    labels = stack.test_labels("sorted")
    assert (np.diff(labels, axis=1) >= 0).all()
    np.testing.assert_array_equal(np.sort(stack.test_labels(), axis=1), labels)
    with pytest.raises(ValueError, match="backwards"):
        stack.test_order("backwards")


def test_a_batch_of_one_is_refused_in_torchs_words() -> None:
    stack = trained(steps=1)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        stack.logits(None, "train", batch_size=1)
    assert stack.logits(np.arange(1)).shape == (4, 1, 10)  # eval works
    stack.step()  # and training goes on


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="infer"):
        trained(steps=1).logits(None, "infer")  # type: ignore[arg-type]


# ---------------------------------------------------------------- taking it apart and repairing it


def test_restore_continues_as_it_did_then() -> None:
    stack = trained(steps=7, plan=Plan("mlp", 2, 32, dropout=0.2), optimizer="adam")
    saved = stack.snapshot()
    at_seven = stack.losses
    for _ in range(20):
        stack.step()
    first = stack.losses, stack.statistics()[0]["mean"][2:], stack.test_error()
    stack.restore(saved)
    assert stack.steps_done == 7
    np.testing.assert_array_equal(stack.losses, at_seven)
    for _ in range(20):
        stack.step()
    again = stack.losses, stack.statistics()[0]["mean"][2:], stack.test_error()
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_restore_undoes_a_divergence() -> None:
    stack = Stack(Plan("mlp", 4, 32), [Member("none", 0, 1e4, 10.0), Member("none", 1, 0.1)], batch_size=32)
    saved = stack.snapshot()
    for _ in range(10):
        stack.step()
    diverged = stack.diverged_at.copy()
    assert diverged[0] >= 0
    stack.restore(saved)
    assert (stack.diverged_at == -1).all()
    for _ in range(10):
        stack.step()
    np.testing.assert_array_equal(stack.diverged_at, diverged)


def test_recalibration_is_the_mean_over_training_batches() -> None:
    stack = trained(steps=10, plan=Plan("mlp", 1, 32), dtype=torch.float64)
    stack.recalibrate(batch_size=100)
    statistics = stack.statistics()[0]
    h = stack.trace(stack.data(3).x_train).entering[0][3]
    parts = h.view(10, 100, 32)
    np.testing.assert_allclose(statistics["mean"][3], parts.mean((0, 1)), atol=1e-12)
    np.testing.assert_allclose(statistics["var"][3], parts.var(1).mean(0), atol=1e-12)


def test_recalibration_repairs_damaged_statistics() -> None:
    stack = trained(
        steps=300, plan=Plan("mlp", 3, 64), members=[Member("batch", seed, 0.05) for seed in range(3)]
    )
    good = stack.test_error().mean()
    stack.logits(stack.test_order("sorted"), "train", batch_size=8, update=True)
    damaged = stack.test_error().mean()
    stack.recalibrate()
    assert damaged > good + 0.005
    assert stack.test_error().mean() < good + 0.004
    for _ in range(3):  # momentum is again what it was
        stack.step()
    assert stack.groups[0].net.norms[0].momentum == 0.1


def test_frozen_statistics_stay_while_the_weights_train() -> None:
    stack = trained(steps=10)
    stack.freeze_statistics()
    before, weights = stack.statistics()[0]["mean"].copy(), stack.parameters(2)["blocks.0.layer.weight"]
    stack.logits(None, "train", 8)  # a look with batch statistics does not unfreeze them
    expected = stack.logits(stack.data(2).x_train[:32])[2]
    assert not stack.groups[1].net.norms[0].training
    torch.testing.assert_close(
        stack.groups[1].net(stack.data(2).x_train[None, :32].expand(2, -1, -1, -1, -1))[0], expected
    )
    stack.step()
    np.testing.assert_array_equal(stack.statistics()[0]["mean"], before)
    assert not torch.equal(stack.parameters(2)["blocks.0.layer.weight"], weights)
    stack.freeze_statistics(False)
    stack.step()
    assert not np.array_equal(stack.statistics()[0]["mean"][2], before[2])


def test_each_member_has_the_split_of_its_seed() -> None:
    stack = trained(steps=1)
    for place, member in enumerate(BOTH):
        assert torch.equal(stack.data(place).x_train, data.load("digits", member.seed).x_train)


def test_a_step_on_chosen_samples_is_the_step_on_that_batch() -> None:
    usual, chosen = trained(steps=3), trained(steps=3)
    order = torch.stack([one.cpu() for one in chosen._batches._order])
    size, done = chosen.batch_size, 3
    chosen.step_on(order[:, size * done : size * (done + 1)])
    usual.step()
    for place in range(len(BOTH)):
        for one, other in zip(
            usual.parameters(place).values(), chosen.parameters(place).values(), strict=True
        ):
            assert torch.equal(one, other)
    assert chosen.steps_done == usual.steps_done


def test_recalibration_on_other_samples_is_their_mean() -> None:
    stack = trained(steps=10, plan=Plan("mlp", 1, 32), dtype=torch.float64)
    x = torch.stack([0.5 * data.load("digits", seed).x_train + 1 for seed in stack.seeds])
    stack.recalibrate(batch_size=100, x=x)
    h = stack.trace(0.5 * stack.data(3).x_train + 1).entering[0][3]
    np.testing.assert_allclose(stack.statistics()[0]["mean"][3], h.view(10, 100, 32).mean((0, 1)), atol=1e-12)
