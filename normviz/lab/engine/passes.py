"""Forward passes of a stack outside training: evaluation, train-mode passes, recalibration.

Legend: M members in the caller's order, S seeds, N samples, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from normviz.lab.data import Split
from normviz.lab.nets.layers import Dropout, Tape
from normviz.lab.norms.batch import RunningNorm

if TYPE_CHECKING:
    from normviz.lab.engine.groups import Group
    from normviz.lab.engine.stack import Stack

AT_ONCE = {"mlp": 1024, "cnn": 256, "resnet": 256, "rnn": 256, "gru": 256, "transformer": 256}
"""Samples in one piece of an evaluation pass.  The same in every stack, since a matrix product of another
size may round differently."""


class TestSets:
    """The test samples of every seed."""

    __test__ = False  # not for pytest

    def __init__(self, splits: Sequence[Split], dtype: torch.dtype, device: torch.device) -> None:
        self.x = torch.stack([split.x_test for split in splits]).to(device, dtype)
        self.y = torch.stack([split.y_test for split in splits]).to(device)

    def samples(self, x_or_indices: Any, seed_of: Sequence[int]) -> torch.Tensor:
        """Samples for every member, [M, N, *sample]: given ones, or chosen from its own by indices."""
        rows = torch.tensor(seed_of, device=self.x.device)
        if x_or_indices is None:
            return self.x[rows]
        if not isinstance(x_or_indices, torch.Tensor):
            x_or_indices = torch.from_numpy(np.array(x_or_indices))
        given: torch.Tensor = x_or_indices.to(self.x.device)
        if not given.is_floating_point():
            return self.x[rows[:, None], given]
        if given.dim() == self.x.dim() - 1:
            given = given.expand(len(seed_of), *given.shape)
        return given.to(self.x.dtype)


def logits(stack: Stack, x: torch.Tensor, mode: str, batch_size: int | None, update: bool) -> torch.Tensor:
    """Outputs [M, N, K] for samples x [M, N, *sample]; see `Stack.logits`."""
    train = _is_train(mode)
    samples = x.shape[1]
    if train and batch_size is not None:
        samples -= samples % batch_size
    result = x.new_empty(x.shape[0], samples, stack.plan.classes)
    for group in stack.groups:
        places = list(group.places)
        own, dropout = x[places], _dropout(stack, group)
        size = batch_size or (samples if train else AT_ONCE[stack.plan.network])
        with group.mode(train, update):
            for start in range(0, samples, size):
                part = slice(start, min(start + size, samples))
                result[places, part] = group.net(own[:, part], None, dropout)
    return result


def trace(stack: Stack, x: torch.Tensor, mode: str) -> Tape:
    """What every hidden layer holds, in the caller's order of members; see `Stack.trace`."""
    tapes = []
    for group in stack.groups:
        tapes.append(Tape())
        with group.mode(_is_train(mode), False):
            group.net(x[list(group.places)], tapes[-1], _dropout(stack, group))
    places = torch.tensor([place for group in stack.groups for place in group.places], device=x.device)
    back = places.argsort()

    def joined(kind: str) -> list[torch.Tensor]:
        layers = zip(*(getattr(tape, kind) for tape in tapes), strict=True)
        return [torch.cat(parts)[back].cpu() for parts in layers]

    return Tape(**{field.name: joined(field.name) for field in fields(Tape)})


def recalibrate(stack: Stack, x: torch.Tensor, batch_size: int, batches: int | None) -> None:
    """Set running statistics to their mean over batches of x [S, N, *sample]; see `Stack.recalibrate`."""
    complete = x.shape[1] // batch_size
    for group in stack.groups:
        averaging = [module for module in group.net.modules() if isinstance(module, RunningNorm)]
        if not averaging:
            continue
        momenta = [norm.momentum for norm in averaging]
        for norm in averaging:
            norm.momentum = None  # torch's word for the mean over all batches so far
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.zero_()
        with group.mode(True, True):
            for batch in range(min(complete, batches or complete)):
                group.net(group.own(x[:, batch * batch_size : (batch + 1) * batch_size]))
        for norm, momentum in zip(averaging, momenta, strict=True):
            norm.momentum = momentum


def _is_train(mode: str) -> bool:
    if mode not in ("eval", "train"):
        raise ValueError(f"mode {mode!r} is not 'eval' or 'train'")
    return mode == "train"


def _dropout(stack: Stack, group: Group) -> Dropout:
    # Masks of its own: a look at the network must not move the training's random numbers.
    return Dropout(stack.plan.dropout, [member.seed for member in group.members], "passes")
