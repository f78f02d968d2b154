"""Batch size: stacks that train side by side, one for each size of the real batch, evaluated now and then.

Where only the statistics change there is a single stack: its batch norm takes them over parts of the batch.
Norms without batch statistics then train once, and what they reach holds for every size.

Batch renormalization has the paper's schedule, scaled to the run: batch norm at first, the correction later.

Legend: V variants (norms), Z batch sizes, S seeds, A norms with accumulated gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Frame, Note, Schema
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments import batch_size_cases as cases
from normviz.lab.experiments.batch_size_notes import notes
from normviz.lab.experiments.renorm import schedule_renorm
from normviz.specs import batch_size_frames as recorded
from normviz.specs.batch_size import BatchSize

Arrays = dict[str, NDArray[Any]]

R_MAX, D_MAX = (NORMS["batch_renorm"].options[name] for name in ("r_max", "d_max"))
"""Limits of batch renormalization's correction, from 40% and 25% of the run on."""
_ACCUMULATED_FROM, _CASES_AT, _GAP_AT = 2, 2, 3
"""Frames from which on, or at which, more is measured: not the first ones, so that these come at once."""


def run(spec: BatchSize) -> Iterator[Schema | Frame]:
    """Train everything and evaluate it at the spec's ``evaluated_steps``."""
    yield spec.schema()
    torch.set_num_threads(1)
    race = Race(spec)
    told: tuple[Note, ...] = ()
    for k, step in enumerate(spec.evaluated_steps):
        arrays = race.errors_at(step)
        if k >= _ACCUMULATED_FROM:
            arrays |= race.accumulated_at(step)
        if k == _CASES_AT:
            outcomes, told = cases.outcomes(spec.seed)
            arrays |= outcomes
        if k == _GAP_AT:
            arrays |= cases.gap(spec.seed)
        if step == spec.steps:
            arrays["ended"] = arrays["error_mean"]
        yield Frame(step, arrays, (*notes(spec, step, arrays), *told)[: recorded.MOST_NOTES])


class Race:
    """All networks of a run: stacks in lockstep, by the samples that they have seen."""

    def __init__(self, spec: BatchSize) -> None:
        self.spec = spec
        sizes = recorded.SIZES if spec.changes == "batch" else (recorded.LARGEST,)
        self.stacks = [stack(spec, members(spec, size), size) for size in sizes]
        accumulated = [Member(norm, seed, spec.lr) for norm in spec.accumulated for seed in spec.seed_values]
        self.accumulating = (
            stack(spec, accumulated, recorded.LARGEST, spec.micro_batch) if accumulated else None
        )

    def errors_at(self, step: int) -> Arrays:
        """Test errors (%) once everybody has seen ``step`` times 32 samples."""
        found = [self._error_at(step, one) for one in self.stacks]
        spec, error = self.spec, np.empty((len(self.spec.variants), len(recorded.SIZES), self.spec.seeds))
        if spec.changes == "batch":
            for z, own in enumerate(found):
                error[:, z] = own.reshape(len(spec.variants), spec.seeds)
        else:
            at = 0
            for v, norm in enumerate(spec.variants):
                count = len(spec.sizes_of(norm)) * spec.seeds
                error[v] = found[0][at : at + count].reshape(-1, spec.seeds)
                at += count
        return _with_spread("error", error)

    def accumulated_at(self, step: int) -> Arrays:
        """The same of those whose gradients are accumulated."""
        if self.accumulating is None:
            return {}
        found = self._error_at(step, self.accumulating)
        return _with_spread("accumulated", found.reshape(-1, 1, self.spec.seeds))

    def _error_at(self, step: int, one: Stack) -> NDArray[Any]:
        """Test error in evaluation mode of every member, after so many times 32 samples."""
        updates = recorded.LARGEST // one.batch_size
        while one.steps_done < step * updates:
            schedule_renorm(one, one.steps_done, self.spec.steps * updates, R_MAX, D_MAX)
            one.step()
        return 100.0 * one.test_error()


def members(spec: BatchSize, size: int) -> list[Member]:
    """The members of a stack that sees batches of ``size``, in the order of variants (sizes) and seeds."""
    lr = spec.lr * size / recorded.LARGEST
    kinds: list[tuple[str, tuple[tuple[str, int], ...]]] = []
    for norm in spec.variants:
        if spec.changes == "statistics" and norm in recorded.OVER_PARTS:
            kinds += [(norm, (("statistics_size", part),)) for part in recorded.SIZES]
        else:
            kinds.append((norm, ()))
    return [Member(norm, seed, lr, options=own) for norm, own in kinds for seed in spec.seed_values]


def stack(spec: BatchSize, of: list[Member], size: int, micro_batch: int = 0) -> Stack:
    """Networks of the spec's shape on batches of ``size``."""
    plan = Plan(
        network=spec.network,
        depth=spec.depth,
        width=spec.first_width,
        options={"groups": spec.groups, "ghost_size": spec.ghost_size},
    )
    return Stack(plan, of, optimizer="momentum", batch_size=size, micro_batch=micro_batch)


def _with_spread(name: str, values: NDArray[Any]) -> Arrays:
    """Values, their mean over the seeds that have one, and how far the extremes are from it."""
    known = np.isfinite(values)
    count = known.sum(-1)
    total = np.where(known, values, 0.0).sum(-1)
    mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    low = np.where(known, values, np.inf).min(-1)
    high = np.where(known, values, -np.inf).max(-1)
    told = {"": values, "_mean": mean, "_below": mean - low, "_above": high - mean}
    return {
        f"{name}{ending}": np.where(np.isfinite(one), one, np.nan).astype("<f4")
        for ending, one in told.items()
    }
