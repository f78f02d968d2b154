"""Looks along the gradient

Every few steps a network walks from where it stands against the gradient of the next batch, and loss and
gradient of the same batch are measured there; then the training goes on as if nobody had looked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.settings import (
    BATCH_SIZE,
    EVERY,
    LR,
    MOMENTUM,
    NORMS,
    PLACES_ON_LINE,
    SEEDS,
    STEPS,
)
from normviz.export.pieces.statistics import set_momentum
from normviz.export.pieces.training import batches, new_optimizer


def main() -> dict[tuple[str, int], list[tuple[int, list[float], list[float]]]]:
    """The looks of every network: step, losses along the line, changes of the gradient along the line."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    runs = {(norm, seed): looks(norm, seed) for norm in NORMS for seed in SEEDS}
    told: dict[tuple[str, int], list[tuple[int, list[float], list[float]]]] = {run: [] for run in runs}
    print("medians over the seeds: loss here, range of the loss along the line, change of the gradient")
    print("step " + "".join(f"{norm:>32}" for norm in NORMS))
    for row in zip(*runs.values(), strict=True):
        for run, look in zip(runs, row, strict=True):
            told[run].append(look)
        print(
            f"{row[0][0]:4} " + "".join(f"{latest([told[norm, s][-1] for s in SEEDS]):>32}" for norm in NORMS)
        )
    return told


def latest(looks: list[tuple[int, list[float], list[float]]]) -> str:
    """Medians over the seeds; the place where a network stands is no part of its range."""
    here = median(losses[0] for _, losses, _ in looks)
    extent = median(max(losses[1:]) - min(losses[1:]) for _, losses, _ in looks)
    change = median(max(changes[1:]) for _, _, changes in looks)
    return f"{here:.6f}{extent:11.4g}{change:10.4g}"


def looks(norm: str, seed: int) -> Iterator[tuple[int, list[float], list[float]]]:
    """Train one network, and look along its gradient every few steps."""
    x, y, _, _ = load_data(seed)
    net = network(norm, seed)
    optimizer = new_optimizer(net)
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    for step in range(STEPS + 1):
        batch = next(order)
        if step % EVERY == 0:
            yield step, *along_the_gradient(net, x[batch], y[batch])
        loss = F.cross_entropy(net(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def along_the_gradient(net: nn.Module, x: Tensor, y: Tensor) -> tuple[list[float], list[float]]:
    """Loss, and relative change of the gradient, at θ - a·lr·∇L(θ) for each place a."""
    set_momentum(net, 0.0)  # the running statistics stay
    parameters = list(net.parameters())
    start = [parameter.detach().clone() for parameter in parameters]
    gradient = torch.autograd.grad(F.cross_entropy(net(x), y), parameters)
    losses, changes = [], []
    for a in PLACES_ON_LINE:
        for parameter, before, slope in zip(parameters, start, gradient, strict=True):
            parameter.data = before - a * (LR * slope)
        loss = F.cross_entropy(net(x), y)
        there = torch.autograd.grad(loss, parameters)
        losses.append(loss.item())
        difference = [one - other for one, other in zip(there, gradient, strict=True)]
        changes.append(length(difference) / length(list(gradient)))
    for parameter, before in zip(parameters, start, strict=True):
        parameter.data = before
    set_momentum(net, MOMENTUM)
    return losses, changes


def length(tensors: list[Tensor]) -> float:
    """Euclidean norm over all parameters."""
    return math.sqrt(sum(one.double().square().sum().item() for one in tensors))
