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


def hits_of(jobs: Sequence[Job], rounds: Sequence[int], workers: int | None) -> Iterator[Values]:
    """Share of each training batch that is right, step by step, round by round, [T, M]."""
    for results in dealt([partial(_hits, job, rounds) for job in jobs], workers):
        yield np.concatenate(results, 1)


def _hits(job: Job, rounds: Sequence[int]) -> Iterator[Values]:
    stack = job.stack()
    for steps in rounds:
        hits = np.zeros((steps, len(job.members)))
        for step in range(steps):
            stack.step()
            hits[step] = np.nan_to_num(stack.accuracy)
        yield hits


def rounds_of(steps: int, every: int) -> list[int]:
    """Steps of each round: ``every``, and in the last one what is left."""
    return [min(every, steps - start) for start in range(0, steps, every)]
