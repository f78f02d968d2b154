"""Placement: two stacks that differ in nothing but the place of the norm.

Everything in a frame belongs to the weights after ``step`` updates.

Legend: V norms, P places, S seeds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Frame, Schema
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments.placement_notes import Notes
from normviz.lab.experiments.renorm import train
from normviz.lab.experiments.seeds import over_seeds
from normviz.specs import placement_frames as recorded
from normviz.specs.placement import Placement


def run(spec: Placement) -> Iterator[Schema | Frame]:
    """Train all members in both places, and evaluate them every k-th step."""
    yield spec.schema()
    torch.set_num_threads(1)
    stacks, notes = [stack(spec, place) for place in recorded.PLACES], Notes(spec)
    reached = np.full((len(spec.norms), len(recorded.PLACES), spec.seeds), np.nan)
    for step in spec.evaluated_steps:
        for one in stacks:
            train(one, step, spec.steps, spec)
        accuracy = _both([1.0 - one.test_error() for one in stacks], spec)
        diverged_at = _both([one.diverged_at.astype(np.float64) for one in stacks], spec)
        diverged_at[diverged_at < 0] = np.nan
        accuracy[np.isfinite(diverged_at)] = np.nan
        reached[np.isnan(reached) & (accuracy >= recorded.TARGET)] = step
        arrays = {
            "test_accuracy": accuracy, "reached": reached, "diverged_at": diverged_at,
            "test_accuracy_median": _median(accuracy),
        }  # fmt: skip
        for of in recorded.QUANTITIES:
            arrays[f"{of}_mean"], arrays[f"{of}_margin"] = recorded.interval(arrays[of])
        narrow = {name: values.astype("<f4") for name, values in arrays.items()}
        yield Frame(step, narrow, notes.at(step, narrow))


def stack(spec: Placement, place: str) -> Stack:
    """The members with the norm in one place, norm by norm."""
    plan = Plan("mlp", spec.depth, spec.width, spec.activation, place, options=spec.norm_options)
    members = [Member(norm, seed, spec.lr) for norm in spec.norms for seed in spec.seed_values]
    return Stack(plan, members, optimizer=spec.optimizer, batch_size=spec.batch_size)


def _both(of_places: list[NDArray[np.float64]], spec: Placement) -> NDArray[np.float64]:
    """[V·S] of each place -> [V, P, S]."""
    return np.stack([one.reshape(len(spec.norms), spec.seeds) for one in of_places], 1)


def _median(accuracy_VPS: NDArray[np.float64]) -> NDArray[np.float32]:
    rows = accuracy_VPS.reshape(-1, accuracy_VPS.shape[2])
    return over_seeds(np.median, rows, np.isfinite(rows)).reshape(accuracy_VPS.shape[:2])
