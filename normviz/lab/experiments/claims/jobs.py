"""Jobs: stacks that train for one claim, dealt to the cores, and looked at together after each round.

How members are cut into jobs changes no number, since a member is bit-equal in any stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from normviz.lab.dealt import dealt
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


def right_after(jobs: Sequence[Job], rounds: Sequence[int], workers: int | None) -> Iterator[Values]:
    """Share of test digits that are right after each round of training steps, of all members job by job.

    A network that diverged gets everything wrong.
    """
    for results in dealt([partial(_right, job, rounds) for job in jobs], workers):
        yield np.concatenate(results)


def _right(job: Job, rounds: Sequence[int]) -> Iterator[Values]:
    stack = job.stack()
    for steps in rounds:
        stack.step(steps)
        yield 1.0 - np.nan_to_num(stack.test_error(), nan=1.0)


def races_of(
    jobs: Sequence[Job], rounds: Sequence[int], workers: int | None
) -> Iterator[tuple[Values, Values]]:
    """Step by step, round by round, [T, M] each: share of the training batch that is right, and `moves`."""
    for results in dealt([partial(_race, job, rounds) for job in jobs], workers):
        hits, shifts = np.concatenate(results, 2)
        yield hits, shifts


def _race(job: Job, rounds: Sequence[int]) -> Iterator[Values]:
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
