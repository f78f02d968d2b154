"""Norms of each sample by itself: layer, group, instance and RMS norm, filter response normalization.

Legend: E members, N samples, C channels, G groups, P normalized values.
"""

from __future__ import annotations

from math import prod
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normviz.catalog.norms import reason
from normviz.lab.norms.base import Norm, new_affine, require_channels, require_values
from normviz.lab.norms.batch import RunningNorm
from normviz.lab.norms.rowwise import standardize_rows
from normviz.lab.norms.standardize import scale, standardize, threshold


class _TrailingNorm(Norm):
    """A norm over the trailing ``normalized_shape``, with γ and β for each of its values."""

    center = True
    gamma: nn.Parameter | None
    beta: nn.Parameter | None

    def __init__(
        self,
        members: int,
        normalized_shape: int | tuple[int, ...],
        eps: float | None,
        gamma: bool,
        beta: bool,
    ) -> None:
        super().__init__(members)
        self.normalized_shape = (
            (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        )
        self.eps = eps
        both = new_affine(members, *self.normalized_shape)
        self.gamma, self.beta = both[0] if gamma else None, both[1] if beta else None

    @classmethod
    def of(cls, members: int, channels: int, spatial: tuple[int, ...], **options: Any) -> Self:
        """Over the channels, and the picture if there is one."""
        return cls(members, (channels, *spatial), **options)

    def forward(self, x: Tensor) -> Tensor:
        """Each sample over its trailing dimensions."""
        shape = self.normalized_shape
        if x.ndim == 3 and x.shape[2:] == shape and len(x) == self.members:
            return self._rows(x)
        if x.shape[0] != self.members or x.shape[-len(shape) :] != shape or x.ndim < len(shape) + 2:
            raise ValueError(
                f"Expected x of [{self.members}, N, …, {', '.join(map(str, shape))}], got {list(x.shape)}"
            )
        if len(shape) > 1 and x.ndim == len(shape) + 2:
            return self._picture(x)
        y = self._rows(x.reshape(self.members, -1, prod(shape)))
        return y if x.ndim == 3 else y.view(x.shape)

    def _rows(self, x_ERP: Tensor) -> Tensor:
        gamma, beta = _flat(self.gamma), _flat(self.beta)
        return standardize_rows(x_ERP, gamma, beta, eps=self._eps(x_ERP), center=self.center)

    def _eps(self, x: Tensor) -> float:
        return torch.finfo(x.dtype).eps if self.eps is None else self.eps

    def _picture(self, x: Tensor) -> Tensor:
        # In memory the channels of a pixel are neighbours; so each channel is first summed over the picture.
        xhat, _, _ = standardize(x, eps=self._eps(x), parts=x.shape[1], pool=x.shape[2], center=self.center)
        return xhat if self.gamma is None else scale(xhat, self.gamma, self.beta)


class LayerNorm(_TrailingNorm):
    r"""Layer normalization: each sample over its trailing ``normalized_shape``.

    $y = \gamma\odot\frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}}+\beta$

    Shapes: [E, N, C] or [E, N, T, C] with (C,), [E, N, C, H, W] with (C, H, W).
    Source: Ba, Kiros & Hinton 2016, arXiv:1607.06450, section 3; torch.nn.LayerNorm.
    """

    def __init__(
        self,
        members: int,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__(members, normalized_shape, eps, elementwise_affine, elementwise_affine and bias)

    def _rows(self, x_ERP: Tensor) -> Tensor:
        # torch's kernel is the quicker one, since it is a single call.
        xhat = F.layer_norm(x_ERP, x_ERP.shape[2:], eps=self._eps(x_ERP))
        gamma, beta = self.gamma, self.beta
        if gamma is None:
            return xhat
        by_value = gamma.flatten(1).unsqueeze(1)
        if beta is None:
            return xhat * by_value
        return torch.addcmul(beta.flatten(1).unsqueeze(1), xhat, by_value)


class RMSNorm(_TrailingNorm):
    r"""Layer normalization without mean and β: each sample divided by its root mean square.

    $y = \gamma\odot x/\sqrt{\overline{x^2}+\varepsilon}$; ``eps`` None is the machine epsilon of x.

    Shapes: as `LayerNorm`.
    Source: Zhang & Sennrich 2019, arXiv:1910.07467, equation 4; torch.nn.RMSNorm.
    """

    center = False

    def __init__(
        self,
        members: int,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        super().__init__(members, normalized_shape, eps, elementwise_affine, False)


class GroupNorm(Norm):
    r"""Group normalization: each sample over groups of channels, and over the picture or the sequence.

    $y = \gamma\,\frac{x-\mu_G}{\sqrt{\sigma_G^2+\varepsilon}}+\beta$

    Shapes: x [E, N, C, *spatial].
    Raises:
        ValueError: the groups do not divide the channels; the whole batch is one value of one group.
    Source: Wu & He 2018, arXiv:1803.08494, section 3; torch.nn.GroupNorm.
    """

    def __init__(
        self, members: int, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True
    ) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        super().__init__(members)
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.gamma: nn.Parameter | None
        self.beta: nn.Parameter | None
        self.gamma, self.beta = new_affine(members, num_channels) if affine else (None, None)

    @classmethod
    def of(cls, members: int, channels: int, spatial: tuple[int, ...], **options: Any) -> Self:
        """``groups`` is torch's num_groups."""
        return cls(members, options.pop("groups"), channels, **options)

    def forward(self, x: Tensor) -> Tensor:
        """Each sample over each group."""
        require_channels(x, self.members, self.num_channels)
        size = self.num_channels // self.num_groups
        require_values(x.shape[1] * size * prod(x.shape[3:]), "value per channel", x.shape[1:])
        if x.ndim > 3:
            return standardize(x, self.gamma, self.beta, eps=self.eps, parts=x.shape[1], pool=size)[0]
        by_group = x.reshape(self.members, -1, self.num_groups, size)
        xhat = F.layer_norm(by_group, (size,), eps=self.eps).view(x.shape)
        gamma, beta = self.gamma, self.beta
        if gamma is None or beta is None:
            return xhat
        return torch.addcmul(beta.unsqueeze(1), xhat, gamma.unsqueeze(1))


class InstanceNorm(RunningNorm):
    r"""Instance normalization: each channel of each sample over the picture or the sequence.

    $y = \frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}}$, by default without γ, β and running statistics.

    Shapes: x [E, N, C, *spatial] with more than one position.
    Raises:
        ValueError: there is a single position (torch's InstanceNorm1d reads such input as unbatched instead).
    Source: Ulyanov, Vedaldi & Lempitsky 2016, arXiv:1607.08022; torch.nn.InstanceNorm2d.
    """

    def __init__(
        self,
        members: int,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
    ) -> None:
        super().__init__(members, num_features, eps, momentum, affine, track_running_stats)

    @classmethod
    def of(cls, members: int, channels: int, spatial: tuple[int, ...], **options: Any) -> Self:
        """Only where there are positions to average over."""
        return cls(members, channels, **_with_positions("instance", spatial, options))

    def forward(self, x: Tensor) -> Tensor:
        """By each sample's own statistics, unless running ones are kept and this is eval mode."""
        require_channels(x, self.members, self.num_features)
        if not self.training and self.running_mean is not None:
            return self.running(x)
        positions = prod(x.shape[3:])
        require_values(positions, "spatial element", x.shape[1:])
        y, mean, var = standardize(x, self.gamma, self.beta, eps=self.eps, parts=x.shape[1])
        if self.training:
            self.update(mean.mean(1, keepdim=True), var.mean(1, keepdim=True), positions)
        return y


class FRN(Norm):
    r"""Filter response normalization with its threshold unit (TLU), which replaces the activation function.

    $y = \max\left(\gamma\,\frac{x}{\sqrt{\nu^2+\varepsilon}}+\beta,\ \tau\right)$, ν² the mean of x² over
    the picture or the sequence, for each channel of each sample.

    Shapes: x [E, N, C, *spatial]; without positions the output is the degenerate max(±γ+β, τ).
    Source: Singh & Krishnan 2020, arXiv:1911.09737, section 3.
    """

    activates = True

    def __init__(self, members: int, num_features: int, eps: float = 1e-6) -> None:
        super().__init__(members)
        self.num_features, self.eps = num_features, eps
        self.gamma, self.beta = new_affine(members, num_features)
        self.tau = nn.Parameter(torch.zeros(members, num_features))

    @classmethod
    def of(cls, members: int, channels: int, spatial: tuple[int, ...], **options: Any) -> Self:
        """Only where there are positions to average over."""
        return cls(members, channels, **_with_positions("frn", spatial, options))

    def forward(self, x: Tensor) -> Tensor:
        """Normalized and thresholded."""
        require_channels(x, self.members, self.num_features)
        y, _, _ = standardize(x, self.gamma, self.beta, eps=self.eps, parts=x.shape[1], center=False)
        return threshold(y, self.tau)


def _flat(parameter: Tensor | None) -> Tensor | None:
    return None if parameter is None else parameter.flatten(1)


def _with_positions(norm: str, spatial: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    if not spatial:
        raise ValueError(reason(norm, "mlp"))
    return options
