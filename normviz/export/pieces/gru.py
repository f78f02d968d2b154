"""The network: a GRU

Two gates decide how much of the last state stays; norms for the gates and for the new state, inside the
recurrence.  In the padding the state stays what it was; the last one goes through a plain linear head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.norms import normalization
from normviz.export.pieces.recurrences import normalized
from normviz.export.pieces.settings import (
    ACTIVATION,
    CLASSES,
    DEPTH,
    DROPOUT,
    DTYPE,
    MASKED,
    SHAPE,
    WIDTH,
)


def network(norm: str, seed: int) -> GRU:
    """The network of one variant, initialized."""
    return GRU(norm, seed).to(DTYPE)


class GRU(nn.Module):
    """Gated recurrent layers; x [N, channels, steps], its last channel says which steps exist."""

    def __init__(self, norm: str, seed: int) -> None:
        super().__init__()
        draws = generator(seed, "initialization")
        self.layers = nn.ModuleList()
        reads = SHAPE[0] - 1
        for _ in range(DEPTH):
            layer = nn.ModuleDict()
            layer["gates"] = drawn(nn.Linear(reads + WIDTH, 2 * WIDTH), draws)
            layer["input"] = drawn(nn.Linear(reads, WIDTH), draws)
            layer["state"] = drawn(nn.Linear(WIDTH, WIDTH), draws)
            layer["gates_norm"] = normalization(norm, (2 * WIDTH,))
            layer["norm"] = normalization(norm, (WIDTH,))
            self.layers.append(layer)
            reads = WIDTH
        self.head = drawn(nn.Linear(WIDTH, CLASSES), draws)
        self.activation = ACTIVATION()
        if DROPOUT:
            self.dropout = Dropout(DROPOUT, generator(seed, "dropout"))

    def states(self, x: Tensor) -> Tensor:
        """The last layer's state at every step, [N, steps, WIDTH]."""
        exists = x[:, -1] > 0.5
        inputs = x[:, :-1]
        for layer in self.layers:
            state, states = inputs.new_zeros(len(x), WIDTH), []
            for step in range(inputs.shape[2]):
                here = exists[:, step]
                new = self.new_state(layer, inputs[:, :, step], state, here, step)
                state = torch.where(here[:, None], new, state)
                states.append(state)
            inputs = torch.stack(states, 2)
            if DROPOUT:
                inputs = self.dropout(inputs)
        return inputs.transpose(1, 2)

    def new_state(self, layer: nn.Module, x: Tensor, state: Tensor, here: Tensor, step: int) -> Tensor:
        """What one layer makes of its input and of its last state."""
        part = dict(layer.named_children())
        counted = here if MASKED else torch.ones_like(here)
        gates = part["gates"](torch.cat((x, state), 1))
        gates = normalized(part["gates_norm"], gates, counted, step).sigmoid()
        reset, update = gates.chunk(2, 1)
        candidate = part["input"](x) + reset * part["state"](state)
        candidate = self.activation(normalized(part["norm"], candidate, counted, step))
        new: Tensor = candidate + update * (state - candidate)
        return new

    def forward(self, x: Tensor) -> Tensor:
        last = (x[:, -1] > 0.5).sum(1) - 1
        logits: Tensor = self.head(self.states(x)[torch.arange(len(x)), last])
        return logits
