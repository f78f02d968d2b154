"""Layers of a stack: one call computes the layer of every member.

Legend: E members, N samples, C channels in, O channels out, HW picture.

Stacked parameters have the members first, and whatever follows is a multiple of 16 values, so that
vectorized kernels treat a member alike alone and in a stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normviz.lab.norms import Norm
from normviz.lab.randoms import generator, he_normal

Activation = Callable[[Tensor], Tensor]


def _sigmoid(x: Tensor) -> Tensor:
    """torch.sigmoid, in whole vectors: the kernel rounds what is left at the end of an array differently."""
    size = x[0].numel()
    if size % _VECTORS == 0:
        return torch.sigmoid(x)
    return torch.sigmoid(F.pad(x.flatten(1), (0, -size % _VECTORS)))[:, :size].view_as(x)


_VECTORS = 32
"""Values that the kernel of an activation takes at once, on any CPU at most."""

ACTIVATIONS: dict[str, Activation] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": _sigmoid,
    "gelu": F.gelu,
    "linear": lambda x: x,
}
"""The activation functions by the names of `normviz.catalog.networks.ACTIVATIONS`, and none at all."""


@dataclass
class Tape:
    """What a forward pass leaves behind when it is recorded, one entry for each hidden layer.

    Shapes: each [E, N, C, *spatial].
    """

    weighted: list[Tensor] = field(default_factory=list)
    """What leaves the layer with the weights: the pre-activations."""
    entering: list[Tensor] = field(default_factory=list)
    """What enters the norm."""
    leaving: list[Tensor] = field(default_factory=list)
    """What leaves the norm; the same tensor as ``entering`` where the norm does nothing to activations."""
    activated: list[Tensor] = field(default_factory=list)
    """What leaves the activation function."""
    outputs: list[Tensor] = field(default_factory=list)
    """What leaves the block: the activations that the next layer sees."""

    def take(self, steps: Tape) -> None:
        """Add a layer of a recurrence, of which ``steps`` holds an entry for each step; all but its outputs.

        Shapes: entries [E, N, C] -> [E, N, C, T].
        """
        for name in ("weighted", "entering", "leaving", "activated"):
            getattr(self, name).append(torch.stack(getattr(steps, name), 3))
        if steps.leaving[0] is steps.entering[0]:  # the sign of a norm that does nothing to activations
            self.leaving[-1] = self.entering[-1]


class Linear(nn.Module):
    """x·W + b for every member; ``weight`` is stored as [E, in, out], ``bias`` as [E, 1, out]."""

    def __init__(self, members: int, fan_in: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(members, fan_in, out))
        self.bias = nn.Parameter(torch.zeros(members, 1, out))

    def forward(self, x: Tensor, norm: Norm | None = None) -> Tensor:
        """[E, N, in] -> [E, N, out]; ``norm`` may replace the weights (weight norm, standardization)."""
        weight = self.weight if norm is None else norm.weight(self.weight.mT).mT
        return torch.baddbmm(self.bias, x, weight)

    @property
    def flat_weight(self) -> Tensor:
        """Weights as [E, out, fan_in], torch's order."""
        return self.weight.mT

    @torch.no_grad()
    def draw(self, member: int, out: int, gain: float, source: torch.Generator) -> None:
        """He initialization of one member; outputs beyond ``out`` stay zero (they pad the head)."""
        self.weight[member, :, :out].copy_(he_normal(out, self.weight.shape[1], gain, source).T)


class Conv(nn.Module):
    """3×3 convolution with padding 1 for every member, as one grouped convolution over E·C channels.

    ``weight`` is stored as [E, O, C, 3, 3], ``bias`` as [E, O].
    """

    def __init__(self, members: int, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(members, out, channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(members, out))
        self.stride = stride

    def forward(self, x: Tensor, norm: Norm | None = None) -> Tensor:
        """[E, N, C, H, W] -> [E, N, O, H, W], in memory channels last with the members side by side."""
        members, out = self.bias.shape
        weight: Tensor = self.weight
        bias: Tensor = self.bias
        if norm is not None:
            weight = norm.weight(self.flat_weight).view_as(weight)
        x = x.transpose(0, 1)
        if members == 1:
            # A lone group takes another kernel with another order of summation, so it gets a twin.
            x, weight, bias = (torch.cat((one, one), dim) for one, dim in ((x, 1), (weight, 0), (bias, 0)))
        groups = len(weight)
        x = x.flatten(1, 2).contiguous(memory_format=torch.channels_last)
        y = F.conv2d(x, weight.flatten(0, 1), bias.flatten(), self.stride, 1, groups=groups)
        return y.view(len(y), groups, out, *y.shape[2:]).transpose(0, 1)[:members]

    @property
    def flat_weight(self) -> Tensor:
        """Weights as [E, out, fan_in], torch's order."""
        return self.weight.flatten(2)

    @torch.no_grad()
    def draw(self, member: int, out: int, gain: float, source: torch.Generator) -> None:
        """He initialization of one member."""
        weights = he_normal(out, self.weight[0, 0].numel(), gain, source)
        self.weight[member].copy_(weights.view_as(self.weight[member]))


class Dropout:
    """Zeroes activations with probability p while training, the others are divided by 1-p.

    Every member draws from the generator of its own seed; members of one seed share their masks.
    """

    def __init__(self, p: float, seeds: Sequence[int], purpose: str = "dropout") -> None:
        self.p = p
        self._distinct = tuple(dict.fromkeys(seeds))
        self._rows = torch.tensor([self._distinct.index(seed) for seed in seeds])
        self._sources = [generator(seed, purpose) for seed in self._distinct]

    def __call__(self, x: Tensor) -> Tensor:
        """x [E, N, C, *spatial] with its dropped values zero."""
        kept = torch.stack([torch.rand(x.shape[1:], generator=source) for source in self._sources]) >= self.p
        return x * kept[self._rows].to(x.device) / (1.0 - self.p)

    def states(self) -> list[Tensor]:
        """Where the generators are, for a snapshot."""
        return [source.get_state() for source in self._sources]

    def adopt(self, other: Dropout, seed: int) -> None:
        """Go on where the masks of ``seed`` have come to in another one."""
        state = other._sources[other._distinct.index(seed)].get_state()
        self._sources[self._distinct.index(seed)].set_state(state)

    def restore(self, states: Sequence[Tensor]) -> None:
        """Put the generators back to where `states` found them."""
        for source, state in zip(self._sources, states, strict=True):
            source.set_state(state)


class Block(nn.Module):
    """A layer with weights, its norm and its activation: an MLPBlock or a ConvBlock.

    ``placement`` "before": layer, norm, activation.  "after": layer, activation, norm.  A norm that is its
    own activation (FRN with TLU) replaces the activation, so both placements are layer, norm.

    A skip connection is added where He et al. 2016 add it, between norm and activation.  Where the activation
    has come before ("after", or a norm that is its own activation), it is added last and not activated again.
    """

    def __init__(self, layer: Linear | Conv, norm: Norm, activation: str, placement: str) -> None:
        super().__init__()
        self.layer, self.norm = layer, norm
        self._acts_on_weights = type(norm).weight is not Norm.weight
        self.activation, self.placement = activation, placement

    def forward(
        self,
        x: Tensor,
        tape: Tape | None = None,
        dropout: Dropout | None = None,
        skip: Tensor | None = None,
    ) -> Tensor:
        """[E, N, C, *spatial] -> [E, N, O, *spatial]; ``skip`` has the shape of the result."""
        norm = self.norm
        weighted: Tensor = self.layer(x, norm if self._acts_on_weights else None)
        entering, y = weighted, weighted
        if norm.activates:
            leaving = activated = y = norm(entering)
        elif self.placement == "before":
            leaving = norm(entering)
            activated = y = self._activate(leaving if skip is None else leaving + skip, tape is None)
            skip = None
        else:
            activated = entering = self._activate(entering, tape is None)
            leaving = y = norm(entering)
        if skip is not None:
            y = y + skip
        if dropout is not None and dropout.p and self.training:
            y = dropout(y)
        if tape is not None:
            tape.weighted.append(weighted)
            tape.entering.append(entering)
            tape.leaving.append(leaving)
            tape.activated.append(activated)
            tape.outputs.append(y)
        return y

    def _activate(self, x: Tensor, in_place: bool) -> Tensor:
        # In place only where nobody looks at the values before; the numbers are the same.
        if in_place and self.activation == "relu":
            return torch.relu_(x)
        return ACTIVATIONS[self.activation](x)


class Net(nn.Module):
    """Blocks from input to output and a plain head with a multiple of 16 outputs.

    Shapes: x [E, N, *sample] -> logits [E, N, classes].
    """

    blocks: Sequence[Block]

    def __init__(self, blocks: Sequence[Block], head: Linear, classes: int) -> None:
        super().__init__()
        self.blocks = cast(Sequence[Block], nn.ModuleList(blocks))
        self.head = head
        self.classes = classes

    @property
    def norms(self) -> list[Norm]:
        """The norm of each block, from input to output."""
        return [block.norm for block in self.blocks]

    @property
    def layers(self) -> list[Linear | Conv]:
        """Every layer with weights but the head, from input to output: the order of drawing."""
        return [block.layer for block in self.blocks]

    def forward(self, x: Tensor, tape: Tape | None = None, dropout: Dropout | None = None) -> Tensor:
        """Logits of every member, [E, N, classes]."""
        for block in self.blocks:
            x = block(x, tape, dropout)
        logits: Tensor = self.head(self.pool(x))
        return logits[..., : self.classes]

    def pool(self, x: Tensor) -> Tensor:
        """What the head sees of the last block's output, [E, N, C]."""
        return x

    def draw(self, seeds: Sequence[int], gains: Sequence[float]) -> None:
        """Draw every member's weights: layers from input to output, then the head.  Biases stay zero."""
        for member, (seed, gain) in enumerate(zip(seeds, gains, strict=True)):
            source = generator(seed, "initialization")
            for layer in self.layers:
                layer.draw(member, layer.bias.shape[-1], gain, source)
            self.head.draw(member, self.classes, gain, source)
        for block in self.blocks:
            block.norm.init_from(block.layer.flat_weight)
