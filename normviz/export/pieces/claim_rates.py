"""Every learning rate

Networks without and with batch norm at each learning rate: when are so many test digits right, and how many
at the end?  What is only faster at its best learning rate is not faster at every one.
"""

from __future__ import annotations

import math
from statistics import mean, median

import torch

from normviz.export.pieces.settings import EVALUATED_STEPS, LEARNING_RATES, NORMS, SEEDS, STEPS, TARGET
from normviz.export.pieces.training import training


def main() -> dict[tuple[str, float], list[tuple[float, float]]]:
    """For each norm and learning rate steps to the target and accuracy at the end, seed by seed."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    told = {}
    print(f"medians over the seeds of the steps to {TARGET:.0%} (at most {STEPS}), means of the accuracy")
    for norm in NORMS:
        for lr in LEARNING_RATES:
            told[norm, lr] = [run(norm, lr, seed) for seed in SEEDS]
            steps, accuracy = zip(*told[norm, lr], strict=True)
            print(f"  {norm:8} learning rate {lr:<6g} {median(steps):6g} steps, {mean(accuracy):6.1%} right")
    return told


def run(norm: str, lr: float, seed: int) -> tuple[float, float]:
    """Steps to the target, or all of them if it is never reached; accuracy, 0 for one that diverged."""
    taken, last = float(STEPS), 0.0
    for step, _, accuracy in training(norm, seed, lr=lr):
        if step in EVALUATED_STEPS and accuracy is not None:
            last = 0.0 if math.isnan(accuracy) else accuracy
            if last >= TARGET:
                taken = min(taken, step)
    return taken, last
