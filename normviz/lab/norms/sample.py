"""Norms of each sample by itself: layer, group, instance and RMS norm, filter response normalization.

Legend: E members, N samples, C channels, G groups, P normalized values.
"""

from __future__ import annotations

from math import prod
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normviz.lab.norms.base import Norm, affine, require_channels, require_values
from normviz.lab.norms.batch import RunningNorm
from normviz.lab.norms.rowwise import standardize_rows
from normviz.lab.norms.standardize import scale, standardize, threshold


class _TrailingNorm(Norm):
    """A norm over the trailing ``normalized_shape``, with γ and β for each of its values."""

    center = True
    gamma: nn.Parameter | None
    beta: nn.Parameter | None

    def __init__(
        self, members: int, normalized_shape: int | tuple[int, ...], eps: float, gamma: bool, beta: bool
    ) -> None:
        super().__init__(members)
        self.normalized_shape = (
            (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        )
        self.eps = eps
        both = affine(members, *self.normalized_shape)
        self.gamma, self.beta = both[0] if gamma else None, both[1] if beta else None

    @classmethod
    def of(cls, members: int, channels: int, spatial: tuple[int, ...], **options: Any) -> Self:
        """Over the channels, and the picture if there is one."""
        return cls(members, (channels, *spatial), **options)

    def forward(self, x: Tensor) -> Tensor:
        """Each sample over its trailing dimensions."""
        shape = self.normalized_shape
        if x.shape[0] != self.members or x.shape[-len(shape) :] != shape or x.ndim < len(shape) + 2:
            raise ValueError(f"Expected x of [{self.members}, N, …, {', '.join(map(str, shape))}], got {list(x.shape)}")
        if len(shape) > 1 and x.ndim == len(shape) + 2:
            return self._picture(x)
        rows = x.reshape(self.members, -1, prod(shape))
        y = standardize_rows(rows, _flat(self.gamma), _flat(self.beta), eps=self.eps, center=self.center)
        return y if x.ndim == 3 else y.view(x.shape)

    def _picture(self, x: Tensor) -> Tensor:
        # In memory the channels of a pixel are neighbours; so first each channel is summed over the picture.
        xhat, _, _ = standardize(x, eps=self.eps, parts=x.shape[1], pool=x.shape[2], center=self.center)
        if self.gamma is None:
            return xhat
        xhat = xhat.movedim(2, -1).flatten(2)
        # γ and β follow, [E, C, *spatial] -> [E, *spatial, C] -> …


def _flat(parameter: Tensor | None) -> Tensor | None:
    return None if parameter is None else parameter.flatten(1)
