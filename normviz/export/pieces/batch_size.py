"""The batch of a norm

Every network sees the same samples.  Where only the statistics change, an update takes all of its samples and
the norm takes its mean and variance over parts of them; where the real batch changes, the updates see fewer
samples too, and the learning rate shrinks in proportion.
"""

from __future__ import annotations

from statistics import mean

import torch
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.parts import take_parts
from normviz.export.pieces.settings import (
    ACCUMULATED,
    FULL_BATCH,
    IN_PARTS,
    LR,
    MICRO_BATCH,
    NORMS,
    REAL_SIZES,
    RENORM,
    SEEDS,
    STEPS,
)
from normviz.export.pieces.training import accuracy_on, batches, new_optimizer, set_limits


def main() -> dict[str, dict[int, list[float]]]:
    """Test error in percent, for each norm and batch size a list over the seeds."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    told: dict[str, dict[int, list[float]]] = {}
    print("test error in percent, one value for each seed, and their mean")
    for norm in NORMS:
        told[norm] = {}
        for size in REAL_SIZES:
            if IN_PARTS and norm not in IN_PARTS:
                size = FULL_BATCH  # its output does not depend on the batch
            if size not in told[norm]:
                told[norm][size] = [error(norm, seed, size) for seed in SEEDS]
                print(f"  {norm:24} {size:3}: {in_words(told[norm][size])}")
    for norm in ACCUMULATED:
        name = f"{norm}, gradients accumulated"
        told[name] = {MICRO_BATCH: [error(norm, seed, FULL_BATCH, MICRO_BATCH) for seed in SEEDS]}
        print(f"  {name:30} {MICRO_BATCH:3}: {in_words(told[name][MICRO_BATCH])}")
    return told


def in_words(errors: list[float]) -> str:
    """The errors of all seeds and their mean."""
    return f"{', '.join(f'{one:.2f}' for one in errors)}; {mean(errors):.2f}"


def error(norm: str, seed: int, size: int, at_once: int = FULL_BATCH) -> float:
    """Test error of one network whose norm sees at most ``size`` samples at once.

    The gradients of smaller passes, of ``at_once`` samples, are added up until an update.
    """
    x, y, x_test, y_test = load_data(seed)
    net = network(norm, seed)
    if IN_PARTS:
        if norm in IN_PARTS:
            take_parts(net, size)
        size = FULL_BATCH
    optimizer = new_optimizer(net, lr=LR * size / FULL_BATCH)
    order = batches(len(y), size, generator(seed, "batches"))
    steps = STEPS * (FULL_BATCH // size)
    for step in range(steps):
        if RENORM:
            set_limits(net, step, steps)
        batch = next(order)
        optimizer.zero_grad()
        for part in torch.split(batch, at_once):
            loss = F.cross_entropy(net(x[part]), y[part]) * (len(part) / len(batch))
            if not loss.isfinite():
                return float("nan")
            loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return 100 * (1 - accuracy_on(net, x_test, y_test))
