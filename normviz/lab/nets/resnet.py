"""The ResNet: a stem of ConvBlocks, then basic blocks with skip connections, in three stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from normviz.catalog.networks import residual
from normviz.lab.nets.cnn import CNN
from normviz.lab.nets.layers import Dropout, Tape


class ResNet(CNN):
    """Basic blocks: convolution, norm, activation, convolution, norm, + skip, activation.

    The skip connection is the identity; where a stage halves the picture and doubles the channels, it takes
    every second pixel and fills the new channels with zeros, so it has no parameters.

    Shapes: x [E, N, C, H, W] -> logits [E, N, classes].
    Source: He et al. 2016, "Deep residual learning for image recognition", fig. 2 and section 4.2 (option A).
    """

    network = "resnet"

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
        super().__init__(members, shape, classes, depth, width, norm, activation, placement, options)
        self._stem = residual(depth)[0]

    def forward(self, x: Tensor, tape: Tape | None = None, dropout: Dropout | None = None) -> Tensor:
        """Logits of every member, [E, N, classes]."""
        for block in self.blocks[: self._stem]:
            x = block(x, tape, dropout)
        residual_layers = self.blocks[self._stem :]
        for first, second in zip(residual_layers[::2], residual_layers[1::2], strict=True):
            inner = first(x, tape, dropout)
            x = second(inner, tape, dropout, shortcut(x, inner))
        logits: Tensor = self.head(self.pool(x))
        return logits[..., : self.classes]


def shortcut(x: Tensor, like: Tensor) -> Tensor:
    """x in the shape of what a basic block makes of it: itself, or thinned out with channels of zeros."""
    channels = like.shape[2] - x.shape[2]
    if like.shape[3:] != x.shape[3:]:
        x = x[..., ::2, ::2]
    return F.pad(x, (0, 0, 0, 0, 0, channels)) if channels else x
