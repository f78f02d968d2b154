"""The layers: gated recurrent units

Two gates decide how much of the last state stays; norms for the gates and for the new state, inside the
recurrence.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.norms import normalization
from normviz.export.pieces.sequence_norms import at_step
from normviz.export.pieces.settings import ACTIVATION, WIDTH


class Layer(nn.Module):
    """r, u = σ(norm(W·[x, h]));  n = φ(norm(V·x + r ⊙ U·h));  h = n + u ⊙ (h - n)."""

    def __init__(self, norm: str, reads: int, draws: torch.Generator) -> None:
        super().__init__()
        self.gates = drawn(nn.Linear(reads + WIDTH, 2 * WIDTH), draws)
        self.input = drawn(nn.Linear(reads, WIDTH), draws)
        self.state = drawn(nn.Linear(WIDTH, WIDTH), draws)
        self.gates_norm, self.norm = normalization(norm, (2 * WIDTH,)), normalization(norm, (WIDTH,))
        self.activation = ACTIVATION()

    def forward(self, x: Tensor, state: Tensor, exists: Tensor, step: int) -> Tensor:
        gates = at_step(self.gates_norm, self.gates(torch.cat((x, state), 1)), exists, step)
        reset, update = gates.sigmoid().chunk(2, 1)
        new: Tensor = self.input(x) + reset * self.state(state)
        new = self.activation(at_step(self.norm, new, exists, step))
        return new + update * (state - new)
