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
from normviz.lab import norms
from normviz.lab.nets.layers import Block, Dropout, Linear, Tape
from normviz.lab.nets.sequences import SequenceNet, batch_options, existing, tell
from normviz.lab.norms import Norm
from normviz.lab.norms.sequences import StepBatchNorm


class RNN(SequenceNet):
    r"""``depth`` Elman layers of ``width`` units, each an ordinary block that is applied at every step.

    $h_t=\varphi(\mathrm{norm}(W_x x_t+W_h h_{t-1}+b))$ with W_x and W_h side by side in one matrix and
    h_0 = 0; with ``placement`` "after" the norm follows the activation.  In the padding the state stays what
    it was, so that the last state is that of the last step that exists.  Batch norm takes the statistics of
    each step over the batch at that step.

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
                _norm(norm, members, layer.channels, shape[1], options),
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
            tell(block.norm, exists if self.masked else None)
            if isinstance(block.norm, StepBatchNorm):
                block.norm.step = step
            new = block(torch.cat((x, state), 2), own)
            state = torch.where(exists.unsqueeze(2), new, state)
            states.append(state)
        if tape is not None and own is not None:
            for name in ("weighted", "entering", "leaving", "activated"):
                getattr(tape, name).append(torch.stack(getattr(own, name), 3))
            if own.leaving[0] is own.entering[0]:  # the sign of a norm that does nothing to activations
                tape.leaving[-1] = tape.entering[-1]
        return torch.stack(states)


def _norm(name: str, members: int, channels: int, steps: int, options: Mapping[str, Any]) -> Norm:
    why = SEQUENCE_NETWORKS["rnn"].reason(name)
    if why:
        raise ValueError(why)
    if name == "batch":
        return StepBatchNorm(members, channels, steps, **batch_options(dict(options)))
    return norms.build(name, members, channels, **options)
