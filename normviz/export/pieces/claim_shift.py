"""Shift and gradients

First the gradients of fresh networks, layer by layer; then a race in which batch norm gets a random shift and
scale put back behind it in every step.
"""

from __future__ import annotations

import math
from statistics import mean, median

import torch
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


def main() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Growth of the squared gradient per layer, and steps to the target; by variant, seed by seed."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    growths = {}
    for norm in ("none", "batch"):
        growths[norm] = [growth(look(norm, seed)["grad_activation"]) for seed in SEEDS]
        print(f"{norm}: the squared gradient grows {mean(growths[norm]):.3f} times a layer")
    steps = {}
    for variant in RACE:
        steps[variant] = [steps_to(TARGET, hits(variant, seed)) for seed in SEEDS]
        print(f"{variant}: {median(steps[variant]):g} steps until {TARGET:.0%} of the batches are right")
    return growths, steps


def growth(lengths: list[float]) -> float:
    """Growth towards the input, by a straight line through the logarithm."""
    logs = torch.tensor(lengths, dtype=torch.float64).log()
    places = torch.arange(len(logs), dtype=torch.float64)
    places = places - places.mean()
    slope = (places * logs).sum() / places.square().sum()
    return math.exp(-2 * slope.item())


def hits(variant: str, seed: int) -> list[float]:
    """Share of each training batch that is right."""
    x, y, _, _ = load_data(seed)
    net = network("none" if variant == "none" else "batch", seed, depth=RACE_DEPTH, width=RACE_WIDTH)
    if variant == "noisy_batch":
        noise = [generator(seed, "noise")]
        for place, module in enumerate(net):
            if isinstance(module, BatchNorm):
                net[place] = Noise(module, noise)
    optimizer = new_optimizer(net)
    order = batches(len(y), RACE_BATCH, generator(seed, "batches"))
    told: list[float] = []
    for _ in range(STEPS):
        batch = next(order)
        logits = net(x[batch])
        loss = F.cross_entropy(logits, y[batch])
        told.append((logits.argmax(1) == y[batch]).double().mean().item())
        if loss.isfinite():
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return told


def steps_to(target: float, shares: list[float]) -> float:
    """The first step at which the mean of the last batches has reached a target; all if it never did."""
    for step in range(SMOOTHED, len(shares)):
        if mean(shares[step - SMOOTHED : step]) >= target - 1e-9:
            return float(step)
    return float(len(shares))
