"""The layers: Elman's

The norm stands inside the recurrence.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.norms import normalization, reparametrize
from normviz.export.pieces.sequence_norms import at_step
from normviz.export.pieces.settings import ACTIVATION, PLACEMENT, WIDTH


class Layer(nn.Module):
    """h = φ(norm(W·[x, h] + b))."""

    def __init__(self, norm: str, reads: int, draws: torch.Generator) -> None:
        super().__init__()
        self.linear = drawn(nn.Linear(reads + WIDTH, WIDTH), draws)
        if norm in ("weight_norm", "weight_standardization"):
            reparametrize(norm, self.linear)
        self.norm, self.activation = normalization(norm, (WIDTH,)), ACTIVATION()

    def forward(self, x: Tensor, state: Tensor, exists: Tensor, step: int) -> Tensor:
        new: Tensor = self.linear(torch.cat((x, state), 1))
        if PLACEMENT == "before":
            new = self.activation(at_step(self.norm, new, exists, step))
        else:
            new = at_step(self.norm, self.activation(new), exists, step)
        return new
