"""Norms inside a recurrence

Statistics over the batch leave the padding out; each step has running statistics of its own (Cooijmans et al.
2017, arXiv:1603.09025).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.settings import (
    D_MAX,
    EPS,
    GHOST_SIZE,
    HAS_BATCH_NORM,
    MOMENTUM,
    POOLED,
    R_MAX,
)


class SequenceBatchNorm(nn.Module):
    """Batch norm of x [N, C] over the rows that exist, with running statistics for so many steps."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(steps, channels))
        self.register_buffer("running_var", torch.ones(steps, channels))
        if POOLED:
            self.by_step = True

    def forward(self, x: Tensor, exists: Tensor, step: int) -> Tensor:
        return self.standardized(x, exists, min(step, len(self.running_mean) - 1)) * self.weight + self.bias

    def standardized(self, x: Tensor, exists: Tensor, step: int) -> Tensor:
        """(x - μ)/σ, in training mode of the rows that exist, else the running ones of the step."""
        mean, var = self.running_mean[step], self.running_var[step]
        if POOLED and not self.by_step:
            mean = self.running_mean.mean(0)
            var = self.running_var.mean(0) + (self.running_mean - mean).square().mean(0)
        if self.training:
            if len(x) < 2:
                raise ValueError(f"Expected more than 1 value per channel, got input size {list(x.shape)}")
            if not exists.any():
                return x  # nobody looks at it
            rows = x[exists]
            mean, var, n = rows.mean(0), rows.var(0, correction=0), len(rows)
            if n > 1:
                self.running_mean[step].lerp_(mean.detach(), MOMENTUM)
                self.running_var[step].lerp_(var.detach() * n / (n - 1), MOMENTUM)
        return (x - mean) / (var + EPS).sqrt()


class SequenceGhostBatchNorm(SequenceBatchNorm):
    """The same over consecutive parts of the batch.  Hoffer et al. 2017, arXiv:1705.08741."""

    def forward(self, x: Tensor, exists: Tensor, step: int) -> Tensor:
        size = GHOST_SIZE if self.training else len(x)
        parts = zip(torch.split(x, size), torch.split(exists, size), strict=True)
        normalized = super().forward
        return torch.cat([normalized(*part, step) for part in parts])


class SequenceBatchRenorm(SequenceBatchNorm):
    """The same, corrected towards the running statistics of the step.  Ioffe 2017, arXiv:1702.03275."""

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__(channels, steps)
        self.r_max, self.d_max = R_MAX, D_MAX

    def standardized(self, x: Tensor, exists: Tensor, step: int) -> Tensor:
        running_mean = self.running_mean[step].clone()
        running_sigma = (self.running_var[step] + EPS).sqrt()
        xhat = super().standardized(x, exists, step)  # in training mode this moves the running statistics
        if self.training and exists.any():
            with torch.no_grad():  # no gradient flows through r and d
                rows = x[exists]
                mean, sigma = rows.mean(0), (rows.var(0, correction=0) + EPS).sqrt()
                r = (sigma / running_sigma).clamp(1 / self.r_max, self.r_max)
                d = ((mean - running_mean) / running_sigma).clamp(-self.d_max, self.d_max)
            xhat = xhat * r + d
        return xhat


def at_step(norm: nn.Module, x: Tensor, exists: Tensor, step: int) -> Tensor:
    """A norm inside a recurrence: one step [N, C] of the sequences, of which those in ``exists`` have it."""
    if HAS_BATCH_NORM and isinstance(norm, SequenceBatchNorm):
        by_step: Tensor = norm(x, exists, step)
        return by_step
    y: Tensor = norm(x)
    return y
