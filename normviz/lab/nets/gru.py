"""The GRU: gated recurrent layers with norms inside the recurrence.

Legend: E members, N samples, C channels, D units, T steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from normviz.catalog.networks import padded
from normviz.lab.nets.layers import ACTIVATIONS, Block, Dropout, Linear, Tape
from normviz.lab.nets.sequences import SequenceNet, at_step, existing, step_norm
from normviz.lab.norms import Norm


class Candidate(nn.Module):
    """The new state that a layer proposes; ``layer`` reads the input, ``inner`` the last state."""

    def __init__(self, layer: Linear, inner: Linear, norm: Norm, activation: str) -> None:
        super().__init__()
        self.layer, self.inner, self.norm, self.activation = layer, inner, norm, activation

    def forward(self, x: Tensor, state: Tensor, reset: Tensor, tape: Tape | None = None) -> Tensor:
        """φ(norm(W_x·x + b_x + r⊙(W_h·h + b_h))), [E, N, D]."""
        entering = self.layer(x) + reset * self.inner(state)
        leaving = self.norm(entering)
        activated = ACTIVATIONS[self.activation](leaving)
        if tape is not None:
            tape.weighted.append(entering)
            tape.entering.append(entering)
            tape.leaving.append(leaving)
            tape.activated.append(activated)
        return activated


class GRU(SequenceNet):
    r"""``depth`` gated layers of ``width`` units; two norms each: for both gates, for the candidate.

    $(r_t,z_t)=\sigma(\mathrm{norm}(W[x_t,h_{t-1}]+b))$,
    $n_t=\varphi(\mathrm{norm}(W_x x_t+b_x+r_t\odot(W_h h_{t-1}+b_h)))$,
    $h_t=(1-z_t)\odot n_t+z_t\odot h_{t-1}$.  In the padding the state stays what it was.

    Shapes: x [E, N, C, T] -> logits [E, N, classes].
    Source: Cho et al. 2014, arXiv:1406.1078; torch.nn.GRU; the norms as in Ba et al. 2016, arXiv:1607.06450,
    supplement, but of the sum of both projections instead of each.
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
        if placement != "before":
            raise ValueError("The GRU's norms stand before its activation functions.")
        blocks: list[nn.Module] = []
        for i in range(depth):
            reads = width if i else shape[0] - 1

            def own_norm(channels: int) -> Norm:
                return step_norm("gru", norm, members, channels, shape[1], options)

            gates = Linear(members, reads + width, 2 * width)
            blocks.append(Block(gates, own_norm(2 * width), "sigmoid", "before"))
            halves = Linear(members, reads, width), Linear(members, width, width)
            blocks.append(Candidate(*halves, own_norm(width), activation))
        # A candidate is to the engine what a block is: a layer, its norm, and an entry on the tape.
        super().__init__(cast(Sequence[Block], blocks), Linear(members, width, padded(classes)), classes)

    @property
    def layers(self) -> list[Any]:
        """Every layer with weights but the head: gates, candidate from the input, from the state."""
        pairs = zip(self.blocks[::2], self.blocks[1::2], strict=True)
        return [one for gates, new in pairs for one in (gates.layer, new.layer, cast(Any, new).inner)]

    def states(self, x: Tensor, tape: Tape | None = None, dropout: Dropout | None = None) -> Tensor:
        """The last layer's state at every step, [E, N, T, C]."""
        exists = existing(x)
        inputs: tuple[Tensor, ...] = x[:, :, :-1].unbind(3)
        for gates, candidate in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            outputs = self._layer(gates, candidate, inputs, exists, tape)
            if dropout is not None and dropout.p and self.training:
                outputs = dropout(outputs.movedim(0, 3)).movedim(3, 0)
            if tape is not None:
                # The gates have no output of their own: theirs is the state that they let through.
                tape.outputs += [outputs.movedim(0, 3)] * 2
                outputs = tape.outputs[-1].movedim(3, 0)
            inputs = outputs.unbind(0)
        return outputs.movedim(0, 2)

    def _layer(
        self, gates: Block, candidate: Any, inputs: tuple[Tensor, ...], exists_ENT: Tensor, tape: Tape | None
    ) -> Tensor:
        """The states of one layer, [T, E, N, D]."""
        of_gates, of_new = (None, None) if tape is None else (Tape(), Tape())
        states: list[Tensor] = []
        state = inputs[0].new_zeros(*inputs[0].shape[:2], candidate.layer.bias.shape[-1])
        for step, x in enumerate(inputs):
            exists = exists_ENT[:, :, step]
            for norm in (gates.norm, candidate.norm):
                at_step(norm, step, exists if self.masked else None)
            reset, update = gates(torch.cat((x, state), 2), of_gates).chunk(2, 2)
            new = candidate(x, state, reset, of_new)
            new = new + update * (state - new)
            state = torch.where(exists.unsqueeze(2), new, state)
            states.append(state)
        if tape is not None:
            for own in (of_gates, of_new):
                tape.take(cast(Tape, own))
        return torch.stack(states)
