"""The experiment

The networks of all norms and seeds side by side: every few steps the median loss, in brackets the median
accuracy on test samples.  Then a look into what was trained, in training mode: whose answers move when the
second half of one sequence is changed?
"""

from __future__ import annotations

import math
from statistics import median

import torch

from normviz.export.pieces.answers import batch_of, futures, tell
from normviz.export.pieces.sequence_training import training_of
from normviz.export.pieces.settings import NORMS, SEEDS
from normviz.export.pieces.transformer import network

Record = tuple[int, float, float | None]


def main() -> dict[str, dict[str, list[float]]]:
    """For each norm what moves its answers: medians over sequences and seeds, step by step."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    nets = {(norm, seed): network(norm, seed) for norm in NORMS for seed in SEEDS}
    runs = {run: training_of(net, run[1]) for run, net in nets.items()}
    print("step " + "".join(f"{norm:>24}" for norm in NORMS))
    for row in zip(*runs.values(), strict=True):
        at = dict(zip(runs, row, strict=True))
        print(f"{row[0][0]:4} " + "".join(f"{latest([at[norm, s] for s in SEEDS]):>24}" for norm in NORMS))
    told = {}
    for norm in NORMS:
        looks = []
        for seed in SEEDS:
            own, mates = futures(nets[norm, seed], batch_of(seed))
            looks.append({"of the sequence itself, by step": own, "of its batch-mates, by step": mates})
        told[norm] = tell(norm, looks)
    return told


def latest(records: list[Record]) -> str:
    """Median loss, and median accuracy if it was measured."""
    losses = [loss for _, loss, _ in records if math.isfinite(loss)]
    accuracies = [accuracy for _, _, accuracy in records if accuracy is not None]
    loss = f"{median(losses):.6f}" if losses else "–"
    return loss + (f" ({median(accuracies):.1%})" if accuracies else " " * 8)
