"""Shift and gradients

First the gradients of fresh networks, layer by layer; then a race in which batch norm gets a random shift and
scale put back behind it in every step.
"""

from __future__ import annotations

import math
from statistics import mean, median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.noisy_bn import RACE, Noise
from normviz.export.pieces.settings import (
    RACE_BATCH,
    RACE_DEPTH,
    RACE_WIDTH,
    SEEDS,
    SMOOTHED,
    STEPS,
    TARGET,
    BatchNorm,
)
from normviz.export.pieces.signal import look
from normviz.export.pieces.training import batches, new_optimizer

Told = dict[str, list[float]]
"""Numbers by variant, seed by seed."""


def main() -> tuple[Told, Told, Told]:
    """Growth of the squared gradient per layer, steps to the target, and how far the units move in a step."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    growths = {}
    for norm in ("none", "batch"):
        growths[norm] = [growth(look(norm, seed)["grad_activation"]) for seed in SEEDS]
        print(f"{norm}: the squared gradient grows {mean(growths[norm]):.3f} times a layer")
    steps: Told = {}
    shifts: Told = {}
    for variant in RACE:
        races = [race(variant, seed) for seed in SEEDS]
        steps[variant] = [steps_to(TARGET, hits) for hits, _ in races]
        compared = [int(step) for step in steps[RACE[0]]]  # until the network without a norm is there
        shifts[variant] = [
            mean(moves[: until - 1]) for (_, moves), until in zip(races, compared, strict=True)
        ]
        print(f"{variant}: {median(steps[variant]):g} steps until {TARGET:.0%} of the batches are right")
        print(f"  the units' means move {mean(shifts[variant]):.3f} standard deviations a step")
    return growths, steps, shifts


def growth(lengths: list[float]) -> float:
    """Growth towards the input, by a straight line through the logarithm."""
    logs = torch.tensor(lengths, dtype=torch.float64).log()
    places = torch.arange(len(logs), dtype=torch.float64)
    places = places - places.mean()
    slope = (places * logs).sum() / places.square().sum()
    return math.exp(-2 * slope.item())


def race(variant: str, seed: int) -> tuple[list[float], list[float]]:
    """Share of each training batch that is right, and how far the units' means moved to each next one."""
    x, y, _, _ = load_data(seed)
    net = network("none" if variant == "none" else "batch", seed, depth=RACE_DEPTH, width=RACE_WIDTH)
    if variant == "noisy_batch":
        noise = [generator(seed, "noise")]
        for place, module in enumerate(net):
            if isinstance(module, BatchNorm):
                net[place] = Noise(module, noise)
    seen: list[Tensor] = []
    for module in net:
        if isinstance(module, nn.ReLU):  # what enters it has left the norm
            module.register_forward_pre_hook(lambda _, entering: seen.append(entering[0].detach()))
    optimizer = new_optimizer(net)
    order = batches(len(y), RACE_BATCH, generator(seed, "batches"))
    told: list[float] = []
    moves: list[float] = []
    before: list[Tensor] = []
    for _ in range(STEPS):
        batch = next(order)
        logits = net(x[batch])
        if before:
            moves.append(mean(map(moved, before, seen)))
        before, seen[:] = list(seen), []
        loss = F.cross_entropy(logits, y[batch])
        told.append((logits.argmax(1) == y[batch]).double().mean().item())
        if loss.isfinite():
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return told, moves


def moved(before: Tensor, after: Tensor) -> float:
    """How far the means of a layer's units moved between two batches, in standard deviations."""
    way = (after.mean(0) - before.mean(0)).square().sum()
    return (way / before.var(0, correction=0).sum()).sqrt().item()


def steps_to(target: float, shares: list[float]) -> float:
    """The first step at which the mean of the last batches has reached a target; all if it never did."""
    for step in range(SMOOTHED, len(shares)):
        if mean(shares[step - SMOOTHED : step]) >= target - 1e-9:
            return float(step)
    return float(len(shares))
