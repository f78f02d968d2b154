"""Norms that act on the weights of the layer before: weight norm, weight standardization.

Legend: E members, O outputs of the layer, F its fan-in (flattened: of a convolution, channels × kernel).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.lab.norms.base import Norm
from normviz.lab.norms.rowwise import standardize_rows
from normviz.lab.norms.sample import GroupNorm


class WeightNorm(Norm):
    r"""Weight normalization: the direction v and the length g of each unit's weights are learned apart.

    $w = g\,v/\lVert v\rVert$.  v is the layer's own parameter; `init_from` sets g to ‖v‖, so that the
    network starts as the plain one.

    Shapes: g [E, O], v and w [E, O, F].
    Source: Salimans & Kingma 2016, arXiv:1602.07868, equation 2; torch.nn.utils.parametrizations.weight_norm,
    where g is original0 and v original1.
    """

    def __init__(self, members: int, out_features: int) -> None:
        super().__init__(members)
        self.g = nn.Parameter(torch.ones(members, out_features))

    @torch.no_grad()
    def init_from(self, w_EOF: Tensor) -> None:
        """g = ‖w‖ for each unit."""
        self.g.copy_(w_EOF.square().sum(2).sqrt())

    def weight(self, w_EOF: Tensor) -> Tensor:
        """g·v/‖v‖; as v/‖v‖ is v divided by its root mean square and by √F, it is RMS norm of the weights."""
        direction = standardize_rows(w_EOF, eps=0.0, center=False)
        lengths: Tensor = self.g / w_EOF.shape[2] ** 0.5
        return direction * lengths.unsqueeze(2)


class WeightStandardization(GroupNorm):
    r"""Weight standardization, followed by group normalization of the activations, as is usual.

    $w = (v-\bar v)/\sqrt{\operatorname{Var}(v)+\varepsilon_w}$ over each fan-in (biased variance).

    Shapes: v and w [E, O, F], x [E, N, C, *spatial].
    Source: Qiao et al. 2019, arXiv:1903.10520.
    """

    def __init__(
        self,
        members: int,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        weight_eps: float = 1e-6,
    ) -> None:
        super().__init__(members, num_groups, num_channels, eps, affine)
        self.weight_eps = weight_eps

    def weight(self, w_EOF: Tensor) -> Tensor:
        """Each unit's weights with mean 0 and variance 1."""
        return standardize_rows(w_EOF, eps=self.weight_eps)
