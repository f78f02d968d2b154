"""StepCost: time of a race's own training step with each of its norms, relative to the same without one.

How it is timed is said in `normviz.lab.experiments.cost`.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from normviz.frames import Frame, Schema
from normviz.lab.engine import Member, Stack
from normviz.lab.experiments import train
from normviz.lab.experiments.cost import timed
from normviz.specs.step_cost import TRIES, StepCost

GAINS = (1.0, 0.3)
"""Of the initialization, one try after the other.  A network that has diverged is not computed any more, and
without a norm the loss of a very deep transformer may overflow in its first step."""
assert len(GAINS) == TRIES


def run(spec: StepCost) -> Iterator[Schema | Frame]:
    """Time a step of each norm."""
    yield spec.schema()
    torch.set_num_threads(1)
    plain, *own = stacks(spec)
    yield from timed(spec, plain.step, [one.step for one in own], networks=spec.seeds)


def stacks(spec: StepCost) -> list[Stack]:
    """A stack without a norm, then one of each norm; each has taken a step, and stayed finite."""
    for gain in GAINS:
        made = [stack(spec, norm, gain) for norm in ("none", *spec.norms)]
        for one in made:
            one.step()
        if all(map(alive, made)):
            break
    return made


def stack(spec: StepCost, norm: str, gain: float) -> Stack:
    """All seeds of one norm."""
    race = spec.race
    # A learning rate of 0 takes as long as any other, and what is finite stays so.
    members = [Member(norm, seed, 0.0, gain) for seed in race.seed_values]
    return Stack(
        train.plan(race), members,
        optimizer=race.optimizer, batch_size=race.batch_size, batches=race.batches, device="cpu",
    )  # fmt: skip


def alive(stack: Stack) -> bool:
    """Whether losses and parameters are finite."""
    return bool((stack.diverged_at < 0).all()) and not any(group.non_finite() for group in stack.groups)
