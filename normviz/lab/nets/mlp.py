"""The MLP: hidden layers of equal width, each an MLPBlock (linear, norm, activation), and a linear head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from normviz.catalog.networks import NETWORKS, padded
from normviz.lab import norms
from normviz.lab.nets.layers import Block, Dropout, Linear, Net, Tape


class MLP(Net):
    """``depth`` hidden layers of ``width`` units.

    Shapes: x [E, N, *sample] (flattened) -> logits [E, N, classes].
    """

    def __init__(
        self,
        members: int,
        shape: tuple[int, ...],
        classes: int,
        depth: int,
        width: int,
        norm: str,
        activation: str,
        placement: str,
        options: Mapping[str, Any],
    ) -> None:
        blocks = [
            Block(
                Linear(members, layer.fan_in, layer.channels),
                norms.build(norm, members, layer.channels, **options),
                activation,
                placement,
            )
            for layer in NETWORKS["mlp"].hidden(shape, depth, width)
        ]
        super().__init__(blocks, Linear(members, width, padded(classes)), classes)

    def forward(self, x: Tensor, tape: Tape | None = None, dropout: Dropout | None = None) -> Tensor:
        """Logits of every member, [E, N, classes]."""
        return super().forward(x.flatten(2), tape, dropout)
