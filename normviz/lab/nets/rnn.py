"""The RNN: Elman layers with the norm inside the recurrence.

Legend: E members, N samples, C channels, T steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from normviz.catalog.networks import padded
from normviz.catalog.sequences import SEQUENCE_NETWORKS
from normviz.lab.nets.layers import Block, Dropout, Linear, Tape
from normviz.lab.nets.sequences import SequenceNet, at_step, existing, step_norm


class RNN(SequenceNet):
    r"""``depth`` Elman layers of ``width`` units, each an ordinary block that is applied at every step.

    $h_t=\varphi(\mathrm{norm}(W_x x_t+W_h h_{t-1}+b))$ with W_x and W_h side by side in one matrix and
    h_0 = 0; with ``placement`` "after" the norm follows the activation.  In the padding the state stays what
    it was, so that the last state is that of the last step that exists.  Norms over the batch take the
    statistics of each step over the batch at that step.

    Shapes: x [E, N, C, T] -> logits [E, N, classes].
    Source: Elman 1990, Finding Structure in Time; torch.nn.RNN; layer norm: Ba et al. 2016, equation 4;
    batch norm: Cooijmans et al. 2017, arXiv:1603.09025 (Laurent et al. 2016, arXiv:1510.01378, normalize
    W_x·x alone).
    """

    def __init__(
        self,
        members: int,
        shape: tuple[int, ...],
        classes: int,
        depth: int,
        width: int,
        norm: str,
        activation: str,
        placement: str,
        options: Mapping[str, Any],
    ) -> None:
        blocks = [
            Block(
                Linear(members, layer.fan_in, layer.channels),
                step_norm("rnn", norm, members, layer.channels, shape[1], options),
                activation,
                placement,
            )
            for layer in SEQUENCE_NETWORKS["rnn"].hidden(shape, depth, width)
        ]
        super().__init__(blocks, Linear(members, width, padded(classes)), classes)

    def states(self, x: Tensor, tape: Tape | None = None, dropout: Dropout | None = None) -> Tensor:
        """The last layer's state at every step, [E, N, T, C]."""
        exists = existing(x)
        inputs: tuple[Tensor, ...] = x[:, :, :-1].unbind(3)
        for block in self.blocks:
            outputs = self._layer(block, inputs, exists, tape)
            if dropout is not None and dropout.p and self.training:
                outputs = dropout(outputs.movedim(0, 3)).movedim(3, 0)
            if tape is not None:
                tape.outputs.append(outputs.movedim(0, 3))
                outputs = tape.outputs[-1].movedim(3, 0)
            inputs = outputs.unbind(0)
        return outputs.movedim(0, 2)

    def _layer(
        self, block: Block, inputs: tuple[Tensor, ...], exists_ENT: Tensor, tape: Tape | None
    ) -> Tensor:
        """The states of one layer, [T, E, N, C]."""
        own = None if tape is None else Tape()
        states: list[Tensor] = []
        state = inputs[0].new_zeros(*inputs[0].shape[:2], block.layer.bias.shape[-1])
        for step, x in enumerate(inputs):
            exists = exists_ENT[:, :, step]
            at_step(block.norm, step, exists if self.masked else None)
            new = block(torch.cat((x, state), 2), own)
            state = torch.where(exists.unsqueeze(2), new, state)
            states.append(state)
        if tape is not None and own is not None:
            tape.take(own)
        return torch.stack(states)
