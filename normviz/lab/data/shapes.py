"""Shapes: procedural colour pictures of 32×32 pixels, one figure on a background.

For each seed fresh pictures from ``generator(seed, "split")``: the first train, the rest tests.  The draws,
in this order: ``torch.randint(6, (n,))`` (the class), ``torch.rand(n, 12)`` (the columns of `_COLUMNS`) and
``torch.randn(n, 3, 32, 32)`` (the noise).  Place, size, rotation and colours do not depend on the class.
Values are standardized by one scalar mean and one scalar standard deviation, those of the training pictures.

Legend: n pictures, H rows, W columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from normviz.catalog.datasets import DATASETS
from normviz.lab.data.splits import Split
from normviz.lab.randoms import generator

SIDE = 32
NOISE = 0.08
"""Standard deviation of the noise; colours go from 0 to 1."""

TURN = math.pi / 6
"""Most by which a figure is turned either way."""

_COLUMNS = (
    "x", "y", "size", "angle", "ground_red", "ground_green", "ground_blue", "red", "green", "blue", "slope",
    "lit",
)  # fmt: skip
"""What each column of the uniform draws decides: centre, radius, rotation, colour of the background (dark)
and of the figure (bright), and strength and direction of the light that falls on the background."""


def shapes(seed: int) -> Split:
    """Pictures of six figures, drawn afresh for each seed."""
    fact, source = DATASETS["shapes"], generator(seed, "split")
    y = torch.randint(len(FIGURES), (fact.size,), generator=source)
    u = torch.rand(fact.size, len(_COLUMNS), generator=source)
    x = pictures(y, u).add_(torch.randn(fact.size, 3, SIDE, SIDE, generator=source), alpha=NOISE)
    train = x[: fact.n_train].double()
    x = x.sub_(train.mean().item()).div_(train.std(correction=0).item())
    return Split(x[: fact.n_train], y[: fact.n_train], x[fact.n_train :], y[fact.n_train :])


def pictures(y: Tensor, u: Tensor) -> Tensor:
    """The pictures without noise, [n, 3, H, W]; u [n, 12] in [0, 1)."""
    at = {name: u[:, i, None, None] for i, name in enumerate(_COLUMNS)}
    places = torch.arange(SIDE) + 0.5
    radius = 9.0 + 4.0 * at["size"]
    right = places[None, None, :] - SIDE / 2 - 6.0 * (at["x"] - 0.5)
    down = places[None, :, None] - SIDE / 2 - 6.0 * (at["y"] - 0.5)
    turn = TURN * (2 * at["angle"] - 1)
    along = (right * turn.cos() + down * turn.sin()) / radius
    across = (down * turn.cos() - right * turn.sin()) / radius
    inside = torch.empty(len(y), SIDE, SIDE)
    for label, figure in enumerate(FIGURES.values()):
        chosen = y == label
        inside[chosen] = figure(along[chosen], across[chosen])
    # An edge is as soft as a pixel is wide.
    cover = (inside * radius + 0.5).clamp_(0, 1).unsqueeze(1)
    ground = 0.5 * u[:, 4:7, None, None]
    figure_colour = 0.5 + 0.5 * u[:, 7:10, None, None]
    direction = 2 * math.pi * at["lit"]
    across_picture = (places[None, None, :] - SIDE / 2) * direction.cos()
    light = (across_picture + (places[None, :, None] - SIDE / 2) * direction.sin()) / SIDE * at["slope"]
    return torch.lerp(ground + light.unsqueeze(1), figure_colour.expand(-1, -1, SIDE, SIDE), cover)


# --- the figures: how far inside a point lies, in units of the radius; negative outside ------------------


def _circle(x: Tensor, y: Tensor) -> Tensor:
    return 0.85 - torch.hypot(x, y)


def _ring(x: Tensor, y: Tensor) -> Tensor:
    return 0.2 - (torch.hypot(x, y) - 0.75).abs()


def _square(x: Tensor, y: Tensor) -> Tensor:
    return 0.75 - torch.maximum(x.abs(), y.abs())


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    slanted = 0.5 * x + math.sqrt(0.75) * y.abs()
    return 0.5 - torch.maximum(slanted, -x)


def _cross(x: Tensor, y: Tensor) -> Tensor:
    longer, shorter = torch.maximum(x.abs(), y.abs()), torch.minimum(x.abs(), y.abs())
    return torch.minimum(0.95 - longer, 0.28 - shorter)


def _star(x: Tensor, y: Tensor) -> Tensor:
    # Folded into half of one of five points: the edge leads from the tip (1, 0) to the notch at 36 degrees.
    fifth = 2 * math.pi / 5
    angle = ((torch.atan2(y, x) + fifth / 2) % fifth - fifth / 2).abs()
    radius = torch.hypot(x, y)
    notch = (0.45 * math.cos(fifth / 2), 0.45 * math.sin(fifth / 2))
    edge = (notch[0] - 1.0, notch[1])
    outside = (radius * angle.cos() - 1.0) * edge[1] - radius * angle.sin() * edge[0]
    return -outside / math.hypot(*edge)


FIGURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "circle": _circle,
    "ring": _ring,
    "square": _square,
    "triangle": _triangle,
    "cross": _cross,
    "star": _star,
}
"""The classes in their order: coordinates in units of the radius -> how far inside."""
