"""Parts of a batch

Batch norm and batch renormalization may take their statistics over parts of the batch; the update still sees
all of it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from normviz.export.pieces.norms import BatchRenorm
from normviz.export.pieces.settings import MOMENTUM, MOVED_ONCE, BatchNorm


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
        if MOVED_ONCE:
            inner: Any = norm.norm if isinstance(norm, BatchRenorm) else norm
            inner.momentum = 0.0  # the running statistics move below
            self.running_mean, self.running_var = inner.running_mean, inner.running_var

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, self.size) if self.training else (x,)
        if isinstance(self.norm, BatchRenorm):
            before = self.norm.running()  # all parts are corrected towards the same statistics
            y = torch.cat([self.norm.corrected(part, *before) for part in parts])
        else:
            y = torch.cat([self.norm(part) for part in parts])
        if MOVED_ONCE and self.training:
            self.move(parts)
        return y

    @torch.no_grad()
    def move(self, parts: tuple[Tensor, ...]) -> None:
        """Move the running statistics once for the whole batch, by the mean of those of its parts."""
        over = (0, *range(2, parts[0].dim()))  # all but the channels
        mean = torch.stack([part.mean(over) for part in parts]).mean(0)
        var = torch.stack([part.var(over) for part in parts]).mean(0)
        self.running_mean.data.lerp_(mean, MOMENTUM)
        self.running_var.data.lerp_(var, MOMENTUM)
