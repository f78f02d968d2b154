"""Parts of a batch

Batch norm and batch renormalization may take their statistics over parts of the batch; the update still sees
all of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.norms import BatchRenorm
from normviz.export.pieces.settings import BatchNorm


def take_parts(net: nn.Sequential, size: int) -> None:
    """Let batch norm and batch renormalization take their statistics over parts of the batch."""
    for place, module in enumerate(net):
        if isinstance(module, BatchNorm | BatchRenorm):
            net[place] = InParts(module, size)


class InParts(nn.Module):
    """A norm that sees consecutive parts of the batch while training."""

    def __init__(self, norm: nn.Module, size: int) -> None:
        super().__init__()
        self.norm, self.size = norm, size

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, self.size) if self.training else (x,)
        if isinstance(self.norm, BatchRenorm):
            before = self.norm.running()  # all parts are corrected towards the same statistics
            return torch.cat([self.norm.corrected(part, *before) for part in parts])
        return torch.cat([self.norm(part) for part in parts])
