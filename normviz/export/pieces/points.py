"""Data: points of the plane

Drawn afresh for each seed; the first ones train, the others test.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from normviz.export.pieces.draws import generator
from normviz.export.pieces.settings import CLASSES, DATASET, DTYPE, N_TEST, N_TRAIN


def load_data(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training samples with their labels, test samples with their labels."""
    draws, n = generator(seed, "split"), N_TRAIN + N_TEST
    if DATASET == "xor":
        # Four clouds at (±1, ±1); the class is whether the signs differ.
        corner = torch.randint(4, (n,), generator=draws)
        centre = torch.stack((2.0 * (corner % 2) - 1.0, 2.0 * (corner // 2) - 1.0), 1)
        x = centre + 0.35 * torch.randn(n, 2, generator=draws)
        y = (corner % 2 != corner // 2).long()
    else:
        y = torch.randint(CLASSES, (n,), generator=draws)
        t = torch.rand(n, generator=draws)  # the place along the curve
        noise = torch.randn(n, 2, generator=draws)
    if DATASET == "moons":
        angle = math.pi * t
        upper = torch.stack((angle.cos() - 0.5, angle.sin() - 0.25), 1)
        lower = torch.stack((0.5 - angle.cos(), 0.25 - angle.sin()), 1)
        x = torch.where(y[:, None] == 0, upper, lower) + 0.1 * noise
    if DATASET == "circles":
        angle, radius = 2 * math.pi * t, 0.7 * (1 + y)
        x = radius[:, None] * torch.stack((angle.cos(), angle.sin()), 1) + 0.1 * noise
    if DATASET == "spiral":
        angle, radius = 2 * math.pi * (t + y / 3), 0.15 + 1.55 * t
        x = radius[:, None] * torch.stack((angle.cos(), angle.sin()), 1) + 0.06 * noise
    x = x.to(DTYPE)
    return x[:N_TRAIN], y[:N_TRAIN], x[N_TRAIN:], y[N_TRAIN:]
