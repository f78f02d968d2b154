"""Every row

Networks without and with batch norm, at each of a few learning rates; of each row the better one counts.
"""

from __future__ import annotations

import math
from statistics import mean

import torch

from normviz.export.pieces.settings import COLUMN, DEPTHS, GAINS, LEARNING_RATES, NORMS, SEEDS
from normviz.export.pieces.training import training


def main() -> dict[tuple[str, float], list[list[float]]]:
    """For each norm and row a list for each learning rate: test accuracies at the end, seed by seed."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    told: dict[tuple[str, float], list[list[float]]] = {}
    print("test accuracy at the better learning rate, mean over the seeds")
    for norm in NORMS:
        for row in GAINS if COLUMN == "gain" else DEPTHS:
            told[norm, row] = [[accuracy(norm, row, lr, seed) for seed in SEEDS] for lr in LEARNING_RATES]
            print(f"  {norm:8} {COLUMN} {row:<6g} {max(mean(one) for one in told[norm, row]):6.1%}")
    return told


def accuracy(norm: str, row: float, lr: float, seed: int) -> float:
    """Test accuracy of one network at the end; 0 if it has diverged."""
    if COLUMN == "gain":
        run = training(norm, seed, gain=row, lr=lr)
    else:
        run = training(norm, seed, lr=lr, depth=int(row))
    *_, (_, _, last) = run
    return 0.0 if last is None or math.isnan(last) else last
