"""Regularization: two stacks, with and without dropout, on the same few samples, evaluated now and then.

Legend: V variants, S seeds, P pairs of variants.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Frame, Schema
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments.regularization_notes import notes
from normviz.specs import regularization_frames as recorded
from normviz.specs.regularization import Regularization

Arrays = dict[str, NDArray[Any]]


def run(spec: Regularization) -> Iterator[Schema | Frame]:
    """Train all variants and evaluate them at the spec's ``evaluated_steps``."""
    yield spec.schema()
    torch.set_num_threads(1)
    stacks = {dropout: stack(spec, dropout) for dropout in (False, True)}
    for step in spec.evaluated_steps:
        for one in stacks.values():
            one.step(step - one.steps_done)
        arrays = measured(spec, stacks)
        yield Frame(step, arrays, notes(step, arrays))


def chosen(dropout: bool) -> list[str]:
    """The variants with or without dropout."""
    return [name for name, variant in recorded.VARIANTS.items() if variant.dropout == dropout]


def stack(spec: Regularization, dropout: bool) -> Stack:
    """The variants with or without dropout, each with every seed."""
    plan = Plan(
        depth=spec.depth,
        width=spec.width,
        dropout=spec.dropout if dropout else 0.0,
        n_train=spec.n_train,
    )
    members = [
        Member(recorded.VARIANTS[name].norm, seed, spec.lr)
        for name in chosen(dropout)
        for seed in spec.seed_values
    ]
    return Stack(plan, members, optimizer="momentum", batch_size=spec.batch_size)


def measured(spec: Regularization, stacks: dict[bool, Stack]) -> Arrays:
    """Errors of every member in evaluation mode, gaps, differences within the seeds, and their intervals."""
    shape = len(recorded.VARIANTS), spec.seeds
    test, train = np.empty(shape), np.empty(shape)
    for dropout, one in stacks.items():
        rows = [list(recorded.VARIANTS).index(name) for name in chosen(dropout)]
        test[rows] = 100.0 * one.test_error().reshape(-1, spec.seeds)
        train[rows] = 100.0 * train_error(one).reshape(-1, spec.seeds)
    places = list(recorded.VARIANTS)
    values = {
        "test_error": test,
        "train_error": train,
        "gap": test - train,
        "difference": np.stack([test[places.index(a)] - test[places.index(b)] for a, b in recorded.PAIRS]),
    }
    arrays = dict(values)
    for name, rows_VS in values.items():
        arrays[f"{name}_interval"] = np.stack([recorded.interval(row) for row in rows_VS], 1)
    for name, row in (("mean", recorded.MEAN), ("half", recorded.HALF)):
        arrays[f"test_error_{name}"] = arrays["test_error_interval"][row, :, None]
    return {name: one.astype("<f4") for name, one in arrays.items()}


def train_error(stack: Stack) -> NDArray[Any]:
    """Share of its own training samples that each member gets wrong in evaluation mode, [M]."""
    splits = [stack.data(member) for member in range(len(stack.members))]
    logits = stack.logits(torch.stack([split.x_train for split in splits]))
    y = torch.stack([split.y_train for split in splits])
    error: NDArray[Any] = (logits.argmax(-1) != y).double().mean(1).numpy()
    error[~torch.isfinite(logits.sum((1, 2))).numpy()] = np.nan
    return error
