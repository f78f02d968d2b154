"""Side by side

Networks that differ in one thing train on the same batches; what counts is their error on the test digits.
"""

from __future__ import annotations

from statistics import mean, stdev

import torch
from torch import nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.parts import take_parts
from normviz.export.pieces.settings import BATCH_SIZE, EPOCH_VARIANTS, PARTS, SEEDS, STEPS
from normviz.export.pieces.training import accuracy_on, batches, new_optimizer


def main() -> dict[str, list[float]]:
    """Test error in percent of each variant, seed by seed."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    told = {}
    print("error on the test digits in percent, mean ± standard deviation over the seeds")
    for name in EPOCH_VARIANTS:
        told[name] = [error(name, seed) for seed in SEEDS]
        print(f"  {name:24} {mean(told[name]):6.2f} ± {stdev(told[name]):.2f}")
    return told


def error(name: str, seed: int) -> float:
    """Test error of one network after the training; one that diverged gets everything wrong."""
    _, _, x_test, y_test = load_data(seed)
    net = network(seed=seed, **EPOCH_VARIANTS[name])
    if PARTS and name in PARTS:
        take_parts(net, PARTS[name])
    if not fitted(net, seed):
        return 100.0
    return 100 * (1 - accuracy_on(net, x_test, y_test))


def fitted(net: nn.Module, seed: int) -> bool:
    """Train a network; whether its loss has stayed finite."""
    x, y, _, _ = load_data(seed)
    optimizer = new_optimizer(net)
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    for _ in range(STEPS):
        batch = next(order)
        loss = F.cross_entropy(net(x[batch]), y[batch])
        if not loss.isfinite():
            return False
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return True
