"""Norms that treat each value by itself: dynamic tanh.

Legend: E members, N samples, C channels.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn

from normviz.lab.norms.base import Norm, new_affine, require_channels
from normviz.lab.norms.standardize import scale

_SEGMENT = 16
"""Values stored for a member's α, of which the first counts: see `Norm`."""


class DyT(Norm):
    r"""Dynamic tanh, instead of a norm: $y = \gamma\tanh(\alpha x)+\beta$ with one learned α.

    Shapes: x [E, N, C, *spatial]; alpha [E, 16], of which column 0 counts.
    Source: Zhu, Chen, He, LeCun & Liu 2025, arXiv:2503.10622, section 4.
    """

    def __init__(self, members: int, channels: int, alpha0: float = 0.5) -> None:
        super().__init__(members)
        self.channels = channels
        self.alpha = nn.Parameter(torch.full((members, _SEGMENT), alpha0))
        self.gamma, self.beta = new_affine(members, channels)

    @classmethod
    def of(cls, members: int, channels: int, spatial: tuple[int, ...], **options: Any) -> Self:
        """``alpha`` is where α starts."""
        return cls(members, channels, options["alpha"])

    def forward(self, x: Tensor) -> Tensor:
        """Each value squashed."""
        require_channels(x, self.members, self.channels)
        if x.ndim == 3:
            squashed = torch.tanh(x * self.alpha[:, :1].unsqueeze(2))
            return torch.addcmul(self.beta.unsqueeze(1), squashed, self.gamma.unsqueeze(1))
        alpha = self.alpha[:, :1].expand(-1, self.channels)
        return scale(scale(x, alpha).tanh_(), self.gamma, self.beta)
