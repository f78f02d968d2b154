"""The network: a CNN

ConvBlocks with 1, 2, 4, 4 … times the channels; the second and the third halve the picture.  Then the mean
over the picture and a plain linear head.
"""

from __future__ import annotations

from torch import nn

from normviz.export.pieces.blocks import conv_block
from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.settings import CLASSES, DEPTH, DROPOUT, DTYPE, GAIN, PLACEMENT, SHAPE, WIDTH


def network(
    norm: str, seed: int, gain: float = GAIN, placement: str = PLACEMENT, dropout: float = DROPOUT
) -> nn.Sequential:
    """The network of one variant, initialized."""
    draws = generator(seed, "initialization")
    if dropout:
        masks = generator(seed, "dropout")
    layers: list[nn.Module] = []
    channels, side = SHAPE[0], SHAPE[1]
    for block in range(DEPTH):
        out, stride = WIDTH * min(4, 2**block), 2 if block in (1, 2) else 1
        side = -(-side // stride)
        layers += conv_block(norm, channels, out, stride, side, draws, gain=gain, placement=placement)
        if dropout:
            layers.append(Dropout(dropout, masks))
        channels = out
    head = drawn(nn.Linear(channels, CLASSES), draws, gain=gain)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).to(DTYPE)
