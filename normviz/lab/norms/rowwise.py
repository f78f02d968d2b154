"""Standardization of rows, forward and backward in closed form: layer norm, RMS norm, and weights.

Legend: E members, R rows, P values of a row.

Unlike in `standardize`, γ and β vary along the axis that is averaged.  `F.rms_norm` is several calls, and
shares its γ among all rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from normviz.lab.norms.base import constant


def standardize_rows(
    x_ERP: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    eps: float,
    center: bool = True,
) -> Tensor:
    r"""$\hat x = (x-\mu)/\sqrt{\sigma^2+\varepsilon}$ in each row, y = γ·x̂ + β; without ``center``, μ is 0.

    Shapes: x [E, R, P], γ and β [E, P] (β only with γ) -> like x.
    """
    y: Tensor = _StandardizeRows.apply(x_ERP, gamma, beta, eps, center)  # type: ignore[no-untyped-call]
    return y


class _StandardizeRows(Function):
    r"""dx = [g - mean(g) - x̂·mean(g·x̂)] / √(σ²+ε) with g = γ·dy; dβ = Σ dy, dγ = Σ dy·x̂ over the rows."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor | None, beta: Tensor | None, eps: float, center: bool
    ) -> Tensor:
        if center:
            x = x - _row_means(x)
        y = torch.mul(x, x)
        inverse = _row_means(y).add_(constant(eps, x.dtype, x.device)).rsqrt_()
        if gamma is None:
            xhat = torch.mul(x, inverse, out=y)
        else:
            xhat = x.mul_(inverse) if center else x * inverse
            if beta is None:
                torch.mul(xhat, gamma.unsqueeze(1), out=y)
            else:
                torch.addcmul(beta.unsqueeze(1), xhat, gamma.unsqueeze(1), out=y)
        ctx.save_for_backward(xhat, inverse, gamma)
        ctx.center, ctx.shifts = center, beta is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        xhat, inverse, gamma = ctx.saved_tensors
        d_gamma = d_beta = None
        products = dy * xhat
        if gamma is None:
            dx = dy.clone()
        else:
            d_gamma = products.sum(1)
            if ctx.shifts:
                d_beta = dy.sum(1)
            by_row = gamma.unsqueeze(1)
            products.mul_(by_row)
            dx = dy * by_row
        mean_g_xhat = _row_means(products)
        if ctx.center:
            dx.sub_(_row_means(dx))
        dx.sub_(torch.mul(xhat, mean_g_xhat, out=products)).mul_(inverse)
        return dx, d_gamma, d_beta, None, None


def _row_means(x_ERP: Tensor) -> Tensor:
    return x_ERP.sum(2, keepdim=True).mul_(constant(1.0 / x_ERP.shape[2], x_ERP.dtype, x_ERP.device))
