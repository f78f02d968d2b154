"""Norms inside a recurrence

Batch norm leaves the padding out of its statistics; each step has running statistics of its own (Cooijmans et
al. 2017, arXiv:1603.09025).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from normviz.export.pieces.settings import EPS, HAS_BATCH_NORM, MOMENTUM, POOLED


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
        step = min(step, len(self.running_mean) - 1)
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
        return (x - mean) / (var + EPS).sqrt() * self.weight + self.bias


def at_step(norm: nn.Module, x: Tensor, exists: Tensor, step: int) -> Tensor:
    """A norm inside a recurrence: one step [N, C] of the sequences, of which those in ``exists`` have it."""
    if HAS_BATCH_NORM and isinstance(norm, SequenceBatchNorm):
        by_step: Tensor = norm(x, exists, step)
        return by_step
    y: Tensor = norm(x)
    return y
