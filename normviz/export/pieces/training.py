"""Training

Every network takes the same batches in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.norms import BatchRenorm
from normviz.export.pieces.sequence_norms import SequenceBatchRenorm
from normviz.export.pieces.settings import (
    BATCH_SIZE,
    BATCH_SIZES,
    CLASSES,
    D_MAX,
    DEPTH,
    EVALUATE_EVERY,
    EVERY,
    GAIN,
    LR,
    NETWORK,
    OPTIMIZER,
    PLACEMENT,
    R_MAX,
    RATES,
    RENORM,
    STEPS,
    SWITCHES,
    TWO_CLASSES,
    WARM_UP,
)
from normviz.export.pieces.switches import switched
from normviz.lab.norms.batch import renorm_limits


def training(
    norm: str,
    seed: int,
    gain: float = GAIN,
    lr: float = LR,
    placement: str = PLACEMENT,
    depth: int = DEPTH,
) -> Iterator[tuple[int, float, float | None]]:
    """Train one network; at each recorded step give step, loss of the next batch and test accuracy.

    The test accuracy is None at steps where the test samples are not evaluated; both are NaN once the network
    has diverged.
    """
    x, y, x_test, y_test = load_data(seed)
    net: nn.Module = network(norm, seed, gain=gain, placement=placement, depth=depth)
    optimizer = new_optimizer(net, lr=lr)
    draws = generator(seed, "batches")
    order = of_two_classes(y, BATCH_SIZE, draws) if TWO_CLASSES else batches(len(y), BATCH_SIZE, draws)
    diverged = False
    for step in range(STEPS + 1):
        if RATES and step in RATES:
            optimizer.param_groups[0]["lr"] = RATES[step]
        if BATCH_SIZES and step in BATCH_SIZES:  # a new epoch begins, in batches of another size
            size = BATCH_SIZES[step]
            order = of_two_classes(y, size, draws) if TWO_CLASSES else batches(len(y), size, draws)
        if SWITCHES and (step, norm) in SWITCHES:
            net, optimizer = switched(net, optimizer, SWITCHES[step, norm], seed)
        if RENORM:
            set_limits(net, step)
        recorded = step % EVERY == 0 or step == STEPS
        accuracy = None
        if recorded and (step % EVALUATE_EVERY == 0 or step == STEPS):
            accuracy = math.nan if diverged else accuracy_on(net, x_test, y_test)
        batch = next(order)
        loss = F.cross_entropy(net(x[batch]), y[batch])
        diverged = diverged or not loss.isfinite()
        if recorded:
            yield step, math.nan if diverged else loss.item(), accuracy
        if not diverged:
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def batches(samples: int, size: int, draws: torch.Generator) -> Iterator[Tensor]:
    """Indices of one batch after the other; what is left over at the end of an epoch is dropped."""
    while True:
        order = torch.randperm(samples, generator=draws)
        yield from (batch for batch in torch.split(order, size) if len(batch) == size)


def of_two_classes(y: Tensor, size: int, draws: torch.Generator) -> Iterator[Tensor]:
    """Indices of one batch after the other, each from the samples of two classes that it draws first."""
    while True:
        pair = torch.randperm(CLASSES, generator=draws)[:2]
        own = torch.isin(y, pair).nonzero().flatten()
        yield own[torch.randperm(len(own), generator=draws)[:size]]


def new_optimizer(net: nn.Module, lr: float = LR) -> torch.optim.Optimizer:
    """The optimizer of one network."""
    if OPTIMIZER == "adam":
        return torch.optim.Adam(net.parameters(), lr)
    if OPTIMIZER == "momentum":
        return torch.optim.SGD(net.parameters(), lr, momentum=0.9)
    return torch.optim.SGD(net.parameters(), lr)


@torch.no_grad()
def accuracy_on(net: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of the test samples that are classified correctly in eval mode."""
    net.eval()
    right = torch.cat([net(part).argmax(1) for part in torch.split(x, 1024)]) == y
    net.train()
    return right.double().mean().item()


def set_limits(net: nn.Module, step: int, steps: int = STEPS) -> None:
    """Widen the limits of batch renormalization: plain batch norm at first, as in the paper's schedule."""
    r_max, d_max = renorm_limits(step, WARM_UP * steps, R_MAX, D_MAX)
    for module in net.modules():
        if isinstance(module, SequenceBatchRenorm if NETWORK in ("rnn", "gru") else BatchRenorm):
            module.r_max, module.d_max = r_max, d_max
