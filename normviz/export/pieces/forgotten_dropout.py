"""Dropout's half of the story

Dropout is left on, too, where eval() is forgotten; and a norm behind a dropout stores a variance that its
input does not have in use.
"""

from __future__ import annotations

import torch
from torch import Tensor

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.fitting import fit
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import error
from normviz.export.pieces.settings import (
    ACTIVATION,
    DROPOUT_SIZES,
    HAS_RUNNING,
    KEEPS,
    LEFT_ON,
    NORM,
    SEEDS,
    VALIDATION_BATCH,
    BatchNorm,
)
from normviz.export.pieces.tabled import table
from normviz.export.pieces.training import new_optimizer


def main() -> tuple[list[dict[str, float]], dict[float, list[tuple[float, float]]]]:
    """Errors of each seed's network in percent; ratios of variances, for each share kept by channel."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    measured = [left_on(seed) for seed in SEEDS]
    print("no norm, but dropout: error on the test samples in percent")
    table(measured)
    told: dict[float, list[tuple[float, float]]] = {}
    if HAS_RUNNING:
        print("\nvariance in use / variance stored behind a dropout, by channel: measured (formula)")
        x = held(SEEDS[0])
        told = {keep: ratios(x, keep) for keep in KEEPS}
        for keep, rows in told.items():
            print(f"  keep {keep:g}: " + ", ".join(f"{one:.3f} ({other:.3f})" for one, other in rows))
    return measured, told


def left_on(seed: int) -> dict[str, float]:
    """Errors of a network without a norm whose dropout is left on."""
    _, _, x, y = load_data(seed)
    net, draws = network("none", seed, dropout=LEFT_ON), generator(seed, "trials")
    fit(net, new_optimizer(net), seed)
    told = {"eval mode": error(net, x, y)}
    for size in DROPOUT_SIZES:
        order, masks = torch.randperm(len(y), generator=draws), generator(seed, "passes")
        for module in net.modules():
            if isinstance(module, Dropout):
                module.masks = masks  # all layers draw from one generator
        told[f"training mode, batches of {size}"] = error(net, x[order], y[order], size)
    return told


@torch.no_grad()
def ratios(x: Tensor, keep: float) -> list[tuple[float, float]]:
    """For each channel that lives the ratio of both variances, and v / ((c² + v)/keep - c²).

    Li et al. 2018, arXiv:1801.05134, eq. 5.
    """
    norm = BatchNorm(x.shape[1], momentum=None)  # the mean over all passes
    dropout = Dropout(1 - keep, generator(SEEDS[0], "passes"))
    for _ in range(24):
        norm(dropout(x))
    values = x.transpose(0, 1).flatten(1).double()
    c, v = values.mean(1), values.var(1, correction=0)
    stored = norm.get_buffer("running_var").double()
    alive = v > 1e-6
    both = torch.stack((v / stored, v / ((c.square() + v) / keep - c.square())), 1)
    return [(one, other) for one, other in both[alive].tolist()]


def held(seed: int) -> Tensor:
    """What the last hidden layer of a trained network holds of test samples: its first 16 channels."""
    net = network(NORM, seed)
    fit(net, new_optimizer(net), seed)
    outputs: list[Tensor] = []
    last = [module for module in net.modules() if isinstance(module, ACTIVATION)][-1]
    last.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.detach()))
    net.eval()(load_data(seed)[2][:VALIDATION_BATCH])
    return outputs[0][:, :16]
