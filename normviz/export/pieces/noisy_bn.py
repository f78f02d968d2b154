"""Noise behind batch norm

In every step each channel gets a new mean and a new factor, and each value its own ones near those.
Santurkar et al. 2018, arXiv:1805.11604, section 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.modes import logits_of
from normviz.export.pieces.settings import (
    BATCH_SIZE,
    EVALUATED_STEPS,
    SAMPLES,
    SEEDS,
    SHIFT,
    SPREAD,
    STEPS,
    STRETCH,
    TARGET,
    BatchNorm,
)
from normviz.export.pieces.training import batches, new_optimizer

RACE = ("none", "batch", "noisy_batch")


class Noise(nn.Module):
    """Disturbs what leaves a norm while training."""

    def __init__(self, norm: nn.Module, draws: list[torch.Generator]) -> None:
        super().__init__()
        self.norm, self.draws = norm, draws

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(x)
        if not self.training:
            return y
        draws = self.draws[-1]
        mu, sigma = torch.rand(2, 1, y.shape[1], generator=draws)
        mean, factor = SHIFT * (2 * mu - 1), 1 + (STRETCH - 1) * sigma
        m = mean + SPREAD * (2 * torch.rand(y.shape, generator=draws) - 1)
        s = factor + SPREAD * torch.randn(y.shape, generator=draws)
        return torch.addcmul(m.to(y), y, s.to(y))


def main() -> dict[tuple[str, int], list[tuple[int, float, float]]]:
    """Race the variants from every seed; the records of each: step, loss, accuracy on training samples."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    runs = {(variant, seed): racing(variant, seed) for variant in RACE for seed in SEEDS}
    records: dict[tuple[str, int], list[tuple[int, float, float]]] = {run: [] for run in runs}
    print("medians over the seeds: loss of the next batch, accuracy on training samples in training mode")
    print("step " + "".join(f"{variant:>22}" for variant in RACE))
    for row in zip(*runs.values(), strict=True):
        for run, record in zip(runs, row, strict=True):
            records[run].append(record)
        latest = [[records[variant, seed][-1] for seed in SEEDS] for variant in RACE]
        medians = [(median(one[1] for one in own), median(one[2] for one in own)) for own in latest]
        print(f"{row[0][0]:4} " + "".join(f"{loss:12.6f} {accuracy:9.1%}" for loss, accuracy in medians))
    for variant in RACE:
        reached = [steps_to(TARGET, records[variant, seed]) for seed in SEEDS]
        print(f"{variant}: steps to {TARGET:.0%}: {', '.join(f'{step:g}' for step in reached)}")
    return records


def racing(variant: str, seed: int) -> Iterator[tuple[int, float, float]]:
    """Train one network; at each evaluated step the loss of the next batch and the accuracy."""
    x, y, _, _ = load_data(seed)
    noise = [generator(seed, "noise")]
    net = network("none" if variant == "none" else "batch", seed)
    if variant == "noisy_batch":
        for place, module in enumerate(net):
            if isinstance(module, BatchNorm):
                net[place] = Noise(module, noise)
    optimizer = new_optimizer(net)
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    for step in range(STEPS + 1):
        if step in EVALUATED_STEPS:
            noise.append(generator(seed, "passes"))  # a look must not move the training's random numbers
            logits = logits_of(net, x[:SAMPLES], BATCH_SIZE)
            accuracy = (logits.argmax(1) == y[: len(logits)]).double().mean().item()
            noise.pop()
        batch = next(order)
        loss = F.cross_entropy(net(x[batch]), y[batch])
        if step in EVALUATED_STEPS:
            yield step, loss.item(), accuracy
        if loss.isfinite():
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def steps_to(target: float, records: list[tuple[int, float, float]]) -> float:
    """The first evaluated step at which the accuracy has reached a target; NaN if it never did."""
    return next((step for step, _, accuracy in records if accuracy >= target), math.nan)
