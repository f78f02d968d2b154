"""The training loss: cross entropy of every member.

Legend: E members, N samples, K classes.
"""

from __future__ import annotations

from typing import Any

import torch


class _CrossEntropy(torch.autograd.Function):
    """Forward and gradient in one pass over [E, K, N]; torch's log-softmax is slow over so few classes."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        samples = logits.shape[1]
        z = logits.transpose(1, 2).contiguous()
        z = z - z.amax(1, keepdim=True)
        chosen = z.gather(1, y.unsqueeze(1))
        exponentials = z.exp()
        total = exponentials.sum(1, keepdim=True)
        gradient = exponentials.div_(total)
        gradient.scatter_add_(1, y.unsqueeze(1), gradient.new_full((1, 1, 1), -1.0).expand_as(chosen))
        ctx.save_for_backward(gradient.div_(samples))
        return (total.log() - chosen).flatten(1).mean(1)

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return (gradient * outer[0].view(-1, 1, 1)).transpose(1, 2), None


def cross_entropy(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean over the samples of log Σ_k exp z_k - z_y, for every member.

    Shapes: logits [E, N, K], y [E, N] -> [E].
    """
    losses: torch.Tensor = _CrossEntropy.apply(logits, y)  # type: ignore[no-untyped-call]
    return losses
