"""Jobs: stacks that train for one claim, dealt to the cores, and looked at together after each round.

How members are cut into jobs changes no number, since a member is bit-equal in any stack; nor does it take
longer if each holds a single kind of network, which a stack computes apart from the others anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from normviz.lab.dealt import Lot
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.moments import Moments
from normviz.lab.experiments.noisy_bn import moved

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    """Members of one shape, on digits."""

    plan: Plan
    members: Sequence[Member]
    batch_size: int
    optimizer: str = "sgd"

    def stack(self) -> Stack:
        """The members before their first step."""
        return Stack(self.plan, self.members, optimizer=self.optimizer, batch_size=self.batch_size)

    def cost(self, steps: int) -> float:
        """About how long so many steps take, in units that all jobs share; it only decides who trains them.

        A layer of a small network takes a fixed time, with a norm four times as long as without, which its
        values double only when they are many thousand.
        """
        values = len(self.members) * self.batch_size * self.plan.width
        first = self.members[0]
        calls = (1 if first.norm == "none" else 4) + 4 * (first.noise is not None) + (self.plan.dropout > 0)
        return steps * (self.plan.depth + 1) * (calls + values / (8000 if first.norm == "none" else 5000))


def lot(
    jobs: Sequence[Job], rounds: Sequence[int], part: Callable[[Job, Sequence[int]], Iterator[Values]]
) -> Lot:
    """Jobs that train for ``rounds`` of steps and are looked at after each, as ``part`` does it."""
    return [(job.cost(sum(rounds)), partial(part, job, rounds)) for job in jobs]


def right_after(job: Job, rounds: Sequence[int]) -> Iterator[Values]:
    """Share of test digits that are right after each round of training steps, [M].

    Once all members have diverged nothing changes any more.
    """
    stack, told = job.stack(), np.zeros(len(job.members))
    for steps in rounds:
        if (stack.diverged_at < 0).any():
            stack.step(steps)
            told = right(stack)
        yield told


def right(stack: Stack) -> Values:
    """Share of test digits that are right, [M]; a network that diverged gets everything wrong."""
    return np.asarray(1.0 - np.nan_to_num(stack.test_error(), nan=1.0))


def race(job: Job, rounds: Sequence[int]) -> Iterator[Values]:
    """Step by step, round by round, [2, T, M]: share of the training batch that is right, and `moves`."""
    stack = job.stack()
    moments, before = Moments(stack), None
    for steps in rounds:
        told = np.zeros((2, steps, len(job.members)))
        for step in range(steps):
            seen = stack.recorded_step(moments)
            told[:, step] = np.nan_to_num(stack.accuracy), moves(before, seen)
            before = seen
        yield told


def moves(before: dict[str, Values] | None, after: dict[str, Values]) -> Values:
    """How far the means of the units moved since the last step, in standard deviations, layers averaged, [M].

    NaN before there are two steps, and of a network that diverged.
    """
    if before is None:
        return np.full(len(after["mean"]), np.nan)
    return np.asarray(moved(before["mean"], after["mean"], before["sd"]).mean(1))


def rounds_of(steps: int, every: int) -> list[int]:
    """Steps of each round: ``every``, and in the last one what is left."""
    return [min(every, steps - start) for start in range(0, steps, every)]
