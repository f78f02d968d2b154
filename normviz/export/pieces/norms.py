"""Normalization

torch's own layers where it has them; the others written out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from normviz.export.pieces.sequence_norms import (
    SequenceBatchNorm,
    SequenceBatchRenorm,
    SequenceGhostBatchNorm,
)
from normviz.export.pieces.settings import (
    D_MAX,
    EPS,
    GHOST_SIZE,
    GROUPS,
    MOMENTUM,
    NETWORK,
    OWN_EPS,
    R_MAX,
    SHAPE,
    BatchNorm,
    InstanceNorm,
)


def normalization(norm: str, shape: tuple[int, ...]) -> nn.Module:
    """The module that normalizes activations [N, *shape]; the channels come first in their shape."""
    if norm == "batch":
        if NETWORK in ("rnn", "gru"):
            return SequenceBatchNorm(shape[0], SHAPE[1])
        return BatchNorm(shape[0], EPS, MOMENTUM)
    if norm == "layer":
        return nn.LayerNorm(shape, EPS)
    if norm == "group":
        return nn.GroupNorm(GROUPS, shape[0], EPS)
    if norm == "instance":
        return InstanceNorm(shape[0], EPS)
    if norm == "rms":
        if OWN_EPS:
            return nn.RMSNorm(shape, EPS)
        return nn.RMSNorm(shape)
    if norm == "batch_renorm":
        if NETWORK in ("rnn", "gru"):
            return SequenceBatchRenorm(shape[0], SHAPE[1])
        return BatchRenorm(shape[0])
    if norm == "frn":
        return FilterResponseNorm(shape[0])
    if norm == "weight_standardization":
        return nn.GroupNorm(GROUPS, shape[0], EPS)  # usual behind standardized weights
    if norm == "ghost_batch":
        if NETWORK in ("rnn", "gru"):
            return SequenceGhostBatchNorm(shape[0], SHAPE[1])
        return GhostBatchNorm(shape[0])
    if norm == "dyt":
        return DynamicTanh(shape[0])
    return nn.Identity()


def reparametrize(norm: str, layer: nn.Module) -> nn.Module:
    """Let the layer use normalized weights, if that is what the norm does."""
    if norm == "weight_norm":
        parametrizations.weight_norm(layer)
    if norm == "weight_standardization":
        parametrize.register_parametrization(layer, "weight", Standardized())
    return layer


class BatchRenorm(nn.Module):
    """Batch norm, corrected towards the running statistics; r_max = 1 and d_max = 0 is batch norm.

    Ioffe 2017, arXiv:1702.03275, algorithm 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = BatchNorm(channels, EPS, MOMENTUM, affine=False)
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.r_max, self.d_max = R_MAX, D_MAX

    def forward(self, x: Tensor) -> Tensor:
        return self.corrected(x, *self.running())

    def running(self) -> tuple[Tensor, Tensor]:
        """Running mean and standard deviation."""
        mean, var = self.norm.get_buffer("running_mean"), self.norm.get_buffer("running_var")
        return mean.clone(), (var + EPS).sqrt()

    def corrected(self, x: Tensor, running_mean: Tensor, running_sigma: Tensor) -> Tensor:
        """γ·(x̂·r + d) + β; no gradient flows through r and d."""
        shape = (1, -1, *[1] * (x.dim() - 2))
        xhat: Tensor = self.norm(x)  # in training mode this moves the running statistics
        if self.training:
            over = (0, *range(2, x.dim()))  # all but the channels
            with torch.no_grad():
                mean, sigma = x.mean(over), (x.var(over, correction=0) + EPS).sqrt()
                r = (sigma / running_sigma).clamp(1 / self.r_max, self.r_max)
                d = ((mean - running_mean) / running_sigma).clamp(-self.d_max, self.d_max)
            xhat = xhat * r.view(shape) + d.view(shape)
        return xhat * self.weight.view(shape) + self.bias.view(shape)


class FilterResponseNorm(nn.Module):
    """Each channel of a picture by its mean square; a learned threshold replaces the activation.

    Singh & Krishnan 2020, arXiv:1911.09737.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.threshold = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1, *[1] * (x.dim() - 2))
        eps = EPS if OWN_EPS else 1e-6
        xhat = x / (x.square().mean(tuple(range(2, x.dim())), keepdim=True) + eps).sqrt()
        y = xhat * self.weight.view(shape) + self.bias.view(shape)
        return torch.maximum(y, self.threshold.view(shape))


class Standardized(nn.Module):
    """The weights of each unit with mean 0 and variance 1.  Qiao et al. 2019, arXiv:1903.10520."""

    def forward(self, weight: Tensor) -> Tensor:
        rows = weight.flatten(1)
        centred = rows - rows.mean(1, keepdim=True)
        return (centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt()).view_as(weight)


class GhostBatchNorm(nn.Module):
    """Batch norm over consecutive parts of the batch.  Hoffer et al. 2017, arXiv:1705.08741."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = BatchNorm(channels, EPS, MOMENTUM)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, GHOST_SIZE) if self.training else (x,)
        return torch.cat([self.norm(part) for part in parts])


class DynamicTanh(nn.Module):
    """γ·tanh(αx) + β, with one α for the layer.  Zhu et al. 2025, arXiv:2503.10622."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(0.5))
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1, *[1] * (x.dim() - 2))
        return torch.tanh(self.alpha * x) * self.weight.view(shape) + self.bias.view(shape)
