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

Why by hand: the cost is passes over memory.  `torch.var_mean` over the rows takes 60 times as long as a
sum, `F.batch_norm` needs a copy of [E, N, C], and `F.group_norm` is slow on channels last.  Where the kernel
of batch norm reads the activations as they lie (channels of pictures), it is used.  The variance is the mean
of the squared *differences* from the mean, so data with a mean of 1000 SD keep their variance.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from normviz.lab.norms.columns import standardize_columns


def standardize(
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    *,
    eps: float,
    parts: int = 1,
    pool: int = 1,
    center: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Standardize each channel, or groups of ``pool`` channels, over a part of the batch and all positions.

    $\hat x = (x-\mu)/\sqrt{\sigma^2+\varepsilon}$, y = γ·x̂ + β; without ``center``, μ is 0.

    ``parts``: 1 for statistics over the whole batch, N for statistics of each sample.

    Shapes: x [E, N, C, *spatial], γ and β [E, C] (both or none)
    -> y like x, μ and σ² (biased) [E, parts, C]; no gradient flows through μ and σ².
    """
    members, samples, channels, *spatial = x.shape
    if not spatial and center and parts == pool == 1 and gamma is not None and beta is not None:
        return standardize_columns(x, gamma, beta, eps)
    if spatial and center and pool == 1 and parts < samples:
        found = _StandardizePictures.apply(x, gamma, beta, eps, parts)  # type: ignore[no-untyped-call]
    else:
        found = _Standardize.apply(x, gamma, beta, eps, parts, pool, center)  # type: ignore[no-untyped-call]
    y, *statistics = found
    if spatial:
        mean, var = (one.view(parts, members, channels).transpose(0, 1) for one in statistics)
    else:
        mean, var = (one.view(members, parts, channels) for one in statistics)
    return y, mean, var


def scale(x: Tensor, gamma: Tensor, beta: Tensor | None = None) -> Tensor:
    """γ·x + β for each channel, or for each value of a sample.

    Shapes: x [E, N, C, *spatial], γ and β [E, C] or [E, C, *spatial] -> like x.
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


def _unrolled(x_RM: Tensor, like: Tensor) -> Tensor:
    """All rows of pictures or sequences as the activations that they came from: a view."""
    members, samples, channels, *spatial = like.shape
    return x_RM.view(samples, *spatial, members, channels).movedim((-2, -1), (0, 2))


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
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = arranged(x)
        y = torch.empty_like(x)
        x_BRM, y_BRM = rows(x, parts), rows(y, parts)
        side_by_side = x.ndim > 3
        share = 1.0 / (x_BRM.shape[1] * pool)
        if center:
            mean = _pooled(column_sums(x_BRM, side_by_side), pool).mul_(share)
            x_BRM = x_BRM - mean
        else:
            mean = x.new_zeros(len(x_BRM), 1, x_BRM.shape[2])
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
        ctx.mark_non_differentiable(mean, var)
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


class _StandardizePictures(Function):
    """The same for each channel of pictures and sequences, by torch's own kernel, block by block.

    For each sample by itself, the many small calls would take longer than the passes that they save.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor | None, beta: Tensor | None, eps: float, parts: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = arranged(x)
        y = torch.empty_like(x)
        x_BRM, y_BRM = rows(x, parts), rows(y, parts)
        mean, inverse = x.new_empty(2, parts, x_BRM.shape[2]).unbind()
        affine = None if gamma is None else gamma.flatten(), None if beta is None else beta.flatten()
        for kept in zip(x_BRM, y_BRM, mean, inverse, strict=True):
            torch.native_batch_norm(kept[0], *affine, None, None, True, 0.0, eps, out=kept[1:])
        var = inverse.pow(-2).sub_(eps).clamp_(min=0.0)
        ctx.save_for_backward(x_BRM, mean, inverse, gamma)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, var)
        ctx.set_materialize_grads(False)
        return y, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, *_: None) -> tuple[Tensor | None, ...]:
        x_BRM, mean, inverse, gamma = ctx.saved_tensors
        dy = arranged(dy)
        by_column = None if gamma is None else gamma.flatten()
        wanted = [True, gamma is not None, gamma is not None]
        blocks = [
            torch.ops.aten.native_batch_norm_backward(
                *tensors, by_column, None, None, *statistics, True, ctx.eps, wanted
            )
            for *tensors, statistics in zip(
                rows(dy, len(x_BRM)), x_BRM, zip(mean, inverse, strict=True), strict=True
            )
        ]
        dx, d_gamma, d_beta = blocks[0]
        if len(blocks) > 1:
            dx = torch.cat([block[0] for block in blocks])
            for block in blocks[1:]:
                d_gamma, d_beta = (None, None) if gamma is None else (d_gamma + block[1], d_beta + block[2])
        if gamma is not None:
            d_gamma, d_beta = d_gamma.view(gamma.shape), d_beta.view(gamma.shape)
        return _unrolled(dx, dy), d_gamma, d_beta, None, None


class _Scale(Function):
    """dx = γ·dy, dγ = Σ dy·x, dβ = Σ dy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor | None) -> Tensor:
        x = arranged(x)
        y = torch.empty_like(x)
        x_BRM, y_BRM = _rows_for(gamma, x), _rows_for(gamma, y)
        if beta is None:
            torch.mul(x_BRM, _by_column(gamma, x), out=y_BRM)
        else:
            torch.addcmul(_by_column(beta, x), x_BRM, _by_column(gamma, x), out=y_BRM)
        ctx.save_for_backward(x_BRM, gamma)
        ctx.shifts = beta is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x_BRM, gamma = ctx.saved_tensors
        dy = arranged(dy)
        dx = torch.empty_like(dy)
        dy_BRM, dx_BRM = _rows_for(gamma, dy), _rows_for(gamma, dx)
        side_by_side = dy.ndim > 3
        d_beta = _by_channel(column_sums(dy_BRM, side_by_side), gamma, side_by_side) if ctx.shifts else None
        products = torch.mul(dy_BRM, x_BRM, out=dx_BRM)
        d_gamma = _by_channel(column_sums(products, side_by_side), gamma, side_by_side)
        torch.mul(dy_BRM, _by_column(gamma, dy), out=dx_BRM)
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
    groups = sums_B1M.view(len(sums_B1M), 1, -1, pool).sum(3, keepdim=True)
    return groups.expand(-1, -1, -1, pool).contiguous().view(sums_B1M.shape)


def _rows_for(parameter: Tensor, x: Tensor) -> Tensor:
    """Rows of x in which each column has its own value of a parameter [E, C] or [E, C, *spatial]."""
    return rows(x) if parameter.ndim == 2 else rows(x).view(1, x.shape[1], -1)


def _by_column(parameter: Tensor, x: Tensor, parts: int = 1) -> Tensor:
    """A parameter for the columns of x: [B, 1, M], or [1, 1, M] if all blocks share it."""
    if x.ndim > 3:
        return parameter.movedim((0, 1), (-2, -1)).reshape(1, 1, -1)
    return parameter.unsqueeze(1) if parts == 1 else parameter.repeat_interleave(parts, 0).unsqueeze(1)


def _by_channel(sums_B1M: Tensor, parameter: Tensor, side_by_side: bool) -> Tensor:
    """Sums of the columns over the blocks that share a parameter, in the parameter's shape."""
    members, channels, *spatial = parameter.shape
    if not side_by_side:
        return sums_B1M.view(members, -1, channels).sum(1)
    if len(sums_B1M) > 1:
        sums_B1M = column_sums(sums_B1M.transpose(0, 1), True)
    return sums_B1M.view(*spatial, members, channels).movedim((-2, -1), (0, 1)).contiguous()
