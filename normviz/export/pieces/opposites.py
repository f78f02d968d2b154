"""The opposite mistakes

Networks whose norm stays in eval mode while they train; a trained network on pictures of another domain;
and one that is trained on in small batches, of all classes or of one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import error, recalibrate
from normviz.export.pieces.settings import (
    BATCH_SIZE,
    BRIGHTNESS,
    CONTRAST,
    DEPLOY_BATCH,
    LR,
    NORM,
    OPPOSITE_STEPS,
    OTHERS,
    RENORM,
    SEEDS,
    SLOWER,
    STEPS,
    TIMES_LR,
    TUNING_STEPS,
    VALIDATION_BATCH,
)
from normviz.export.pieces.tabled import table
from normviz.export.pieces.training import batches, new_optimizer, set_limits


def main() -> list[dict[str, float]]:
    """Errors of each seed's networks in percent, by name."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    measured = []
    for seed in SEEDS:
        net = network(NORM, seed)
        optimizer = new_optimizer(net)
        fit(net, optimizer, seed)
        measured.append(trained_in_eval(seed) | another_domain(net, seed) | fine_tuned(net, optimizer, seed))
    print("error on the test samples in percent, in eval mode unless said otherwise")
    table(measured)
    return measured


def fit(net: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    """Train a network, for as long as its loss is finite."""
    x, y = load_data(seed)[:2]
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    for step in range(1, STEPS + 1):
        if RENORM:
            set_limits(net, step - 1)
        batch = next(order)
        if not update(net, optimizer, x[batch], y[batch], frozen=False):
            print(f"seed {seed} diverged at step {step}")
            break
    if RENORM:
        set_limits(net, STEPS)


def trained_in_eval(seed: int) -> dict[str, float]:
    """Training with the norm in either mode: in eval mode it normalizes by what it was created with."""
    x, y, x_test, y_test = load_data(seed)
    told = {}
    for mode in ("train", "eval"):
        for times in TIMES_LR:
            net = network(NORM, seed)
            optimizer = new_optimizer(net, lr=times * LR)
            order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
            diverged = False
            for step in range(1, OPPOSITE_STEPS[-1] + 1):
                if RENORM:
                    set_limits(net, step - 1)
                batch = next(order)
                diverged = diverged or not update(net, optimizer, x[batch], y[batch], mode == "eval")
                if step in OPPOSITE_STEPS:
                    wrong = math.nan if diverged else error(net, x_test, y_test)
                    told[f"norm in {mode} mode, lr {times * LR:g}, step {step}"] = wrong
    return told


def update(net: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, frozen: bool) -> bool:
    """One training step, with the norms in eval mode if ``frozen``; whether the loss was finite."""
    net.train(not frozen)
    loss = F.cross_entropy(net(x), y)
    if not loss.isfinite():
        return False
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return True


def other_domain(x: Tensor) -> Tensor:
    """The same pictures as another device would see them."""
    return CONTRAST * x + BRIGHTNESS


def another_domain(net: nn.Module, seed: int) -> dict[str, float]:
    """Pictures of another domain, before and after the statistics are averaged over these."""
    x_train, _, x, y = load_data(seed)
    told = {"its own domain": error(net, x, y), "another domain": error(net, other_domain(x), y)}
    told["another domain, training mode"] = error(net, other_domain(x), y, VALIDATION_BATCH)
    moved = copy.deepcopy(net)
    recalibrate(moved, other_domain(x_train))
    told["another domain, recalibrated"] = error(moved, other_domain(x), y)
    told["its own domain again"] = error(moved, x, y)
    for norm in OTHERS:
        other = network(norm, seed)
        fit(other, new_optimizer(other), seed)
        told[f"another domain, {norm} norm"] = error(other, other_domain(x), y)
    return told


def fine_tuned(net: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> dict[str, float]:
    """A trained network, trained on with what it knows already."""
    x, y, x_test, y_test = load_data(seed)
    told = {}
    for order in ("shuffled", "sorted"):
        for state in ("train", "frozen"):
            tuned, slower = copy.deepcopy((net, optimizer))
            slower.param_groups[0]["lr"] = SLOWER * LR
            draws = generator(seed, "trials")
            given = batches(len(y), DEPLOY_BATCH, draws) if order == "shuffled" else sorted_batches(y, draws)
            for step in range(TUNING_STEPS[-1] + 1):
                if step in TUNING_STEPS:
                    told[f"{order} fine-tuning, {state}, step {step}"] = error(tuned, x_test, y_test)
                batch = next(given)
                update(tuned, slower, x[batch], y[batch], state == "frozen")
    return told


def sorted_batches(y: Tensor, draws: torch.Generator) -> Iterator[Tensor]:
    """Indices of one batch after the other, each of one class where possible, in a random order."""
    while True:
        order = torch.randperm(len(y), generator=draws)
        order = order[y[order].argsort(stable=True)]
        parts = torch.split(order, DEPLOY_BATCH)[: len(y) // DEPLOY_BATCH]
        yield from (parts[turn] for turn in torch.randperm(len(parts), generator=draws))
