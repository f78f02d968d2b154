"""The CNN: ConvBlocks (3×3 convolution, norm, activation), the mean over the picture, a linear head."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from torch import Tensor

from normviz.catalog.networks import NETWORKS, padded
from normviz.lab import norms
from normviz.lab.nets.layers import Block, Conv, Linear, Net


class CNN(Net):
    """``depth`` ConvBlocks of w, 2w, 4w, 4w … channels; the second and the third halve the picture.

    Shapes: x [E, N, C, H, W] -> logits [E, N, classes].
    """

    network = "cnn"
    """Its name in the catalog."""

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
        layers = NETWORKS[self.network].hidden(shape, depth, width)
        sizes = [shape[1], *(layer.spatial[0] for layer in layers)]
        blocks = [
            Block(
                Conv(members, layer.fan_in // 9, layer.channels, stride=2 if smaller < size else 1),
                norms.build(norm, members, layer.channels, layer.spatial, **options),
                activation,
                placement,
            )
            for layer, (size, smaller) in zip(layers, pairwise(sizes), strict=True)
        ]
        super().__init__(blocks, Linear(members, layers[-1].channels, padded(classes)), classes)

    def pool(self, x: Tensor) -> Tensor:
        """Mean over the picture, [E, N, C]."""
        return x.mean((-2, -1)).contiguous()
