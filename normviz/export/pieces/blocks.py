"""ConvBlocks

A 3×3 convolution, its norm and its activation.
"""

from __future__ import annotations

import torch
from torch import nn

from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.norms import normalization, reparametrize
from normviz.export.pieces.settings import ACTIVATION, GAIN, PLACEMENT


def conv_block(
    norm: str,
    channels: int,
    out: int,
    stride: int,
    side: int,
    draws: torch.Generator,
    gain: float = GAIN,
    placement: str = PLACEMENT,
) -> list[nn.Module]:
    """The layers of one block; ``side`` is that of the picture that leaves it."""
    layer = drawn(nn.Conv2d(channels, out, 3, stride, padding=1), draws, gain=gain)
    if norm in ("weight_norm", "weight_standardization"):
        reparametrize(norm, layer)
    normalized = normalization(norm, (out, side, side))
    if norm == "frn":
        return [layer, normalized]  # its threshold is the activation
    if placement == "before":
        return [layer, normalized, ACTIVATION()]
    return [layer, ACTIVATION(), normalized]
