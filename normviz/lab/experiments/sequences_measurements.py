"""What is measured of networks that read sequences: who is moved by the future, by batch-mates, by padding.

Legend: M members, V variants, S seeds, N sequences, C channels, T steps, K classes, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.lab import data, devices, nets
from normviz.lab.engine import Stack
from normviz.lab.engine.losses import cross_entropy
from normviz.lab.nets.sequences import SequenceNet, existing
from normviz.lab.norms.sequences import Stepped
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences

GAIN = 0.5**0.5
"""Gain of the initialization: weights of variance 1/fan-in, as in the theory of pre- and post-norm."""

Values = NDArray[np.float32]


def sequence_nets(stack: Stack) -> list[SequenceNet]:
    """The network of each group."""
    return [cast(SequenceNet, group.net) for group in stack.groups]


@torch.no_grad()
def answers(stack: Stack, x: torch.Tensor, train: bool = True) -> torch.Tensor:
    """Logits of every member at every step, in one batch; running statistics stay as they are.

    Shapes: x [M, N, C, T] -> [M, N, T, K] float64.
    """
    found: torch.Tensor | None = None
    for group, net in zip(stack.groups, sequence_nets(stack), strict=True):
        places = list(group.places)
        with group.mode(train, update_statistics=False):
            own = net.answers(x[places].to(stack.device)).cpu()
        if found is None:
            found = torch.empty(len(x), *own.shape[1:], dtype=torch.float64)
        found[places] = own.double()
    assert found is not None
    return found


def moved(z: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Relative change |z' - z|/|z| of answers, [..., K] -> [...]; an exact zero where nothing changed."""
    change: torch.Tensor = (other - z).norm(dim=-1) / z.norm(dim=-1).clamp_min(1e-30)
    return change


def batch(spec: Sequences, stack: Stack) -> torch.Tensor:
    """A batch of test sequences for every member, the first `WATCHED` without padding; [M, N, C, T]."""
    chosen = []
    for member in range(len(stack.members)):
        x = stack.data(member).x_test
        full = (x[:, -1] > 0.5).all(1)
        watched = full.nonzero().flatten()[: recorded.WATCHED]
        others = torch.ones(len(x), dtype=torch.bool)
        others[watched] = False
        order = torch.cat((watched, others.nonzero().flatten()))[: spec.batch_size]
        chosen.append(x[order])
    return torch.stack(chosen)


def leaks(spec: Sequences, stack: Stack, x: torch.Tensor, train: bool = True) -> tuple[Values, Values]:
    """Change of a sequence's own answers, and of its batch-mates', when its second half becomes another's.

    Shapes: x [M, N, C, T] -> two of [V, T], medians over the changed sequences, their mates and the seeds.
    """
    n, start = recorded.WATCHED, spec.changed_from
    before = answers(stack, x, train)[:, :n]
    own, mates = [], []
    for i in range(n):
        changed = x.clone()
        changed[:, i, :, start:] = x[:, (i + 1) % n, :, start:]
        change = moved(before, answers(stack, changed, train)[:, :n])
        own.append(change[:, i : i + 1])
        mates.append(change[:, [k for k in range(n) if k != i]])
    return _medians(spec, torch.cat(own, 1)), _medians(spec, torch.cat(mates, 1))


def padding(spec: Sequences, stack: Stack, x: torch.Tensor) -> Values:
    """Change of the final answers when padding is appended; batch norm leaves it out, or does not.

    Shapes: [2, V, P].
    """
    table = np.zeros((2, len(spec.norms), len(recorded.APPENDED)), "<f4")
    own = existing(x).sum(2) - 1
    for row, masked in enumerate((True, False)):
        for net in sequence_nets(stack):
            net.masked = masked
        before = _at(answers(stack, x), own)
        for column, more in enumerate(recorded.APPENDED):
            after = _at(answers(stack, F.pad(x, (0, more))), own)
            table[row, :, column] = _medians(spec, moved(before, after)[..., None])[:, 0]
    for net in sequence_nets(stack):
        net.masked = spec.masked
    return table


@torch.no_grad()
def alone(spec: Sequences, stack: Stack, x: torch.Tensor) -> tuple[Values, dict[int, str]]:
    """Change of a sequence's answers when it is alone in its batch, [V, T], in training mode.

    NaN for a variant that refuses a batch of one, with its words by the variant's position.
    """
    among = answers(stack, x)
    changes = torch.full((len(x), recorded.WATCHED, x.shape[3]), torch.nan, dtype=torch.float64)
    refused: dict[int, str] = {}
    for group, net in zip(stack.groups, sequence_nets(stack), strict=True):
        places = list(group.places)
        for i in range(recorded.WATCHED):
            try:
                with group.mode(True, update_statistics=False):
                    own = net.answers(x[places, i : i + 1].to(stack.device)).cpu().double()
            except ValueError as error:
                refused |= {place // spec.seeds: str(error) for place in places}
                break
            changes[places, i] = moved(among[places, i : i + 1], own)[:, 0]
    return _medians(spec, changes), refused


def gap(spec: Sequences, stack: Stack, x: torch.Tensor, by_step: bool = True) -> Values:
    """Difference between training and evaluation mode at every step that exists, [V, T]."""
    for net in sequence_nets(stack):
        for norm in net.norms:
            if isinstance(norm, Stepped):
                norm.by_step = by_step
    change = moved(answers(stack, x, train=False), answers(stack, x))
    for net in sequence_nets(stack):
        for norm in net.norms:
            if isinstance(norm, Stepped):
                norm.by_step = True
    return _medians(spec, change.masked_fill(~existing(x), torch.nan))


def _at(z_MNTK: torch.Tensor, steps_MN: torch.Tensor) -> torch.Tensor:
    """Answers at a step of each sequence, [M, N, K]."""
    index = steps_MN[:, :, None, None].expand(-1, -1, 1, z_MNTK.shape[3])
    return z_MNTK.gather(2, index).squeeze(2)


def _medians(spec: Sequences, change_MNT: torch.Tensor) -> Values:
    """Medians over the sequences and the seeds, NaN left out, [V, T]; NaN for a variant that diverged."""
    values = change_MNT.numpy().reshape(len(spec.norms), -1, change_MNT.shape[2])
    known = np.isfinite(values).any(1, keepdims=True)
    medians = np.nanmedian(np.where(known, values, 0.0), axis=1)
    return np.where(known[:, 0], medians, np.nan).astype("<f4")


def drawn(values: Values) -> Values:
    """The same for a logarithmic axis: `NOTHING` in place of exact zeros."""
    return np.where(values == 0, recorded.NOTHING, values).astype("<f4")


# --- deep transformers ------------------------------------------------------------------------------------


def deep_gradients(spec: Sequences, norm: str, placement: str, depth: int) -> Values:
    """Norm of the gradient by the second matrix of each feed-forward block, untrained, [L, S].

    Source: Xiong et al. 2020, arXiv:2002.04745, Theorem 1 and Figure 3.
    """
    splits = [data.load(spec.dataset, seed) for seed in spec.seed_values]
    x = torch.stack([split.x_train[: recorded.DEEP_BATCH] for split in splits])
    y = torch.stack([split.y_train[: recorded.DEEP_BATCH] for split in splits])
    options = {**spec.norm_options, "r_max": 1.0, "d_max": 0.0}  # batch renormalization begins as batch norm
    net = nets.build(
        "transformer", members=spec.seeds, shape=spec.data.shape, classes=spec.data.classes, depth=depth,
        width=spec.deep_width, norm=norm, placement=placement, causal=spec.causal,
        options={name: value for name, value in options.items() if name in NORMS[norm].options},
    )  # fmt: skip
    net.draw(spec.seed_values, [GAIN] * spec.seeds)
    net.to(devices.here())
    weights = [block.layer.weight for block in net.blocks[1::2]]
    losses = cross_entropy(net(x.to(devices.here())), y.to(devices.here()))
    gradients = torch.autograd.grad(losses.sum(), weights)
    return lengths(gradients)


def lengths(gradients: Sequence[torch.Tensor]) -> Values:
    """Euclidean norm of each gradient and member, in float64 on the way, [L, S]."""
    norms = [torch.linalg.vector_norm(one.cpu().double().flatten(1), dim=1) for one in gradients]
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as it is for the networks
        found: Any = torch.stack(norms).numpy().astype("<f4")
    return cast(Values, found)
