"""What moves a sequence

The first half of one sequence, normalized, when something else changes: its own second half, another sample,
or the padding behind all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.draws import generator
from normviz.export.pieces.settings import SEEDS

CHANGES = ("future", "sample", "padding")


def main() -> dict[tuple[str, str], list[float]]:
    """For each norm and change the greatest change of the first half, seed by seed."""
    told = {}
    for norm, normalize in NORMALIZED.items():
        for change in CHANGES:
            told[norm, change] = [moved(normalize, change, seed) for seed in SEEDS]
            print(f"{norm} norm, changed {change}: {mean(told[norm, change]):.4g}")
    return told


@torch.no_grad()
def moved(normalize: Callable[[Tensor], Tensor], change: str, seed: int) -> float:
    """Greatest change of what the first sequence's first half becomes."""
    draws = generator(seed, "trials")
    x = torch.randn(8, 16, 16, generator=draws)  # samples, steps, channels
    other = x.clone()
    if change == "future":
        other[0, 8:] = torch.randn(8, 16, generator=draws)
    elif change == "sample":
        other[1] = torch.randn(16, 16, generator=draws)
    else:
        other = F.pad(x, (0, 0, 0, 16))
    return (normalize(other)[0, :8] - normalize(x)[0, :8]).abs().max().item()


def batch(x: Tensor) -> Tensor:
    """Batch norm in training mode, over samples and steps."""
    y: Tensor = nn.BatchNorm1d(16)(x.mT).mT
    return y


def masked_batch(x: Tensor) -> Tensor:
    """The same by the statistics of the 16 real steps; what lies behind them is padding."""
    real = x[:, :16].flatten(0, 1)
    return (x - real.mean(0)) / (real.var(0, correction=0) + 1e-5).sqrt()


def evaluated_batch(x: Tensor) -> Tensor:
    """Batch norm after eval(), its running statistics those of other sequences."""
    norm = nn.BatchNorm1d(16)
    norm(1 + 2 * torch.randn(8, 16, 16, generator=generator(0, "trials")))
    y: Tensor = norm.eval()(x.mT).mT
    return y


def layer(x: Tensor) -> Tensor:
    """Layer norm of each step."""
    y: Tensor = nn.LayerNorm(16)(x)
    return y


NORMALIZED = {
    "batch": batch, "masked batch": masked_batch, "evaluated batch": evaluated_batch, "layer": layer,
}  # fmt: skip
