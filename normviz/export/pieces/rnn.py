"""The network: an RNN

Elman layers with the norm inside the recurrence; in the padding the state stays what it was.  The last state
goes through a plain linear head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.norms import normalization, reparametrize
from normviz.export.pieces.recurrences import normalized
from normviz.export.pieces.settings import (
    ACTIVATION,
    CLASSES,
    DEPTH,
    DROPOUT,
    DTYPE,
    MASKED,
    PLACEMENT,
    SHAPE,
    WIDTH,
)


def network(norm: str, seed: int) -> RNN:
    """The network of one variant, initialized."""
    return RNN(norm, seed).to(DTYPE)


class RNN(nn.Module):
    """h = φ(norm(W·[x, h] + b)) at every step; x [N, channels, steps], its last channel says what exists."""

    def __init__(self, norm: str, seed: int) -> None:
        super().__init__()
        draws = generator(seed, "initialization")
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList()
        reads = SHAPE[0] - 1
        for _ in range(DEPTH):
            self.layers.append(drawn(nn.Linear(reads + WIDTH, WIDTH), draws))
            if norm in ("weight_norm", "weight_standardization"):
                reparametrize(norm, self.layers[-1])
            self.norms.append(normalization(norm, (WIDTH,)))
            reads = WIDTH
        self.head = drawn(nn.Linear(WIDTH, CLASSES), draws)
        self.activation = ACTIVATION()
        if DROPOUT:
            self.dropout = Dropout(DROPOUT, generator(seed, "dropout"))

    def states(self, x: Tensor) -> Tensor:
        """The last layer's state at every step, [N, steps, WIDTH]."""
        exists = x[:, -1] > 0.5
        inputs = x[:, :-1]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            state, states = inputs.new_zeros(len(x), WIDTH), []
            for step in range(inputs.shape[2]):
                here = exists[:, step]
                new = layer(torch.cat((inputs[:, :, step], state), 1))
                counted = here if MASKED else torch.ones_like(here)
                if PLACEMENT == "before":
                    new = self.activation(normalized(norm, new, counted, step))
                else:
                    new = normalized(norm, self.activation(new), counted, step)
                state = torch.where(here[:, None], new, state)
                states.append(state)
            inputs = torch.stack(states, 2)
            if DROPOUT:
                inputs = self.dropout(inputs)
        return inputs.transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        last = (x[:, -1] > 0.5).sum(1) - 1
        logits: Tensor = self.head(self.states(x)[torch.arange(len(x)), last])
        return logits
