"""Claims whose networks train side by side for some epochs: 2 (place), 6 (dropout), 7 (small batches), 9.

All have `EPOCH_DEPTH` hidden layers and train by SGD with momentum 0.9 on the same batches of digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.lab.dealt import Lot
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments.claims.docket import Docket
from normviz.lab.experiments.claims.jobs import Job, right
from normviz.lab.experiments.forgotten_eval import measurements
from normviz.specs import claims_designs as designs
from normviz.specs.claims import Claims

MATES = 8
"""Samples of the batches in which claim 9 predicts."""

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
    asked: bool = False
    """Claim 9 asks these."""


def variants(spec: Claims) -> list[Variant]:
    """What the chosen claims need, each once."""
    sizes = [
        Variant("ghost_batch", (("ghost_size", size),), fills=(("c7_error", i),))
        for i, size in enumerate(designs.SIZES)
    ]
    after = len(designs.SIZES)
    everything = [
        Variant("batch", fills=(("c2_error", 0), ("c6_error", 2)), asked=True),
        Variant("none", fills=(("c6_error", 0),)),
        *sizes,
        Variant("group", fills=(("c7_error", after),)),
        Variant("layer", fills=(("c7_error", after + 1),)),
        Variant("batch", placement="after", fills=(("c2_error", 1),)),
        Variant("none", dropout=designs.DROPOUT, fills=(("c6_error", 1),)),
        Variant("batch", dropout=designs.DROPOUT, fills=(("c6_error", 3),)),
    ]
    chosen = {f"c{number}" for number in spec.numbers}
    return [
        one
        for one in everything
        if any(name.split("_")[0] in chosen for name, _ in one.fills) or (one.asked and 9 in spec.numbers)
    ]


def side_by_side(docket: Docket) -> Iterator[None]:
    """Train all of them and look at the test error after every epoch; then ask claim 9's questions."""
    spec = docket.spec
    some, looks = variants(spec), _looks(spec)
    for epoch, told in enumerate(docket.told, start=1):
        if epoch > looks:
            for name, answer in next(one for one in told if one is not None).items():
                docket.put(name, answer)
            docket.finish(9)
        else:
            for one, share in zip(some, told, strict=True):
                for name, column in one.fills:
                    docket.put(name, 100.0 * (1.0 - share), (..., column))
            docket.reach(epoch, spec.epochs, 2, 6, 7)
        yield


def jobs(spec: Claims) -> Lot:
    """What trains for these claims: the networks of each variant, seed by seed."""
    steps = spec.epochs * spec.steps_per_epoch
    lot = []
    for one in variants(spec):
        own = job(spec, one)
        lot.append((own.cost(steps), partial(_train, own, spec, one.asked)))
    return lot


def job(spec: Claims, variant: Variant) -> Job:
    """The networks of a variant, seed by seed."""
    plan = Plan(
        depth=designs.EPOCH_DEPTH, width=spec.width, placement=variant.placement, dropout=variant.dropout
    )
    members = [
        Member(variant.norm, seed, designs.EPOCH_RATE, options=variant.options) for seed in spec.seed_values
    ]
    return Job(plan, members, designs.EPOCH_BATCH, "momentum")


def _train(job: Job, spec: Claims, asked: bool) -> Iterator[Any]:
    """Share of test digits that are right after every epoch, [S]; then, if claim 9 is judged, its answers.

    These are those of the networks that are ``asked``, and None of the others.
    """
    stack, looks = job.stack(), _looks(spec)
    for _ in range(looks):
        stack.step(spec.steps_per_epoch)
        yield right(stack)
    if 9 in spec.numbers:
        stack.step((spec.epochs - looks) * spec.steps_per_epoch)
        yield last_batch(stack) if asked else None


def _looks(spec: Claims) -> int:
    """Epochs after which the test error is looked at: all, or none if only claim 9 is judged."""
    return spec.epochs if {2, 6, 7} & set(spec.numbers) else 0


# --- 9: on which batch the answers depend ---------------------------------------------------------------


def last_batch(stack: Stack) -> dict[str, NDArray[np.float64]]:
    """Answers in training mode among other mates, and after another batch; and what became of the statistics.

    Each [S], by the name of its array.
    """
    orders = measurements.Orders(stack)
    return {
        "c9_changed": measurements.flips(stack, MATES, orders).share,
        "c9_before": after_another_batch(stack, orders),
        "c9_moved": statistics_moved(stack, orders),
    }


def after_another_batch(stack: Stack, orders: measurements.Orders) -> NDArray[np.float64]:
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


def statistics_moved(stack: Stack, orders: measurements.Orders) -> NDArray[np.float64]:
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
