"""The experiment

Each network is trained and then predicted in training mode: in shuffled batches of several sizes, and in
batches that are sorted by class.
"""

from __future__ import annotations

import math

import torch

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.fitting import fit
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import error
from normviz.export.pieces.settings import (
    NORM,
    SEEDS,
    SMALLER_BATCHES,
    SORTED_SIZES,
    VALIDATION_BATCH,
)
from normviz.export.pieces.tabled import table
from normviz.export.pieces.training import new_optimizer


def main() -> list[dict[str, float]]:
    """Errors of each seed's network in percent, by name."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    measured = [experiment(seed) for seed in SEEDS]
    print("\nerror on the test samples in percent, mean ± standard deviation over the seeds")
    table(measured)
    return measured


def experiment(seed: int) -> dict[str, float]:
    """Everything that is measured of the network of one seed."""
    _, _, x, y = load_data(seed)
    net = network(NORM, seed)
    print(f"\nseed {seed}\n{'step':>6}{'loss':>12}{'eval mode':>13}{'training mode':>16}")
    fit(net, new_optimizer(net), seed)
    draws = generator(seed, "trials")
    torch.randperm(len(y), generator=draws)  # the page draws one more batch: that of its statistics
    told = {"eval mode": error(net, x, y)}
    for size in (VALIDATION_BATCH, *SMALLER_BATCHES):
        order = torch.randperm(len(y), generator=draws)
        try:
            told[f"training mode, batches of {size}"] = error(net, x[order], y[order], size)
        except ValueError as refusal:  # a batch of one has no variance
            told[f"training mode, batches of {size}"] = math.nan
            print(f"a batch of {size} in training mode: {refusal}")
    by_class = y.argsort(stable=True)
    for size in SORTED_SIZES:
        name = f"training mode, sorted by class, batches of {size}"
        told[name] = error(net, x[by_class], y[by_class], size)
    return told
