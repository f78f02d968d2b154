"""Standardization of the columns of an MLP's activations, forward and backward in closed form.

Legend: E members, N samples, C channels.

The same as `standardize` for [E, N, C] and one part, in as few calls as it takes: on small networks what
counts is their number, and a stack of six norms and five seeds spends half of its time on it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, addcmul
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from normviz.lab.norms.base import constant


def standardize_columns(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    r"""$\hat x = (x-\mu)/\sqrt{\sigma^2+\varepsilon}$ for each channel over the batch, y = γ·x̂ + β.

    Shapes: x [E, N, C], γ and β [E, C] -> y like x, μ and σ² (biased) [E, 1, C], without gradient.
    """
    y, mean, var = _StandardizeColumns.apply(x, gamma, beta, eps)  # type: ignore[no-untyped-call]
    return y, mean, var


class _StandardizeColumns(Function):
    r"""dx = [g - mean(g) - x̂·mean(g·x̂)] / √(σ²+ε) with g = γ·dy; dβ = Σ dy, dγ = Σ dy·x̂."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        share = constant(1.0 / x.shape[1], x.dtype, x.device)
        mean = x.sum(1, True).mul_(share)
        x = x - mean
        y = x * x
        var = y.sum(1, True).mul_(share)
        inverse = (var + constant(eps, x.dtype, x.device)).rsqrt_()
        factor = inverse * gamma.unsqueeze(1)
        addcmul(beta.unsqueeze(1), x, factor, out=y)
        ctx.save_for_backward(x, inverse, factor)
        ctx.mark_non_differentiable(mean, var)
        ctx.set_materialize_grads(False)
        return y, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *_: None) -> tuple[Tensor, Tensor, Tensor, None]:
        x, inverse, factor = ctx.saved_tensors
        share = constant(-1.0 / x.shape[1], x.dtype, x.device)
        d_beta = dy.sum(1, True)
        dx = dy * x
        d_gamma = dx.sum(1, True).mul_(inverse)
        addcmul((d_beta * factor).mul_(share), dy, factor, out=dx)
        dx.addcmul_(x, (d_gamma * factor).mul_(inverse).mul_(share))
        return dx, d_gamma.squeeze(1), d_beta.squeeze(1), None
