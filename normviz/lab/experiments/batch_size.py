"""Batch size: networks that train side by side at every batch size, dealt to the cores.

Where only the statistics change the real batch is always the largest: batch norm takes its statistics over
parts of it.  Norms without batch statistics then train once, and what they reach holds for every size.

Batch renormalization has the paper's schedule, scaled to the run: batch norm at first, the correction later.

Legend: V variants (norms), Z batch sizes, S seeds, A norms with accumulated gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Frame, Note, Schema
from normviz.lab.dealt import dealt
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments import batch_size_cases as cases
from normviz.lab.experiments.batch_size_notes import notes
from normviz.lab.experiments.renorm import train
from normviz.specs import batch_size_frames as recorded
from normviz.specs.batch_size import BatchSize

Arrays = dict[str, NDArray[Any]]

_ACCUMULATED_FROM, _CASES_AT, _GAP_AT = 2, 2, 3
"""Frames from which on, or at which, more is measured: not the first ones, so that these come at once."""


def run(spec: BatchSize, workers: int | None = None) -> Iterator[Schema | Frame]:
    """Train everything and evaluate it at the spec's ``evaluated_steps``.

    ``workers``: processes to use; by default the free cores decide.  The frames are the same.
    """
    yield spec.schema()
    torch.set_num_threads(1)
    told: tuple[Note, ...] = ()
    parts = [*cut(kinds(spec)), *cut(accumulated(spec))]
    rounds = dealt([partial(errors, spec, part) for part in parts], workers)
    for k, (step, found) in enumerate(zip(spec.evaluated_steps, rounds, strict=True)):
        arrays = _arrays(spec, parts, found)
        if k == _CASES_AT:
            outcomes, told = cases.outcomes(spec.seed)
            arrays |= outcomes
        if k == _GAP_AT:
            arrays |= cases.gap(spec.seed)
        if step == spec.steps:
            arrays["ended"] = arrays["error_mean"]
        yield Frame(step, arrays, (*notes(spec, step, arrays), *told)[: recorded.MOST_NOTES])


# --- who trains -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """Networks of all seeds that differ from the others in this, and where their errors stand."""

    norm: str
    size: int
    """Samples of an update."""
    row: int
    """Among the variants, or among the norms with accumulated gradients."""
    columns: tuple[int, ...]
    """Batch sizes at which their errors hold."""
    options: tuple[tuple[str, int], ...] = ()
    micro_batch: int = 0
    """Samples of each pass, where gradients are accumulated."""

    def members(self, spec: BatchSize) -> list[Member]:
        """Its networks; the learning rate is proportional to the samples of an update."""
        lr = spec.lr * self.size / recorded.LARGEST
        return [Member(self.norm, seed, lr, options=self.options) for seed in spec.seed_values]


def kinds(spec: BatchSize) -> list[Kind]:
    """All that is trained for the chart of errors, the smallest batches first: they take longest."""
    every = range(len(recorded.SIZES))
    told: list[Kind] = []
    for v, norm in enumerate(spec.variants):
        if spec.changes == "batch":
            told += [Kind(norm, size, v, (z,)) for z, size in enumerate(recorded.SIZES)]
        elif norm in recorded.OVER_PARTS:
            part = "statistics_size"
            told += [
                Kind(norm, recorded.LARGEST, v, (z,), ((part, size),))
                for z, size in enumerate(recorded.SIZES)
            ]
        else:
            told.append(Kind(norm, recorded.LARGEST, v, tuple(every)))
    return sorted(told, key=lambda kind: kind.size)


def accumulated(spec: BatchSize) -> list[Kind]:
    """Updates of the largest batch whose gradients are added up over micro-batches."""
    return [
        Kind(norm, recorded.LARGEST, a, (0,), micro_batch=spec.micro_batch)
        for a, norm in enumerate(spec.accumulated)
    ]


def cut(some: list[Kind]) -> list[list[Kind]]:
    """Kinds that fit into one stack, in two parts each: dealt in turn, two or four cores have alike to do.

    How they are cut changes no number, since a member is bit-equal in any stack.
    """
    parts = []
    for size in dict.fromkeys(kind.size for kind in some):
        own = [kind for kind in some if kind.size == size]
        parts += [part for part in (own[0::2], own[1::2]) if part]
    return parts


# --- what is measured -----------------------------------------------------------------------------------


def errors(spec: BatchSize, part: list[Kind]) -> Iterator[NDArray[Any] | None]:
    """Test errors (%) of some kinds that share a stack, [kinds, S], once they have seen a step's samples.

    None for accumulated gradients in the first frames.
    """
    own = stack(spec, part)
    updates = recorded.LARGEST // own.batch_size
    for k, step in enumerate(spec.evaluated_steps):
        if own.micro_batch and k < _ACCUMULATED_FROM:
            yield None
            continue
        train(own, step * updates, spec.steps * updates, spec)
        yield 100.0 * own.test_error().reshape(len(part), -1)


def stack(spec: BatchSize, part: list[Kind]) -> Stack:
    """Networks of the spec's shape, kind by kind."""
    plan = Plan(
        network=spec.network,
        depth=spec.depth,
        width=spec.first_width,
        options=spec.norm_options,
    )
    members = [member for kind in part for member in kind.members(spec)]
    first = part[0]
    return Stack(
        plan, members, optimizer="momentum", batch_size=first.size, micro_batch=first.micro_batch
    )  # fmt: skip


def _arrays(spec: BatchSize, parts: list[list[Kind]], found: list[Any]) -> Arrays:
    """The errors of a round in their places."""
    tables = {
        "error": np.full((len(spec.variants), len(recorded.SIZES), spec.seeds), np.nan),
        "accumulated": np.full((len(spec.accumulated), 1, spec.seeds), np.nan),
    }
    measured = set()
    for part, values in zip(parts, found, strict=True):
        if values is None:
            continue
        for kind, own in zip(part, values, strict=True):
            name = "accumulated" if kind.micro_batch else "error"
            tables[name][kind.row, list(kind.columns)] = own
            measured.add(name)
    return {
        name: values
        for table in sorted(measured)
        for name, values in _with_spread(table, tables[table]).items()
    }


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
