"""Dropout

torch's dropout draws from one global generator; this one from a generator of its own, so that the masks are
the same for every norm.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zeroes a share of the activations while training; the others grow in turn."""

    def __init__(self, share: float, masks: torch.Generator) -> None:
        super().__init__()
        self.share, self.masks = share, masks

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * (torch.rand(x.shape, generator=self.masks) >= self.share) / (1.0 - self.share)
