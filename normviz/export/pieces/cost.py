"""Paired times

Each norm is timed right beside the same network without one, in turning order, and the two times are divided:
what else the machine does falls out of the ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from normviz.export.pieces.blocks import conv_block
from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.mlp import network
from normviz.export.pieces.norms import normalization, reparametrize
from normviz.export.pieces.settings import (
    ACTIVATION,
    BATCH_SIZE,
    INPUT_SHAPE,
    LR,
    NETWORK,
    NORMS,
    PART,
    PASSES,
    ROUNDS,
    SIDE_AFTER,
    STRIDE,
    WIDTH,
)


def main() -> dict[str, list[float]]:
    """Quartiles of the time of each norm, in terms of the time without a norm."""
    torch.set_num_threads(1)
    timed = {norm: work(norm) for norm in NORMS}
    plain = work("none")
    for call in (plain, *timed.values()):  # a first pass allocates what later ones find
        call()
    ratios: dict[str, list[float]] = {norm: [] for norm in NORMS}
    for one in range(ROUNDS):
        for norm, call in timed.items():
            ratios[norm].append(1 / ratio(call, plain) if one % 2 else ratio(plain, call))
    told = {}
    print("times the same without a norm: median (quartiles)")
    for norm in NORMS:
        shares = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
        told[norm] = torch.tensor(ratios[norm], dtype=torch.float64).quantile(shares).tolist()
        low, middle, high = told[norm]
        print(f"  {norm:24} {middle:.2f} ({low:.2f} to {high:.2f})")
    return told


def ratio(first: Callable[[], None], second: Callable[[], None]) -> float:
    """Time of the second in terms of the first; in the order first, second, second, first."""
    before, between = seconds(first), seconds(second) + seconds(second)
    return between / (before + seconds(first))


def seconds(call: Callable[[], None]) -> float:
    """Processor time of a call, of this one thread."""
    start = time.thread_time()
    call()
    return time.thread_time() - start


def work(norm: str) -> Callable[[], None]:
    """What is timed."""
    return training_step(norm) if PART == "step" else passes(norm)


def training_step(norm: str) -> Callable[[], None]:
    """One step of SGD on digits."""
    x, y = (one[:BATCH_SIZE] for one in load_data(0)[:2])
    net = network(norm, 0)
    optimizer = torch.optim.SGD(net.parameters(), LR)

    def step() -> None:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def passes(norm: str) -> Callable[[], None]:
    """Some passes forward and backward through one hidden layer, its norm and its activation."""
    block, draws = hidden_layer(norm), generator(0, "batches")
    x = torch.randn(BATCH_SIZE, *INPUT_SHAPE, generator=draws).requires_grad_()
    dy = torch.randn(block(x).shape, generator=draws)
    watched = [x, *block.parameters()]

    def several() -> None:
        for _ in range(PASSES):
            torch.autograd.grad(block(x), watched, dy, allow_unused=True)

    return several


def hidden_layer(norm: str) -> nn.Module:
    """One layer with its norm and its activation."""
    draws = generator(0, "initialization")
    if NETWORK == "cnn":
        return nn.Sequential(*conv_block(norm, INPUT_SHAPE[0], WIDTH, STRIDE, SIDE_AFTER, draws))
    layer = drawn(nn.Linear(INPUT_SHAPE[0], WIDTH), draws)
    if norm in ("weight_norm", "weight_standardization"):
        reparametrize(norm, layer)
    return nn.Sequential(layer, normalization(norm, (WIDTH,)), ACTIVATION())
