"""The experiment

One network is trained, and then reads the same digits in eval mode and in training mode.
"""

from __future__ import annotations

import torch
from torch import Tensor

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.fitting import fit
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import logits_of
from normviz.export.pieces.settings import BY_CLASS, DEPLOY_BATCH, SEEDS, SHUFFLE, SWAPS, TILES
from normviz.export.pieces.training import new_optimizer
from normviz.lab.experiments.start import dealt


def main() -> dict[str, Tensor]:
    """Labels in either mode, by digit; without those of training mode where torch raises."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    seed = SEEDS[0]
    _, _, x_test, y_test = load_data(seed)
    x, y = x_test[:TILES], y_test[:TILES]
    net = network("batch", seed)
    fit(net, new_optimizer(net), seed)
    if SHUFFLE or BY_CLASS or SWAPS:
        order = torch.tensor(dealt(y.numpy(), shuffle=SHUFFLE, by_class=BY_CLASS, swaps=SWAPS))
    else:
        order = torch.arange(TILES)
    told = {"eval": logits_of(net, x).argmax(1)}
    try:
        said = logits_of(net, x[order], DEPLOY_BATCH).argmax(1)
        told["train"] = said[order.argsort()]
    except ValueError as refusal:
        print(f"in training mode: {refusal}")
    for mode, labels in told.items():
        print(
            f"\nmodel.{mode}(): wrong: {(labels != y).sum()} of {TILES}; a row is a batch, 5>3 a 5 read as 3"
        )
        for batch in torch.split(order, DEPLOY_BATCH):
            print(" ".join(f"{y[i]}>{labels[i]}" if y[i] != labels[i] else f" {y[i]} " for i in batch))
    return told
