"""The experiment

Each network is trained and then predicted in training mode: in batches of several sizes, sorted by class, in
several random batches, and after a pass that has moved its running statistics.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import changing, error, logits_of, recalibrate
from normviz.export.pieces.settings import (
    BATCH_SIZE,
    COMPANIES,
    CURVE_STEPS,
    DEPLOY_BATCH,
    DRAWS,
    MOMENTUM,
    NORM,
    SEEDS,
    SMALLER_BATCHES,
    SORTED_SIZES,
    STEPS,
    VALIDATION_BATCH,
)
from normviz.export.pieces.training import batches, new_optimizer


def main() -> list[dict[str, float]]:
    """Errors of each seed's network in percent, by name; printed as mean and standard deviation."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    measured = [experiment(seed) for seed in SEEDS]
    print("\nerror on the test samples, mean ± standard deviation over the seeds, in percent")
    for name in measured[0]:
        values = torch.tensor([one[name] for one in measured if not math.isnan(one[name])]).double()
        print(f"  {name:50} {values.mean():6.2f} ± {values.std(correction=min(1, len(values) - 1)):.2f}")
    return measured


def experiment(seed: int) -> dict[str, float]:
    """Everything that is measured of the network of one seed."""
    _, _, x, y = load_data(seed)
    draws = generator(seed, "trials")
    told: dict[str, float] = {}

    def shuffled() -> Tensor:
        return torch.randperm(len(y), generator=draws)

    shuffled()  # of the batch whose statistics the page compares with the running ones
    net = trained(NORM, seed)
    told["eval mode"] = error(net, x, y)
    for size in (VALIDATION_BATCH, *SMALLER_BATCHES):
        order = torch.arange(len(y)) if size == 1 else shuffled()
        try:
            told[f"training mode, batches of {size}"] = error(net, x[order], y[order], size)
        except ValueError as refusal:
            print(f"  a batch of {size} in training mode: {refusal}")
            continue
        if size == 1:
            shuffled()  # the page predicts single samples in a random order too
    by_class = y.argsort(stable=True)
    for size in SORTED_SIZES:
        name = f"training mode, sorted by class, batches of {size}"
        told[name] = error(net, x[by_class], y[by_class], size)
    orders = [shuffled() for _ in range(DRAWS)]
    told[f"labels that change, batches of {DEPLOY_BATCH}"] = changing(net, x, orders)
    for _ in range(COMPANIES):
        shuffled()  # the page shows one sample among so many sets of batch-mates
    told |= after_passes(net, seed, shuffled())
    return told


def trained(norm: str, seed: int) -> nn.Module:
    """A network after the training; prints the loss and the error in both modes on the way."""
    x, y, x_test, y_test = load_data(seed)
    net = network(norm, seed)
    optimizer = new_optimizer(net)
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    print(f"\n{norm}, seed {seed}")
    for step in range(1, STEPS + 1):
        batch = next(order)
        loss = F.cross_entropy(net(x[batch]), y[batch])
        if not loss.isfinite():
            print(f"  diverged at step {step}")
            break
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step in CURVE_STEPS:
            evaluated = error(net, x_test, y_test)
            left_on = error(net, x_test, y_test, VALIDATION_BATCH)
            print(
                f"  step {step:4}  loss {loss.item():.6f}  error in eval mode {evaluated:5.2f}%  "
                f"in training mode {left_on:5.2f}%"
            )
    return net


def after_passes(net: nn.Module, seed: int, order: Tensor) -> dict[str, float]:
    """Errors in eval mode after one pass over the test samples in training mode, and after the repair."""
    x_train, _, x, y = load_data(seed)
    told: dict[str, float] = {}
    kept = copy.deepcopy(net.state_dict())
    by_class = y.argsort(stable=True)
    for size in SORTED_SIZES:
        for name, way in (("shuffled", order), ("sorted", by_class)):
            logits_of(net, x[way], size, MOMENTUM)
            told[f"eval mode after a {name} pass in batches of {size}"] = error(net, x, y)
            net.load_state_dict(kept)
    logits_of(net, x[by_class], DEPLOY_BATCH, MOMENTUM)
    recalibrate(net, x_train)
    told["eval mode after the statistics were recalibrated"] = error(net, x, y)
    return told
