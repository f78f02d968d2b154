"""The network: a ResNet

A stem of ConvBlocks, then basic blocks of two layers with a skip connection around them, in three stages with
1, 2 and 4 times the channels, each at half the size of the one before.  Then the mean over the picture and a
plain linear head.  He et al. 2016, with parameter-free shortcuts (option A).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.blocks import conv_block
from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.settings import CLASSES, DEPTH, DROPOUT, DTYPE, GAIN, PLACEMENT, SHAPE, WIDTH


def network(
    norm: str, seed: int, gain: float = GAIN, placement: str = PLACEMENT, dropout: float = DROPOUT
) -> nn.Sequential:
    """The network of one variant, initialized."""
    draws = generator(seed, "initialization")
    if dropout:
        masks = generator(seed, "dropout")
    layers: list[nn.Module] = []
    channels, side = SHAPE[0], SHAPE[1]
    stem = 2 - DEPTH % 2  # one ConvBlock, or two if the depth is even
    for block in range(stem):
        stride = 2 if block == 0 and side > 16 else 1
        side = -(-side // stride)
        layers += conv_block(norm, channels, WIDTH, stride, side, draws, gain=gain, placement=placement)
        if dropout:
            layers.append(Dropout(dropout, masks))
        channels = WIDTH
    blocks = (DEPTH - stem) // 2
    stages = [3 * block // blocks for block in range(blocks)]
    for before, stage in zip([0, *stages], stages, strict=False):
        out, stride = WIDTH * 2**stage, 2 if stage > before else 1
        side = -(-side // stride)
        inner = conv_block(norm, channels, out, stride, side, draws, gain=gain, placement=placement)
        if dropout:
            inner.append(Dropout(dropout, masks))
        inner += conv_block(norm, out, out, 1, side, draws, gain=gain, placement=placement)
        after: nn.Module = nn.Identity()
        if placement == "before" and norm != "frn":
            after = inner.pop()  # the last activation follows the sum
        layers.append(Residual(nn.Sequential(*inner), after, stride, out - channels))
        if dropout:
            layers.append(Dropout(dropout, masks))
        channels = out
    head = drawn(nn.Linear(channels, CLASSES), draws, gain=gain)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).to(DTYPE)


class Residual(nn.Module):
    """A block and its skip connection: every second pixel where it halves the picture, new channels zero."""

    def __init__(self, inner: nn.Module, after: nn.Module, stride: int, new_channels: int) -> None:
        super().__init__()
        self.inner, self.after, self.stride, self.new_channels = inner, after, stride, new_channels

    def forward(self, x: Tensor) -> Tensor:
        skip = x[:, :, :: self.stride, :: self.stride]
        skip = F.pad(skip, (0, 0, 0, 0, 0, self.new_channels))
        y: Tensor = self.after(self.inner(x) + skip)
        return y
