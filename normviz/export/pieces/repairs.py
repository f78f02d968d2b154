"""The experiment

One pass in training mode, in which nothing learns, moves the running statistics: what does eval mode say
after it, and what mends the harm?
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.fitting import fit
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import error, logits_of, recalibrate
from normviz.export.pieces.settings import (
    ALL_SIZES,
    DEPLOY_BATCH,
    DRAWN_BEFORE,
    MOMENTUM,
    NORM,
    OTHERS,
    SEEDS,
    SORTED_SIZES,
)
from normviz.export.pieces.tabled import table
from normviz.export.pieces.training import new_optimizer


def main() -> list[dict[str, float]]:
    """Errors of each seed's networks in percent, by name."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    measured = [{**mended(seed), **other_norms(seed)} for seed in SEEDS]
    print("error on the test samples in percent, mean ± standard deviation over the seeds")
    table(measured)
    return measured


def mended(seed: int) -> dict[str, float]:
    """What a pass does to the network of one seed, and what helps."""
    x_train, _, x, y = load_data(seed)
    net = network(NORM, seed)
    fit(net, new_optimizer(net), seed)
    draws, kept = generator(seed, "trials"), copy.deepcopy(net.state_dict())
    for _ in range(DRAWN_BEFORE):  # orders that the page uses for other things
        torch.randperm(len(y), generator=draws)
    shuffled, again = (torch.randperm(len(y), generator=draws) for _ in range(2))
    by_class = y.argsort(stable=True)
    told = {
        "eval mode": error(net, x, y),
        f"training mode, batches of {DEPLOY_BATCH}": error(net, x[again], y[again], DEPLOY_BATCH),
    }
    for size in SORTED_SIZES:
        for name, order in (("shuffled", shuffled), ("sorted", by_class)):
            told[f"after a {name} pass in batches of {size}"] = after_pass(net, x, y, order, size)
            net.load_state_dict(kept)
    told[f"after a sorted pass in batches of {DEPLOY_BATCH}"] = after_pass(net, x, y, by_class, DEPLOY_BATCH)
    recalibrate(net, x_train)
    told["after that, recalibrated"] = error(net, x, y)
    net.load_state_dict(kept)
    net.eval()  # frozen norms; nothing else in these networks knows the mode
    for batch in torch.split(x[by_class], DEPLOY_BATCH):
        net(batch)
    told["after a pass with frozen norms"] = error(net, x, y)
    return told


def after_pass(net: nn.Module, x: Tensor, y: Tensor, order: Tensor, size: int) -> float:
    """Error in eval mode after a pass in training mode."""
    logits_of(net, x[order], size, MOMENTUM)
    return error(net, x, y)


def other_norms(seed: int) -> dict[str, float]:
    """Errors in training mode of networks whose norm looks at each sample alone."""
    _, _, x, y = load_data(seed)
    told = {}
    for norm in OTHERS:
        net, draws = network(norm, seed), generator(seed, "trials")
        fit(net, new_optimizer(net), seed)
        for size in ALL_SIZES:
            order = torch.randperm(len(y), generator=draws)
            told[f"{norm} norm, training mode, batches of {size}"] = error(net, x[order], y[order], size)
    return told
