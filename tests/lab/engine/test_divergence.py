"""A member that diverges is frozen at its step, and the others never notice."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from normviz.catalog.networks import OPTIMIZERS
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.stack import CHECKED_EVERY

DEEP = Plan("mlp", 6, 32)
WILD = Member("none", 2, lr=1e4, gain=10.0)
CALM = [Member("none", 0, 0.01), Member("none", 1, 0.01), Member("batch", 0, 0.01), Member("layer", 1, 0.01)]


def trained(members: list[Member], steps: int, optimizer: str = "sgd") -> Stack:
    stack = Stack(DEEP, members, optimizer=optimizer, batch_size=32)
    for _ in range(steps):
        stack.step()
    return stack


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_others_are_bit_equal(optimizer: str) -> None:
    rate = 1e30 if optimizer == "adam" else WILD.lr
    wild = Member("none", 2, rate, 10.0)
    alone = trained(CALM, 12, optimizer)
    beside = trained([CALM[0], wild, *CALM[1:]], 12, optimizer)
    assert beside.diverged_at[1] >= 0
    keep = [0, 2, 3, 4]
    assert (beside.diverged_at[keep] == -1).all()
    np.testing.assert_array_equal(beside.losses[keep], alone.losses)
    for place, other in enumerate(keep):
        for name, value in alone.parameters(place).items():
            assert torch.equal(value, beside.parameters(other)[name])


def test_it_is_frozen_at_its_step() -> None:
    stack = Stack(DEEP, [WILD, CALM[0]], batch_size=32)
    while stack.diverged_at[0] < 0:
        before = stack.parameters(0)
        stack.step()
    assert stack.diverged_at[0] == stack.steps_done - 1
    assert not np.isfinite(stack.losses[0])
    frozen = stack.parameters(0)
    for name, value in before.items():
        assert torch.equal(value, frozen[name]), name  # the step that lost the loss no longer changed it
        assert value.isfinite().all(), name
    at, loss = stack.diverged_at[0], stack.losses[0]
    for _ in range(5):
        stack.step()
    assert stack.diverged_at[0] == at
    np.testing.assert_array_equal(stack.losses[0], loss)
    for name, value in stack.parameters(0).items():
        assert torch.equal(value, frozen[name]), name


def test_an_infinite_weight_that_the_loss_does_not_show_is_found() -> None:
    stack = Stack(
        Plan("mlp", 2, 16, "tanh"), [Member("none", 0, 0.01), Member("none", 1, 0.01)], batch_size=32
    )
    with torch.no_grad():
        # Bias infinite: the unit sits at tanh = 1 with gradient zero, and nothing downstream notices.
        stack.groups[0].net.blocks[0].layer.bias[0, 0, 3] = float("inf")
    for _ in range(CHECKED_EVERY - 1):
        stack.step()
    assert (stack.diverged_at == -1).all()
    assert np.isfinite(stack.losses).all()
    stack.step()
    assert stack.diverged_at.tolist() == [CHECKED_EVERY, -1]


def test_test_error_of_a_diverged_member_is_not_a_number() -> None:
    stack = trained([WILD, CALM[0]], 10)
    error = stack.test_error()
    assert np.isnan(error[0])
    assert 0 <= error[1] <= 1


def test_a_stack_in_which_all_have_diverged_goes_on() -> None:
    stack = trained([WILD, Member("none", 3, 1e4, 10.0)], 20)
    assert (stack.diverged_at >= 0).all()
    assert stack.steps_done == 20
