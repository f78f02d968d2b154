"""Side by side

Networks that differ in one thing train on the same batches; what counts is their error on the test digits.
"""

from __future__ import annotations

from statistics import mean, stdev

import torch

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.fitting import fit
from normviz.export.pieces.mlp import network
from normviz.export.pieces.parts import take_parts
from normviz.export.pieces.settings import EPOCH_VARIANTS, PARTS, SEEDS
from normviz.export.pieces.training import accuracy_on, new_optimizer


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
    if not fit(net, new_optimizer(net), seed):
        return 100.0
    return 100 * (1 - accuracy_on(net, x_test, y_test))
