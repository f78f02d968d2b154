"""What every norm of a stack is, and the one that does nothing.

Legend: E members, N samples, C channels, O outputs of a layer, F its fan-in.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn


class Norm(nn.Module):
    """A normalization of E stacked members; each is computed as if it were alone.

    Parameters have the members first.  γ and β are called ``gamma`` and ``beta`` (torch: ``weight`` and
    ``bias``), since `weight` is the norm's view of the layer's weights.  No norm draws random numbers.

    A member's output, gradients and statistics are bit-equal alone and in any stack if C is a multiple of
    16; a parameter with fewer values for a member is stored with 16.

    Shapes: x [E, N, C, *spatial] -> the same, with the strides that `standardize` describes.
    """

    activates: ClassVar[bool] = False
    """Whether the norm replaces the activation function after it."""
    batch_dependent: ClassVar[bool] = False
    """Whether, while training, the output for one sample depends on the others of its batch."""

    def __init__(self, members: int) -> None:
        super().__init__()
        self.members = members
        self.update_statistics = True
        """Whether a forward pass in train mode moves the running statistics."""

    @classmethod
    def of(cls, members: int, channels: int, spatial: tuple[int, ...], **options: Any) -> Self:
        """The norm of a layer of ``channels``, with the catalog's options; see `build`."""
        return cls(members, channels, **options)  # type: ignore[call-arg]

    def forward(self, x: Tensor) -> Tensor:
        """Activations normalized."""
        return x

    def weight(self, w_EOF: Tensor) -> Tensor:
        """The weights that the layer before uses; F is its flattened fan-in.  Most norms change nothing."""
        return w_EOF

    def init_from(self, w_EOF: Tensor) -> None:
        """Start from the layer's initial weights; only weight norm has something to learn from them."""

    def statistics(self) -> dict[str, Tensor]:
        """Running statistics by name, each [E, C]; empty if the norm keeps none."""
        kept = {name: getattr(self, name, None) for name in ("running_mean", "running_var")}
        return {name: value for name, value in kept.items() if value is not None}

    def extra_repr(self) -> str:
        """Members and the shapes of the parameters."""
        shapes = (f"{name}={tuple(value.shape)}" for name, value in self.named_parameters(recurse=False))
        return ", ".join((f"members={self.members}", *shapes))


class Identity(Norm):
    """y = x: the network without normalization."""

    @classmethod
    def of(cls, members: int, channels: int, spatial: tuple[int, ...], **options: Any) -> Self:
        """Nothing depends on the channels."""
        return cls(members, **options)


def new_affine(members: int, *shape: int) -> tuple[nn.Parameter, nn.Parameter]:
    """γ = 1 and β = 0, each [members, *shape]."""
    return nn.Parameter(torch.ones(members, *shape)), nn.Parameter(torch.zeros(members, *shape))


@cache
def constant(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A number as a tensor: for small activations a kernel takes it in half the time of a Python number."""
    return torch.tensor(value, dtype=dtype, device=device)


def require_values(values: int, kind: str, size: tuple[int, ...]) -> None:
    """Refuse to normalize a single value, in torch's words.

    Raises:
        ValueError: there is one value; its standardized form would be zero whatever it is.
    """
    if values == 1:
        raise ValueError(f"Expected more than 1 {kind} when training, got input size {torch.Size(size)}")


def require_channels(x: Tensor, members: int, channels: int) -> None:
    """Check that x is [members, N, channels, *spatial].

    Raises:
        ValueError: it is not.
    """
    if x.ndim < 3 or x.shape[0] != members or x.shape[2] != channels:
        raise ValueError(f"Expected x of [{members}, N, {channels}, *spatial], got {list(x.shape)}")
