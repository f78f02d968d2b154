"""The networks as facts: what they are made of, what they cost.  Free of torch.

`multiply_adds` and `parameters` count the linear and convolutional layers, with the head padded to a
multiple of 16 outputs as the engine computes it; norms and activations are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod

from normviz.catalog.norms import reason
from normviz.phrases import phrase

ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu")
PLACEMENTS = ("before", "after")
"""Where the norm stands: before the activation or after it."""
OPTIMIZERS = ("sgd", "momentum", "adam")

SEGMENT = 16
"""Every member's segment of every parameter is a multiple of this, so that vectorized kernels treat a
member alike alone and in a stack."""


def padded(classes: int) -> int:
    """Outputs of the head: the classes, filled up to a multiple of `SEGMENT`."""
    return -(-classes // SEGMENT) * SEGMENT


@dataclass(frozen=True)
class Layer:
    """One layer with weights: fan-in, output channels, and the positions at which it is applied."""

    fan_in: int
    channels: int
    spatial: tuple[int, ...] = ()

    @property
    def multiply_adds(self) -> int:
        """For one sample, forward."""
        return self.fan_in * self.channels * prod(self.spatial)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return (self.fan_in + 1) * self.channels


@dataclass(frozen=True)
class Network:
    """A network that can be built at any depth and width within its bounds."""

    name: str
    label: str
    description: str
    form: str
    """The form of its activations: "mlp" [N, C], "cnn" [N, C, H, W] or "sequence" [N, C, T]."""
    depths: tuple[int, int]
    """Fewest and most hidden layers (or blocks)."""
    widths: tuple[int, ...]
    """Channels of the first layer, multiples of `SEGMENT`."""
    inputs: tuple[int, ...]
    """Numbers of dimensions of a sample that it accepts."""
    builder: str
    """Where the lab finds it, as "module:name"."""
    hidden: Callable[[tuple[int, ...], int, int], tuple[Layer, ...]] = field(repr=False)
    """(shape of a sample, depth, width) -> the layers that are followed by a norm, from input to output."""
    parts: tuple[str, ...] = field(default=(), kw_only=True)
    """What the norms of one layer belong to, if there are several of them."""
    placements: tuple[str, ...] = field(default=PLACEMENTS, kw_only=True)
    """Where its norms may stand."""
    enters: tuple[str, str] = field(default=("its activation", "the next layer"), kw_only=True)
    """What a norm's output enters, with each of `PLACEMENTS`."""
    lone: bool = field(default=False, kw_only=True)
    """Whether a norm sees a single value of each channel of a sample: a group needs two channels then."""
    healths: bool = field(default=True, kw_only=True)
    """Whether each of its layers ends in the chosen activation function, whose units can die or saturate."""
    causal: bool | None = field(default=None, kw_only=True)
    """Whether it is kept from looking ahead unless asked otherwise; None where there is no choice."""
    own: Mapping[str, int | float | str] = field(default_factory=dict, kw_only=True)
    """Settings of a race that suit it, where they are not those of every network: fields of a spec."""
    unfit: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """Norms that apply to its form but not to itself, each with the reason, a sentence."""

    def norm_layers(self, depth: int) -> int:
        """Layers followed by a norm."""
        return depth * max(1, len(self.parts))

    def reason(self, norm: str) -> str | None:
        """Why a norm does not apply to this network, a sentence; None if it does."""
        return self.unfit.get(norm) or reason(norm, self.form)

    def head(self, shape: tuple[int, ...], classes: int, depth: int, width: int) -> Layer:
        """The last, plain layer."""
        return Layer(self.hidden(shape, depth, width)[-1].channels, padded(classes))

    def multiply_adds(self, shape: tuple[int, ...], classes: int, depth: int, width: int) -> int:
        """Of the forward pass of one sample; a training step costs about three times as much."""
        layers = (*self.hidden(shape, depth, width), self.head(shape, classes, depth, width))
        return sum(layer.multiply_adds for layer in layers)

    def parameters(self, shape: tuple[int, ...], classes: int, depth: int, width: int) -> int:
        """Weights and biases; a norm with γ and β adds two for each channel."""
        layers = (*self.hidden(shape, depth, width), self.head(shape, classes, depth, width))
        return sum(layer.parameters for layer in layers)

    def refusal(self, shape: tuple[int, ...]) -> str:
        """Why samples of this shape do not fit, as a sentence; empty if they do."""
        if len(shape) in self.inputs:
            return ""
        wanted = "pictures with a height and a width" if self.form == "cnn" else "pictures or points"
        given = phrase("{shape} numbers", shape=shape[0]) if len(shape) == 1 else "sequences"
        return phrase(
            "{label} needs {wanted}; these samples are {given}.", label=self.label, wanted=wanted, given=given
        )


def _mlp(shape: tuple[int, ...], depth: int, width: int) -> tuple[Layer, ...]:
    return (Layer(prod(shape), width), *(Layer(width, width) for _ in range(depth - 1)))


def strides(depth: int) -> tuple[int, ...]:
    """Stride of each ConvBlock: the second and the third halve the picture."""
    return tuple(2 if block in (1, 2) else 1 for block in range(depth))


def _cnn(shape: tuple[int, ...], depth: int, width: int) -> tuple[Layer, ...]:
    layers, (channels, height, breadth) = [], shape
    for block, stride in enumerate(strides(depth)):
        height, breadth = -(-height // stride), -(-breadth // stride)
        layers.append(Layer(9 * channels, width * min(4, 2**block), (height, breadth)))
        channels = layers[-1].channels
    return tuple(layers)


def residual(depth: int) -> tuple[int, int]:
    """ConvBlocks of the ResNet's stem, and basic blocks of two layers behind them.

    The stem is one ConvBlock, or two if the depth is even, so that a ResNet exists at every depth.
    """
    stem = 2 - depth % 2
    return stem, (depth - stem) // 2


def stages(blocks: int) -> tuple[int, ...]:
    """Stage (0, 1, 2) of each basic block: three of equal length, as far as that divides."""
    return tuple(3 * block // blocks for block in range(blocks))


def _resnet(shape: tuple[int, ...], depth: int, width: int) -> tuple[Layer, ...]:
    stem, blocks = residual(depth)
    of_block = stages(blocks)
    # A picture above 16 pixels is halved at once: it costs a quarter, and stays for three stages.
    strides_ = [2 if max(shape[1:]) > 16 else 1, 1][:stem]
    widths = [width] * stem
    for before, stage in zip((0, *of_block), of_block, strict=False):
        strides_ += [2 if stage > before else 1, 1]
        widths += [width * 2**stage] * 2
    layers, (channels, height, breadth) = [], shape
    for wide, stride in zip(widths, strides_, strict=True):
        height, breadth = -(-height // stride), -(-breadth // stride)
        layers.append(Layer(9 * channels, wide, (height, breadth)))
        channels = wide
    return tuple(layers)


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network(
            name="mlp",
            label="MLP",
            description="Hidden layers of equal width (linear, norm, activation), then a plain linear head.",
            form="mlp",
            depths=(1, 50),
            widths=tuple(range(16, 257, 16)),
            inputs=(1, 3),
            builder="normviz.lab.nets.mlp:MLP",
            hidden=_mlp,
            lone=True,
        ),
        Network(
            name="cnn",
            label="CNN",
            description="ConvBlocks (3×3 convolution, norm, activation) with w, 2w, 4w, 4w … channels; the "
            "second and third halve the picture; then the mean over the picture and a plain linear head.",
            form="cnn",
            depths=(1, 8),
            widths=(16, 32, 48, 64),
            inputs=(3,),
            builder="normviz.lab.nets.cnn:CNN",
            hidden=_cnn,
            own={"depth": 3, "lr": 0.1, "steps": 150},
        ),
        Network(
            name="resnet",
            label="ResNet",
            description="A stem of one ConvBlock (two if the depth is even), then basic blocks of two "
            "layers with a skip connection, in three stages of w, 2w, 4w channels, each stage at half the "
            "size of the one before; then the mean over the picture and a plain linear head.",
            form="cnn",
            depths=(3, 20),
            widths=(16, 32, 48, 64),
            inputs=(3,),
            builder="normviz.lab.nets.resnet:ResNet",
            hidden=_resnet,
            own={"depth": 7, "lr": 0.1, "steps": 100, "seeds": 2},
        ),
    )
}
"""All networks by name, in the order in which they are offered."""
