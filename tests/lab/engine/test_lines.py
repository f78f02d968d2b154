"""The look along the gradient: against plain networks at shifted weights, and without a trace in training."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.lines import along_the_gradient
from tests.lab import plain

PLAN = Plan(depth=3, width=32)
PLACES = (0.0, 0.5, 1.0, 4.0)
NORMS = ("none", "batch", "layer", "group", "batch_renorm", "weight_norm", "dyt")


def gradient(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, list[torch.Tensor]]:
    loss = nn.functional.cross_entropy(net(x), y)
    return loss.item(), list(torch.autograd.grad(loss, list(net.parameters())))


@pytest.mark.parametrize("norm", NORMS)
def test_it_agrees_with_a_plain_network_at_shifted_weights(norm: str) -> None:
    torch.set_num_threads(1)
    dtype, steps, lr = torch.float64, 7, 0.1
    members = [Member(norm, 1, 0.02), Member("batch", 2, 0.1), Member(norm, 2, lr)]
    stack = Stack(PLAN, members, batch_size=32, dtype=dtype)
    stack.step(steps)
    seen = along_the_gradient(stack, PLACES)
    net = plain.network(
        form="mlp", shape=PLAN.shape, classes=PLAN.classes, depth=3, width=32, norm=norm, seed=2, dtype=dtype
    )
    split = stack.data(2)
    x, y = split.x_train.to(dtype), split.y_train
    plain.train(net, plain.optimizer("sgd", net, lr), x, y, 2, 32, steps)
    *_, indices = (batch for _, batch in zip(range(steps + 1), plain.batches(2, len(y), 32), strict=False))
    _, here = gradient(copy.deepcopy(net), x[indices], y[indices])
    length = torch.cat([one.flatten() for one in here]).norm()
    assert seen["slope"][2] == pytest.approx(length.item(), rel=1e-9)
    for a, loss, change in zip(PLACES, seen["loss"][:, 2], seen["change"][:, 2], strict=True):
        moved = copy.deepcopy(net)
        with torch.no_grad():
            for parameter, own in zip(moved.parameters(), here, strict=True):
                parameter -= a * lr * own
        expected, there = gradient(moved, x[indices], y[indices])
        apart = torch.cat([(t - h).flatten() for t, h in zip(there, here, strict=True)]).norm()
        assert loss == pytest.approx(expected, rel=1e-9)
        assert change == pytest.approx((apart / length).item(), rel=1e-7, abs=1e-12)


def test_training_goes_on_bit_for_bit_as_without_a_look() -> None:
    members = [Member(norm, seed, 0.1) for norm in NORMS for seed in (0, 1)]
    looked, alone = (Stack(PLAN, members, optimizer="momentum", batch_size=64) for _ in range(2))
    for _ in range(20):  # more than an epoch
        along_the_gradient(looked, PLACES)
        looked.step()
        alone.step()
        assert np.array_equal(looked.losses, alone.losses)
    for member in range(len(members)):
        for one, other in zip(
            looked.parameters(member).values(), alone.parameters(member).values(), strict=True
        ):
            assert torch.equal(one, other)
    for one, other in zip(looked.statistics(), alone.statistics(), strict=True):
        assert np.array_equal(one["mean"], other["mean"], equal_nan=True)
        assert np.array_equal(one["var"], other["var"], equal_nan=True)


def test_one_learning_rate_ahead_is_where_the_next_step_arrives() -> None:
    stack = Stack(PLAN, [Member("none", 0, 0.1)], batch_size=64)
    seen = along_the_gradient(stack, (1.0,))
    x, y = (one[0] for one in stack.next_batch())
    stack.step()
    loss = nn.functional.cross_entropy(stack.logits(x)[0], y)
    assert seen["loss"][0, 0] == pytest.approx(loss.item(), rel=1e-6)


def test_a_member_that_has_diverged_is_left_out() -> None:
    stack = Stack(Plan(depth=8, width=32), [Member("none", 0, 100.0), Member("batch", 0, 0.1)])
    stack.step(20)
    assert stack.diverged_at[0] >= 0
    seen = along_the_gradient(stack, PLACES)
    assert np.isnan(seen["loss"][:, 0]).all()
    assert np.isnan(seen["slope"][0])
    assert np.isfinite(seen["loss"][:, 1]).all()
