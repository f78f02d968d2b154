"""What moves a sequence

The first half of one sequence, normalized, when something else changes: its own second half, another sample,
or the padding behind all of them.
"""

from __future__ import annotations

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
    for norm in ("batch", "layer"):
        for change in CHANGES:
            told[norm, change] = [moved(norm, change, seed) for seed in SEEDS]
            print(f"{norm} norm, changed {change}: {mean(told[norm, change]):.4g}")
    return told


@torch.no_grad()
def moved(norm: str, change: str, seed: int) -> float:
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
    return (normalized(norm, other)[0, :8] - normalized(norm, x)[0, :8]).abs().max().item()


def normalized(norm: str, x: Tensor) -> Tensor:
    """Batch norm in training mode over samples and steps, or layer norm of each step."""
    y: Tensor = nn.BatchNorm1d(16)(x.mT).mT if norm == "batch" else nn.LayerNorm(16)(x)
    return y
