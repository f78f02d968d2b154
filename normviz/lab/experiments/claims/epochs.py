"""Claims whose networks train side by side for some epochs: 2 (place), 6 (dropout), 7 (small batches), 9.

All have `EPOCH_DEPTH` hidden layers and train by SGD with momentum 0.9 on the same batches of digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments.claims.docket import Docket
from normviz.lab.experiments.claims.jobs import Job, right_after
from normviz.lab.experiments.forgotten_eval import measurements
from normviz.specs import claims_designs as designs
from normviz.specs.claims import Claims

MATES = 8
"""Samples of the batches in which claim 9 predicts."""
TOGETHER = 4
"""Variants that train in one job, at most."""

Place = tuple[str, int]
"""An array and the column in it."""


@dataclass(frozen=True)
class Variant:
    """Networks that differ from the others in this, and the columns that their test error fills."""

    norm: str
    options: tuple[tuple[str, int], ...] = ()
    placement: str = "before"
    dropout: float = 0.0
    fills: tuple[Place, ...] = ()


def variants(spec: Claims) -> list[Variant]:
    """What the chosen claims need, each once."""
    sizes = [
        Variant("ghost_batch", (("ghost_size", size),), fills=(("c7_error", i),))
        for i, size in enumerate(designs.SIZES)
    ]
    after = len(designs.SIZES)
    everything = [
        Variant("batch", fills=(("c2_error", 0), ("c6_error", 2))),
        Variant("none", fills=(("c6_error", 0),)),
        *sizes,
        Variant("group", fills=(("c7_error", after),)),
        Variant("layer", fills=(("c7_error", after + 1),)),
        Variant("batch", placement="after", fills=(("c2_error", 1),)),
        Variant("none", dropout=designs.DROPOUT, fills=(("c6_error", 1),)),
        Variant("batch", dropout=designs.DROPOUT, fills=(("c6_error", 3),)),
    ]
    chosen = {f"c{number}" for number in spec.numbers}
    return [one for one in everything if any(name.split("_")[0] in chosen for name, _ in one.fills)]


def side_by_side(docket: Docket) -> Iterator[None]:
    """Train all of them and look at the test error after every epoch; then ask claim 9's questions."""
    spec = docket.spec
    parts = alike(variants(spec))
    jobs = [job(spec, part) for part in parts]
    rounds = [spec.steps_per_epoch] * spec.epochs
    for epoch, right in enumerate(right_after(jobs, rounds, docket.workers), start=1):
        errors = 100.0 * (1.0 - right.reshape(-1, spec.seeds))
        for one, own in zip((one for part in parts for one in part), errors, strict=True):
            for name, column in one.fills:
                docket.put(name, own, (..., column))
        docket.reach(epoch, spec.epochs, 2, 6, 7)
        yield
    if docket.wants(9):
        last_batch(docket)
        docket.finish(9)
        yield


def alike(some: list[Variant]) -> list[list[Variant]]:
    """Variants that fit into one stack (of one placement and one dropout), a few in each."""
    kinds = dict.fromkeys((one.placement, one.dropout) for one in some)
    parts = []
    for kind in kinds:
        own = [one for one in some if (one.placement, one.dropout) == kind]
        parts += [own[i : i + TOGETHER] for i in range(0, len(own), TOGETHER)]
    return parts


def job(spec: Claims, some: list[Variant]) -> Job:
    """The networks of variants that fit together, seed by seed."""
    plan = Plan(
        depth=designs.EPOCH_DEPTH, width=spec.width, placement=some[0].placement, dropout=some[0].dropout
    )
    members = [
        Member(one.norm, seed, designs.EPOCH_RATE, options=one.options)
        for one in some
        for seed in spec.seed_values
    ]
    return Job(plan, members, designs.EPOCH_BATCH, "momentum")


# --- 9: on which batch the answers depend ---------------------------------------------------------------


def last_batch(docket: Docket) -> None:
    """Answers in training mode among other mates, and after another batch; and what became of the statistics.

    The networks of batch norm are trained once more, alone: they are bit-equal to those of the stack.
    """
    spec = docket.spec
    stack = job(spec, [Variant("batch")]).stack()
    stack.step(spec.epochs * spec.steps_per_epoch)
    orders = measurements.Orders(stack)
    docket.put("c9_changed", measurements.flips(stack, MATES, orders).share)
    docket.put("c9_before", after_another_batch(stack, orders))
    docket.put("c9_moved", statistics_moved(stack, orders))


def after_another_batch(
    stack: Stack, orders: measurements.Orders
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Greatest change of the logits of a batch when the batch before it was another one, [S]."""
    kept = stack.snapshot()
    order = orders.next()
    asked, first, second = (order[:, i * MATES : (i + 1) * MATES] for i in range(3))
    answers = []
    for before in (first, second):
        stack.logits(before, "train", update=True)
        answers.append(stack.logits(asked, "train"))
        stack.restore(kept)
    change: torch.Tensor = (answers[0] - answers[1]).abs().amax((1, 2))
    return change.double().numpy()


def statistics_moved(
    stack: Stack, orders: measurements.Orders
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How far the running means move in one train-mode pass over the test digits, in running SDs, [S].

    Root mean square over the channels of all layers.
    """
    kept, before = stack.snapshot(), stack.statistics()
    measurements.damage(stack, MATES, orders.next())
    after = stack.statistics()
    stack.restore(kept)
    moves = [
        (new["mean"] - old["mean"]) / np.sqrt(old["var"]) for old, new in zip(before, after, strict=True)
    ]
    return np.asarray(np.sqrt((np.concatenate(moves, 1) ** 2).mean(1)))
