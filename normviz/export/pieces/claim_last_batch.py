"""On which batch the answers depend

A trained network in training mode: on the mates in the batch, not on the batch before; but that one moves the
stored statistics.
"""

from __future__ import annotations

import copy
from statistics import mean, stdev

import torch
from torch import Tensor, nn

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.fitting import fit
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import labels_in, logits_of, share_changing
from normviz.export.pieces.settings import DEPLOY_BATCH, DRAWS, MOMENTUM, SEEDS, BatchNorm
from normviz.export.pieces.training import new_optimizer


def main() -> dict[str, list[float]]:
    """What is measured, seed by seed."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    measured = [look(seed) for seed in SEEDS]
    told = {name: [one[name] for one in measured] for name in measured[0]}
    for name, values in told.items():
        print(f"{name}: {mean(values):.4g} ± {stdev(values):.2g}")
    return told


def look(seed: int) -> dict[str, float]:
    """What is measured of the network of one seed."""
    net = network("batch", seed)
    fit(net, new_optimizer(net), seed)
    x = load_data(seed)[2]
    draws = generator(seed, "trials")

    def shuffled() -> Tensor:
        return torch.randperm(len(x), generator=draws)

    changed = share_changing(labels_in(net, x, [shuffled() for _ in range(DRAWS)]))
    order, kept = shuffled(), copy.deepcopy(net.state_dict())
    asked, *others = (x[part] for part in torch.split(order, DEPLOY_BATCH)[:3])
    answers = []
    for before in others:
        logits_of(net, before, DEPLOY_BATCH, MOMENTUM)
        answers.append(logits_of(net, asked, DEPLOY_BATCH))
        net.load_state_dict(kept)
    statistics = running(net)
    logits_of(net, x[shuffled()], DEPLOY_BATCH, MOMENTUM)
    moves = [
        (after - mean) / var.sqrt() for (mean, var), (after, _) in zip(statistics, running(net), strict=True)
    ]
    change = (answers[0] - answers[1]).abs().max()
    return {
        "labels that change among other batch-mates, percent": changed,
        "greatest change of an answer after another batch": change.item(),
        "stored means move in one pass by, SD": torch.cat(moves).square().mean().sqrt().item(),
    }


def running(net: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """A copy of the running statistics of every layer."""
    norms = [module for module in net.modules() if isinstance(module, BatchNorm)]
    names = ("running_mean", "running_var")
    both = [[norm.get_buffer(name).clone() for name in names] for norm in norms]
    return [(mean, var) for mean, var in both]
