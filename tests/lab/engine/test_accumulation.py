"""Accumulated gradients: as in the usual loop with several backward passes before a step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from normviz.lab.engine import Member, Plan, Probe, Stack
from tests.lab import plain

PLAN = Plan("mlp", 2, 32)


@pytest.mark.parametrize("norm", ["batch", "group", "none"])
def test_the_stack_does_what_the_usual_loop_does(norm: str) -> None:
    stack = Stack(
        PLAN, [Member(norm, 3, 0.05), Member(norm, 4, 0.05)], optimizer="momentum", batch_size=16,
        micro_batch=4, dtype=torch.float64,
    )  # fmt: skip
    net = plain.network(
        form="mlp", shape=PLAN.shape, classes=10, depth=2, width=32, norm=norm, seed=3, dtype=torch.float64,
    )  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
    split = stack.data(0)
    x, y = split.x_train.double(), split.y_train
    for _, indices in zip(range(40), plain.batches(3, len(y), 16), strict=False):
        optimizer.zero_grad()
        losses = []
        for part in indices.split(4):
            loss = nn.functional.cross_entropy(net(x[part]), y[part])
            (loss / 4).backward()
            losses.append(loss.item())
        optimizer.step()
        stack.step()
        assert stack.losses[0] == pytest.approx(np.mean(losses), abs=1e-11)
    net.eval()
    with torch.no_grad():
        torch.testing.assert_close(stack.logits()[0], net(split.x_test.double()), rtol=1e-9, atol=1e-9)


def test_each_micro_batch_is_normalized_by_itself() -> None:
    """Accumulation over micro-batches of two is ghost batch norm of two, and not batch norm of the batch."""

    def losses(norm: str, micro_batch: int, **options: int) -> list[float]:
        stack = Stack(
            PLAN, [Member(norm, 0, 0.05, options=tuple(options.items()))], batch_size=8,
            micro_batch=micro_batch, dtype=torch.float64,
        )  # fmt: skip
        stack.step(4)  # so few values are sensitive: more steps would blow rounding up
        return stack.losses.tolist()

    assert losses("batch", 2) == pytest.approx(losses("ghost_batch", 0, ghost_size=2), abs=1e-10)
    assert losses("batch", 2) != pytest.approx(losses("batch", 0), rel=1e-3)
    assert losses("group", 2) == pytest.approx(losses("group", 0), abs=1e-10)


def test_accuracy_is_that_of_the_whole_batch() -> None:
    whole, parts = (Stack(PLAN, [Member("none", 0, 0.1)], batch_size=16, micro_batch=m) for m in (0, 2))
    for stack in (whole, parts):
        stack.step(30)
    assert parts.accuracy[0] == pytest.approx(whole.accuracy[0], abs=1 / 16 + 1e-9)
    assert parts.accuracy[0] * 16 == round(parts.accuracy[0] * 16)


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ValueError, match="micro_batch 3 does not divide batch_size 16"):
        Stack(PLAN, [Member("none", 0, 0.1)], batch_size=16, micro_batch=3)
    stack = Stack(PLAN, [Member("none", 0, 0.1)], batch_size=16, micro_batch=4)
    with pytest.raises(ValueError, match="no single pass"):
        stack.recorded_step(Probe(stack))


def test_a_plan_may_use_the_first_training_samples_alone() -> None:
    few, all_ = (
        Stack(Plan("mlp", 2, 32, n_train=n), [Member("none", 5, 0.1)], batch_size=16) for n in (48, 0)
    )
    assert few.steps_per_epoch == 3
    assert torch.equal(few.data(0).x_train, all_.data(0).x_train[:48])
    assert torch.equal(few.data(0).x_test, all_.data(0).x_test)
    with pytest.raises(ValueError, match="n_train 1001 is outside"):
        Stack(Plan(n_train=1001), [Member("none", 0, 0.1)])
