"""Standardization of stacked activations, forward and backward in closed form.

Legend: E members, N samples, C channels, S positions of a picture or a sequence; K parts of a batch.

Activations are [E, N, C] or [E, N, C, *spatial].  The first lie in memory as they are written, the others
channels last with the members side by side, [N, *spatial, E, C]: what a grouped convolution over E·C
channels in `torch.channels_last` reads and writes.  Other strides are copied into these once.  Both are
then, without a copy, B blocks of R rows and M columns, and every statistic is taken over the rows:

| activations | statistics over | B, R, M |
| --- | --- | --- |
| [E, N, C] | the batch | E, N, C |
| [E, N, C] | K parts of the batch | E·K, N/K, C |
| [E, N, C, *spatial] | the batch and the positions | 1, N·S, E·C |
| [E, N, C, *spatial] | K parts of the batch and the positions (each sample: K = N) | K, N/K·S, E·C |

Why by hand: for activations in the cache the cost is passes over memory.  `torch.var_mean` over the rows
takes 60 times as long as a sum, `F.batch_norm` of pictures 1.5 to 3 times as long as this, and its kernel
needs a copy of [E, N, C].  The variance is the mean of the squared *differences* from the mean, so data of
mean 1000 SD keep their variance.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def standardize(
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    eps: float,
    parts: int = 1,
    pool: int = 1,
    center: bool = True,
) -> tuple[Tensor, Tensor | None, Tensor]:
    r"""Standardize each channel, or each group of ``pool`` channels, over a part of the batch and all positions.

    $\hat x = (x-\mu)/\sqrt{\sigma^2+\varepsilon}$, y = γ·x̂ + β; without ``center``, μ is 0.

    ``parts``: 1 for statistics over the whole batch, N for statistics of each sample.

    Shapes: x [E, N, C, *spatial], γ and β [E, C] (both or none)
    -> y like x, μ and σ² (biased) [E, parts, C]; no gradient flows through μ and σ².
    """
    y, mean, var = _Standardize.apply(x, gamma, beta, eps, parts, pool, center)  # type: ignore[no-untyped-call]
    by_member = (x.shape[0], parts, x.shape[2])
    return y, None if mean is None else _statistic(mean, by_member, x.ndim), _statistic(var, by_member, x.ndim)


def scale(x: Tensor, gamma: Tensor, beta: Tensor | None = None) -> Tensor:
    """γ·x + β for each channel.

    Shapes: x [E, N, C, *spatial], γ and β [E, C] -> like x.
    """
    y: Tensor = _Scale.apply(x, gamma, beta)  # type: ignore[no-untyped-call]
    return y


def threshold(x: Tensor, tau: Tensor) -> Tensor:
    """max(x, τ) for each channel; where x = τ the gradient goes to x.

    Shapes: x [E, N, C, *spatial], τ [E, C] -> like x.
    """
    y: Tensor = _Threshold.apply(x, tau)  # type: ignore[no-untyped-call]
    return y


def arranged(x: Tensor) -> Tensor:
    """x in the strides described at the head of this file; x itself if it has them."""
    if x.ndim == 3:
        return x.contiguous()
    return x.movedim((0, 2), (-2, -1)).contiguous().movedim((-2, -1), (0, 2))


def rows(x: Tensor, parts: int = 1) -> Tensor:
    """Arranged activations as blocks of rows of columns: a view [B, R, M]."""
    members, samples, channels = x.shape[:3]
    if x.ndim == 3:
        return x if parts == 1 else x.view(members * parts, samples // parts, channels)
    return x.movedim((0, 2), (-2, -1)).view(parts, -1, members * channels)


def column_sums(x_BRM: Tensor, side_by_side: bool) -> Tensor:
    """Sums over the rows, [B, 1, M], the same for a member alone and in any stack.

    torch adds up columns in blocks of four vectors (64 floats with AVX-512) and the columns that are left
    in another order.  Where the columns of all members lie side by side, the block that a column falls
    into would depend on its neighbours; so four rows are made one, of a multiple of 64 columns.
    """
    if not side_by_side:
        return x_BRM.sum(1, keepdim=True)
    blocks, height, columns = x_BRM.shape
    fours = height // 4
    quarters = x_BRM[:, : 4 * fours].reshape(blocks, fours, 4 * columns).sum(1).view(blocks, 4, 1, columns)
    sums = (quarters[:, 0] + quarters[:, 1]).add_(quarters[:, 2] + quarters[:, 3])
    for row in range(4 * fours, height):
        sums += x_BRM[:, row : row + 1]
    return sums


class _Standardize(Function):
    r"""dx = [g - mean(g) - x̂·mean(g·x̂)] / √(σ²+ε) with g = γ·dy; dβ = Σ dy, dγ = Σ dy·x̂."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        gamma: Tensor | None,
        beta: Tensor | None,
        eps: float,
        parts: int,
        pool: int,
        center: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        x = arranged(x)
        y = torch.empty_like(x)
        x_BRM, y_BRM = rows(x, parts), rows(y, parts)
        side_by_side = x.ndim > 3
        share = 1.0 / (x_BRM.shape[1] * pool)
        mean = None
        if center:
            mean = _pooled(column_sums(x_BRM, side_by_side), pool).mul_(share)
            x_BRM = x_BRM - mean
        squares = torch.mul(x_BRM, x_BRM, out=y_BRM)
        var = _pooled(column_sums(squares, side_by_side), pool).mul_(share)
        inverse = (var + eps).rsqrt_()
        if gamma is None or beta is None:
            factor = inverse
            torch.mul(x_BRM, factor, out=y_BRM)
        else:
            by_column = _by_column(gamma, x, parts)
            factor = inverse * by_column
            torch.addcmul(_by_column(beta, x, parts), x_BRM, factor, out=y_BRM)
        ctx.save_for_backward(x_BRM, inverse, factor, gamma)
        ctx.settings = parts, pool, center, share
        ctx.mark_non_differentiable(*((mean, var) if center else (var,)))
        ctx.set_materialize_grads(False)
        return y, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *_: None) -> tuple[Tensor | None, ...]:
        x_BRM, inverse, factor, gamma = ctx.saved_tensors
        parts, pool, center, share = ctx.settings
        dy = arranged(dy)
        dx = torch.empty_like(dy)
        dy_BRM, dx_BRM = rows(dy, parts), rows(dx, parts)
        side_by_side = dy.ndim > 3
        sum_dy = column_sums(dy_BRM, side_by_side)
        products = torch.mul(dy_BRM, x_BRM, out=dx_BRM)
        sum_dy_xhat = column_sums(products, side_by_side).mul_(inverse)
        d_gamma = d_beta = None
        mean_g, mean_g_xhat = sum_dy, sum_dy_xhat
        if gamma is not None:
            d_gamma = _by_channel(sum_dy_xhat, gamma, side_by_side)
            d_beta = _by_channel(sum_dy, gamma, side_by_side)
            by_column = _by_column(gamma, dy, parts)
            mean_g, mean_g_xhat = sum_dy * by_column, sum_dy_xhat * by_column
        if center:
            offset = (_pooled(mean_g, pool) * inverse).mul_(-share)
            torch.addcmul(offset, dy_BRM, factor, out=dx_BRM)
        else:
            torch.mul(dy_BRM, factor, out=dx_BRM)
        dx_BRM.addcmul_(x_BRM, (_pooled(mean_g_xhat, pool) * inverse).mul_(inverse).mul_(-share))
        return dx, d_gamma, d_beta, None, None, None, None


class _Scale(Function):
    """dx = γ·dy, dγ = Σ dy·x, dβ = Σ dy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor | None) -> Tensor:
        x = arranged(x)
        y = torch.empty_like(x)
        by_column = _by_column(gamma, x)
        if beta is None:
            torch.mul(rows(x), by_column, out=rows(y))
        else:
            torch.addcmul(_by_column(beta, x), rows(x), by_column, out=rows(y))
        ctx.save_for_backward(x, gamma)
        ctx.shifts = beta is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma = ctx.saved_tensors
        dy = arranged(dy)
        dx = torch.empty_like(dy)
        side_by_side = dy.ndim > 3
        products = torch.mul(rows(dy), rows(x), out=rows(dx))
        d_gamma = _by_channel(column_sums(products, side_by_side), gamma, side_by_side)
        d_beta = None
        if ctx.shifts:
            d_beta = _by_channel(column_sums(rows(dy), side_by_side), gamma, side_by_side)
        torch.mul(rows(dy), _by_column(gamma, dy), out=rows(dx))
        return dx, d_gamma, d_beta


class _Threshold(Function):
    """dx = dy where x ≥ τ, dτ = Σ dy where x < τ."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tau: Tensor) -> Tensor:
        x = arranged(x)
        y = torch.empty_like(x)
        by_column = _by_column(tau, x)
        torch.maximum(rows(x), by_column, out=rows(y))
        ctx.save_for_backward(rows(x) < by_column, tau)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
        below, tau = ctx.saved_tensors
        dy = arranged(dy)
        dx = torch.empty_like(dy)
        side_by_side = dy.ndim > 3
        to_tau = torch.mul(rows(dy), below, out=rows(dx))
        d_tau = _by_channel(column_sums(to_tau, side_by_side), tau, side_by_side)
        torch.sub(rows(dy), to_tau, out=rows(dx))
        return dx, d_tau


def _pooled(sums_B1M: Tensor, pool: int) -> Tensor:
    """Sums over groups of ``pool`` neighbouring columns, given to each of them."""
    if pool == 1:
        return sums_B1M
    groups = sums_B1M.unflatten(2, (-1, pool)).sum(3, keepdim=True)
    return groups.expand(-1, -1, -1, pool).reshape(sums_B1M.shape)


def _by_column(parameter: Tensor, x: Tensor, parts: int = 1) -> Tensor:
    """A parameter [E, C] for the columns of x: [B, 1, M], or [1, 1, M] if all blocks share it."""
    if x.ndim > 3:
        return parameter.reshape(1, 1, -1)
    return parameter.unsqueeze(1) if parts == 1 else parameter.repeat_interleave(parts, 0).unsqueeze(1)


def _by_channel(sums_B1M: Tensor, parameter: Tensor, side_by_side: bool) -> Tensor:
    """Sums of the columns, [B, 1, M], over the blocks that share a parameter: [E, C], as the parameter."""
    if sums_B1M.numel() == parameter.numel():
        return sums_B1M.view(parameter.shape)
    if side_by_side:
        return column_sums(sums_B1M.transpose(0, 1), True).view(parameter.shape)
    return sums_B1M.view(len(parameter), -1, parameter.shape[1]).sum(1)


def _statistic(statistic_B1M: Tensor, by_member: tuple[int, int, int], dimensions: int) -> Tensor:
    """A statistic of the columns as [E, parts, C]."""
    members, parts, channels = by_member
    if dimensions == 3:
        return statistic_B1M.view(by_member)
    return statistic_B1M.view(parts, members, channels).transpose(0, 1)
