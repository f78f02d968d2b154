"""The network: recurrent layers

At each step a layer makes its new state of its input and of its last state; in the padding the state stays
what it was. The last one goes through a plain linear head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.rnn import Layer
from normviz.export.pieces.settings import CLASSES, DEPTH, DROPOUT, DTYPE, MASKED, SHAPE, WIDTH


def network(norm: str, seed: int) -> Recurrent:
    """The network of one variant, initialized."""
    return Recurrent(norm, seed).to(DTYPE)


class Recurrent(nn.Module):
    """x [N, channels, steps]; its last channel says which steps exist."""

    def __init__(self, norm: str, seed: int) -> None:
        super().__init__()
        draws = generator(seed, "initialization")
        sizes = [SHAPE[0] - 1] + [WIDTH] * (DEPTH - 1)  # of what each layer reads
        self.layers = nn.ModuleList(Layer(norm, size, draws) for size in sizes)
        self.head = drawn(nn.Linear(WIDTH, CLASSES), draws)
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
                new = layer(inputs[:, :, step], state, here if MASKED else torch.ones_like(here), step)
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
