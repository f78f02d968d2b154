"""Points of the plane: two moons, circles, spiral, XOR.

For each seed 1500 fresh points from ``generator(seed, "split")``: the first 1000 train, the rest tests.  The
draws, in this order: ``torch.randint(classes, (n,))`` (for XOR: of the 4 corners), ``torch.rand(n)`` (the
place along the curve; not for XOR), ``torch.randn(n, 2)`` (the noise).  All coordinates lie within about ±2.
"""

from __future__ import annotations

import math

import torch

from normviz.catalog.datasets import DATASETS
from normviz.lab.data.splits import Split
from normviz.lab.randoms import generator


def moons(seed: int) -> Split:
    """Two interlocking half circles of radius 1, noise 0.1."""
    y, t, noise = _draws("moons", 2, seed)
    angle = math.pi * t
    upper = torch.stack((angle.cos() - 0.5, angle.sin() - 0.25), 1)
    lower = torch.stack((0.5 - angle.cos(), 0.25 - angle.sin()), 1)
    return _split("moons", torch.where(y[:, None] == 0, upper, lower) + 0.1 * noise, y)


def circles(seed: int) -> Split:
    """Two rings around one centre, of radius 0.7 and 1.4, noise 0.1."""
    y, t, noise = _draws("circles", 2, seed)
    angle, radius = 2 * math.pi * t, 0.7 * (1 + y)
    return _split("circles", radius[:, None] * torch.stack((angle.cos(), angle.sin()), 1) + 0.1 * noise, y)


def spiral(seed: int) -> Split:
    """Three arms of a turn each, a third of a turn apart, noise 0.06."""
    y, t, noise = _draws("spiral", 3, seed)
    angle = 2 * math.pi * (t + y / 3)
    radius = 0.15 + 1.55 * t
    return _split("spiral", radius[:, None] * torch.stack((angle.cos(), angle.sin()), 1) + 0.06 * noise, y)


def xor(seed: int) -> Split:
    """Four clouds of standard deviation 0.35 at (±1, ±1); the class is whether the signs differ."""
    source = generator(seed, "split")
    corner = torch.randint(4, (DATASETS["xor"].size,), generator=source)
    noise = torch.randn(len(corner), 2, generator=source)
    right, up = corner % 2, corner // 2
    x = torch.stack((2.0 * right - 1.0, 2.0 * up - 1.0), 1) + 0.35 * noise
    return _split("xor", x, (right != up).long())


def _draws(name: str, classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    source, n = generator(seed, "split"), DATASETS[name].size
    return (
        torch.randint(classes, (n,), generator=source),
        torch.rand(n, generator=source),
        torch.randn(n, 2, generator=source),
    )


def _split(name: str, x: torch.Tensor, y: torch.Tensor) -> Split:
    n = DATASETS[name].n_train
    return Split(x[:n], y[:n], x[n:], y[n:])
