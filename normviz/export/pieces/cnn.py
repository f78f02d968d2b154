"""The network: a CNN

ConvBlocks (3×3 convolution, norm, activation) with 1, 2, 4, 4 … times the channels; the second and the third
halve the picture.  Then the mean over the picture and a plain linear head.
"""

from __future__ import annotations

from torch import nn

from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.norms import normalization, reparametrize
from normviz.export.pieces.settings import (
    ACTIVATION,
    CLASSES,
    DEPTH,
    DROPOUT,
    DTYPE,
    GAIN,
    PLACEMENT,
    SHAPE,
    WIDTH,
)


def network(norm: str, seed: int, gain: float = GAIN, placement: str = PLACEMENT) -> nn.Sequential:
    """The network of one variant, initialized."""
    draws = generator(seed, "initialization")
    if DROPOUT:
        masks = generator(seed, "dropout")
    layers: list[nn.Module] = []
    channels, side = SHAPE[0], SHAPE[1]
    for block in range(DEPTH):
        out, stride = WIDTH * min(4, 2**block), 2 if block in (1, 2) else 1
        side = -(-side // stride)
        layers.append(drawn(nn.Conv2d(channels, out, 3, stride, padding=1), draws, gain=gain))
        if norm in ("weight_norm", "weight_standardization"):
            reparametrize(norm, layers[-1])
        normalized = normalization(norm, (out, side, side))
        if norm == "frn":
            layers.append(normalized)  # its threshold is the activation
        elif placement == "before":
            layers += [normalized, ACTIVATION()]
        else:
            layers += [ACTIVATION(), normalized]
        if DROPOUT:
            layers.append(Dropout(masks))
        channels = out
    head = drawn(nn.Linear(channels, CLASSES), draws, gain=gain)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).to(DTYPE)
