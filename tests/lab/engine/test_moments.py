"""Moments: mean and standard deviation of what leaves each norm while a stack trains."""

from __future__ import annotations

import numpy as np

from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.moments import Moments

PLAN = Plan(depth=3, width=32)
MEMBERS = [Member(norm, seed, 0.1) for norm in ("none", "batch") for seed in (0, 1)]


def test_they_are_those_of_the_batch_that_is_trained_on() -> None:
    stack = Stack(PLAN, MEMBERS, batch_size=32)
    stack.step(3)
    x, _ = stack.next_batch()
    leaving = stack.trace(x.repeat(2, 1, 1, 1, 1), "train").leaving
    seen = stack.recorded_step(Moments(stack))
    for layer, values in enumerate(leaving):
        values = values.double().numpy()
        assert np.allclose(seen["mean"][:, layer], values.mean(1), atol=1e-6)
        assert np.allclose(seen["sd"][:, layer], values.std(1), rtol=1e-5, atol=1e-6)


def test_training_goes_on_bit_for_bit_and_the_diverged_are_left_out() -> None:
    members = [*MEMBERS, Member("none", 0, 1e4)]
    watched, alone = (Stack(PLAN, members, batch_size=32) for _ in range(2))
    moments = Moments(watched)
    for _ in range(15):
        seen = watched.recorded_step(moments)
        alone.step()
    assert np.array_equal(watched.losses, alone.losses, equal_nan=True)
    assert np.isnan(seen["mean"][-1]).all()
    assert np.isfinite(seen["mean"][:-1]).all()
