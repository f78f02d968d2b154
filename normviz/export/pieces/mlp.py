"""The network: an MLP

Hidden layers of equal width, each with its norm and its activation, then a plain linear head.
"""

from __future__ import annotations

import math

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


def network(
    norm: str,
    seed: int,
    gain: float = GAIN,
    placement: str = PLACEMENT,
    dropout: float = DROPOUT,
    depth: int = DEPTH,
    width: int = WIDTH,
) -> nn.Sequential:
    """The network of one variant, initialized."""
    draws = generator(seed, "initialization")
    if dropout:
        masks = generator(seed, "dropout")
    layers: list[nn.Module] = [nn.Flatten()]
    fan_in = math.prod(SHAPE)
    for _ in range(depth):
        layers.append(drawn(nn.Linear(fan_in, width), draws, gain=gain))
        if norm in ("weight_norm", "weight_standardization"):
            reparametrize(norm, layers[-1])
        if placement == "before":
            layers += [normalization(norm, (width,)), ACTIVATION()]
        else:
            layers += [ACTIVATION(), normalization(norm, (width,))]
        if dropout:
            layers.append(Dropout(dropout, masks))
        fan_in = width
    head = drawn(nn.Linear(fan_in, CLASSES), draws, gain=gain)
    return nn.Sequential(*layers, head).to(DTYPE)
