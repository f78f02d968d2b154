"""Maps of learning rate × gain: every cell a network, a norm's cells in a few stacks, dealt to the cores.

How the cells are cut into stacks changes no number, since a member is bit-equal in any stack.

Legend: V variants (norms), G gains, R learning rates, C = G·R cells, row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Frame, Schema
from normviz.lab.dealt import dealt
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments import renorm
from normviz.lab.experiments.lr_init_notes import notes
from normviz.specs.lr_init import WIDTH, LrInit
from normviz.specs.lr_init_frames import LEARNED

Arrays = dict[str, NDArray[Any]]
Cells = NDArray[np.int64]

_LARGEST = 48
"""Most cells in one stack: more of them no longer fit in the cache."""


def run(spec: LrInit, workers: int | None = None) -> Iterator[Schema | Frame]:
    """Train the networks of all cells, and measure them together every few steps.

    ``workers``: processes to use; by default the free cores decide.  The frames are the same.
    """
    yield spec.schema()
    torch.set_num_threads(1)
    yield _frame(spec, 0, _untrained(spec), np.full((len(spec.norms), spec.grid**2), -1), _constants(spec))
    parts = [(v, cells) for v in range(len(spec.norms)) for cells in chunks(spec.grid)]
    shape = len(spec.norms), spec.grid**2
    rounds = dealt([partial(train, spec, spec.norms[v], cells) for v, cells in parts], workers)
    for step, results in zip(spec.recorded_steps[1:], rounds, strict=True):
        accuracy_VC, diverged_VC = np.full(shape, np.nan), np.full(shape, -1)
        for (v, cells), (accuracy, diverged) in zip(parts, results, strict=True):
            accuracy_VC[v, cells], diverged_VC[v, cells] = accuracy, diverged
        yield _frame(spec, step, accuracy_VC, diverged_VC, {})


def chunks(grid: int) -> list[Cells]:
    """The cells of one map in an even number of parts, each for one stack.

    Neighbours in a part share a learning rate wherever possible, since the optimizer takes them together.
    """
    cells = np.arange(grid**2).reshape(grid, grid).T.ravel()
    return np.array_split(cells, 2 * -(-len(cells) // (2 * _LARGEST)))


def train(spec: LrInit, norm: str, cells: Cells) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Test accuracy of some cells after each recorded number of steps, and the step at which each diverged.

    -1 instead of a step for those that are fine.
    """
    rows, columns = np.divmod(cells, spec.grid)
    members = [
        Member(norm, spec.seed, spec.rates[column], spec.gains[row])
        for row, column in zip(rows, columns, strict=True)
    ]
    stack = _stack(spec, members)
    opened = spec.cell(norm, spec.rates[0], spec.gains[0])
    for step in spec.recorded_steps[1:]:
        renorm.train(stack, step, spec.steps, opened)
        accuracy = 1.0 - stack.test_error()
        accuracy[stack.diverged_at >= 0] = np.nan
        yield accuracy, stack.diverged_at.copy()


def _untrained(spec: LrInit) -> NDArray[np.float64]:
    """Test accuracy [V, C] before the first step; there the learning rate makes no difference."""
    members = [Member(norm, spec.seed, 0.0, gain) for norm in spec.norms for gain in spec.gains]
    by_gain = 1.0 - _stack(spec, members).test_error()
    return np.repeat(by_gain, spec.grid).reshape(len(spec.norms), -1)


def _stack(spec: LrInit, members: list[Member]) -> Stack:
    plan = Plan("mlp", spec.depth, WIDTH, dataset=spec.data.name, options=spec.norm_options)
    return Stack(plan, members, optimizer="sgd", batch_size=spec.batch_size)


def _constants(spec: LrInit) -> Arrays:
    return {
        "rates": np.array(spec.rates, "<f8"),
        "gains": np.array(spec.gains, "<f8"),
        "cell_rates": np.tile(np.array(spec.rates, "<f8"), spec.grid),
    }


def _frame(
    spec: LrInit, step: int, accuracy_VC: NDArray[Any], diverged_VC: NDArray[Any], constants: Arrays
) -> Frame:
    gains_C = np.repeat(np.array(spec.gains), spec.grid)
    accuracy_VGR = accuracy_VC.reshape(-1, spec.grid, spec.grid)
    learned = accuracy_VC > LEARNED
    diverged = np.isnan(accuracy_VC)
    # A network whose answers are no numbers has diverged, even if its last loss was one.
    ended = np.where(diverged_VC >= 0, diverged_VC, np.where(diverged, step, np.nan))
    arrays = {
        **constants,
        "test_accuracy": accuracy_VGR.astype("<f4"),
        "learned": learned.sum(1).astype("<f4"),
        "learned_at": np.where(learned, gains_C, np.nan).astype("<f8"),
        "diverged_at": np.where(diverged, gains_C, np.nan).astype("<f8"),
        "diverged_step": ended.astype("<f4"),
        "best_by_rate": _best(accuracy_VGR, 1),
        "best_by_gain": _best(accuracy_VGR, 2),
    }
    share = (learned.sum(1) / spec.grid**2).astype("<f4")
    if step > 0:
        arrays["share"] = share
    if step == spec.steps:
        arrays["ended"] = share
    return Frame(step, arrays, notes(spec, step, arrays))


def _best(accuracy: NDArray[Any], axis: int) -> NDArray[np.float32]:
    """The greatest accuracy along an axis; NaN where all networks have diverged."""
    best = np.where(np.isnan(accuracy), -1.0, accuracy).max(axis)
    return np.where(best < 0, np.nan, best).astype("<f4")
