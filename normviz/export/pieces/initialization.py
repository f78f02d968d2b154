"""Initial weights

He initialization times a gain, drawn layer by layer from input to output; biases are zero.
"""

from __future__ import annotations

import torch
from torch import nn

from normviz.export.pieces.draws import he_normal
from normviz.export.pieces.settings import DTYPE, GAIN


@torch.no_grad()
def drawn(layer: nn.Linear | nn.Conv2d, draws: torch.Generator, gain: float = GAIN) -> nn.Module:
    """The layer with its initial weights."""
    out, fan_in = len(layer.weight), layer.weight[0].numel()
    layer.weight.copy_(he_normal(out, fan_in, gain, draws).view_as(layer.weight))
    if layer.bias is not None:
        layer.bias.zero_()
    return layer.to(DTYPE)
