"""Norms whose output depends on batch-mates while training: batch norm, ghost batch norm, batch renorm.

Legend: E members, N samples, C channels, K ghost batches.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn

from normviz.lab.norms.base import Norm, constant, new_affine, require_channels, require_values
from normviz.lab.norms.standardize import scale, standardize


class RunningNorm(Norm):
    r"""A norm that may keep running statistics of each channel, and use them in eval mode.

    running ← (1 - momentum)·running + momentum·statistic, with the *unbiased* variance, as torch keeps it
    (activations are normalized by the biased one).  ``momentum`` None: the mean over all batches so far.
    Keras counts the other way round: its momentum 0.99 is 0.01 here.

    Source: torch.nn.BatchNorm1d.
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    gamma: nn.Parameter | None
    beta: nn.Parameter | None

    def __init__(
        self,
        members: int,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
    ) -> None:
        super().__init__(members)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.gamma, self.beta = new_affine(members, num_features) if affine else (None, None)
        tracked = track_running_stats
        self.register_buffer("running_mean", torch.zeros(members, num_features) if tracked else None)
        self.register_buffer("running_var", torch.ones(members, num_features) if tracked else None)
        self.register_buffer("num_batches_tracked", torch.tensor(0) if tracked else None)

    def current(self) -> tuple[Tensor, Tensor]:
        """The running mean and variance that the next pass uses or moves, each [E, C]."""
        assert self.running_mean is not None
        assert self.running_var is not None
        return self.running_mean, self.running_var

    def running(self, x: Tensor) -> Tensor:
        """x normalized by the running statistics, as in eval mode."""
        mean, var = self.current()
        factor = (var + self.eps).rsqrt()
        if self.gamma is not None:
            factor = factor * self.gamma
        shift = -mean * factor
        return scale(x, factor, shift if self.beta is None else shift + self.beta)

    def together(self, x: Tensor) -> int:
        """How many rows of x [E, N, C] share their statistics while training: all of them."""
        return x.shape[1]

    def update(self, mean_EKC: Tensor, var_EKC: Tensor, values: int) -> None:
        """Move the running statistics by those of K batches, one after the other.

        ``var_EKC`` is biased and was taken over ``values`` values.  The k-th of K updates keeps
        momentum·(1 - momentum)^(K-1-k) of its statistic.
        """
        mean, var, tracked = self.running_mean, self.running_var, self.num_batches_tracked
        if not self.update_statistics or mean is None or var is None or tracked is None:
            return
        batches = mean_EKC.shape[1]
        tracked.add_(batches)
        unbiased = constant(values / (values - 1), var.dtype, var.device)
        if batches > 1:
            mean_EKC, var_EKC = self._latest(mean_EKC), self._latest(var_EKC)
        weight = self._kept(batches)
        mean.lerp_(mean_EKC.squeeze(1), weight)
        var.lerp_(var_EKC.squeeze(1) * unbiased, weight)

    def parts(self, x: Tensor, size: int) -> int:
        """How many parts of ``size`` samples a batch has (0: it is one), each of which has a variance.

        Raises:
            ValueError: they do not come out even, or a channel has a single value in a part.
        """
        samples = x.shape[1]
        size = size or samples
        if samples % size:
            raise ValueError(f"a batch of {samples} is no whole number of parts of {size} samples")
        require_values(size * prod(x.shape[3:]), "value per channel", (size, *x.shape[2:]))
        return samples // size

    def update_once(self, mean_EKC: Tensor, var_EKC: Tensor, x: Tensor) -> None:
        r"""Move the running statistics once, by the mean of those of K parts of the batch x.

        The parts of a batch are normalized at the same time, before one update of the weights, as by K
        devices; after t updates $(1-m)^t$ of the running statistics is left, whatever K is.  Taken one
        after the other, the K parts would leave $(1-m)^{Kt}$: with parts of two samples, 16 of them and
        m = 0.1, nearly all of the running statistics would be those of the last batch, and the running
        variance would have a standard deviation of √(m/(2-m)·2/(B-1)) = 32% of itself on normal inputs (B =
        2; as every part's unbiased variance has a variance of 2σ⁴/(B-1)).  The mean of K parts has √K times
        less.  Batch renormalization corrects towards these numbers, so that their noise is noise of its
        output.
        """
        parts = mean_EKC.shape[1]
        if parts > 1:
            mean_EKC, var_EKC = mean_EKC.mean(1, keepdim=True), var_EKC.mean(1, keepdim=True)
        self.update(mean_EKC, var_EKC, x.shape[1] // parts * prod(x.shape[3:]))

    def _kept(self, batches: int) -> float:
        """How much of a running statistic is replaced by that many batches."""
        if self.momentum is None:
            assert self.num_batches_tracked is not None
            return batches / int(self.num_batches_tracked)
        return 1.0 - (1.0 - self.momentum) ** batches

    def _latest(self, statistic_EKC: Tensor) -> Tensor:
        """The mean of K statistics, weighted as by K updates, [E, 1, C]."""
        batches = statistic_EKC.shape[1]
        if self.momentum is None:
            weights = torch.full((batches,), 1.0 / batches)
        else:
            weights = (1.0 - self.momentum) ** torch.arange(batches - 1, -1, -1, dtype=torch.float64)
            weights /= weights.sum()
        weights = weights.to(statistic_EKC)[:, None]
        return (statistic_EKC.contiguous() * weights).sum(1, keepdim=True)


class BatchNorm(RunningNorm):
    r"""Batch normalization: each channel over the batch, and over the picture or the sequence.

    $y = \gamma\,\frac{x-\mu_B}{\sqrt{\sigma_B^2+\varepsilon}}+\beta$, in eval mode by the running statistics.

    ``statistics_size``: take μ_B and σ_B over consecutive parts of so many samples (0: over the whole batch).
    The running statistics then move once for all of them, unlike those of ghost batch norm.

    Shapes: x [E, N, C, *spatial].
    Raises:
        ValueError: a channel has a single value in train mode, or without running statistics; the batch is
            no whole number of parts.
    Source: Ioffe & Szegedy 2015, arXiv:1502.03167, Algorithm 1; torch.nn.BatchNorm1d, BatchNorm2d.
    """

    batch_dependent = True

    def __init__(
        self,
        members: int,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        statistics_size: int = 0,
    ) -> None:
        super().__init__(members, num_features, eps, momentum, affine, track_running_stats)
        self.statistics_size = statistics_size

    def forward(self, x: Tensor) -> Tensor:
        """By the batch's statistics in train mode, by the running ones in eval mode."""
        require_channels(x, self.members, self.num_features)
        if not self.training and self.running_mean is not None:
            return self.running(x)
        parts = self.parts(x, self.statistics_size)
        y, mean, var = standardize(x, self.gamma, self.beta, eps=self.eps, parts=parts)
        if self.training:
            self.update_once(mean, var, x)
        return y


class GhostBatchNorm(RunningNorm):
    """Batch normalization over ghost batches: consecutive parts of ``ghost_size`` samples.

    The running statistics move once for each ghost batch.  What is left over at the end of the batch is a
    smaller ghost batch; a batch below ``ghost_size`` is a single one.

    Shapes: x [E, N, C, *spatial].
    Raises:
        ValueError: a channel has a single value in a ghost batch.
    Source: Hoffer, Hubara & Soudry 2017, arXiv:1705.08741, Algorithm 1.
    """

    batch_dependent = True

    def __init__(
        self,
        members: int,
        num_features: int,
        ghost_size: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        if ghost_size < 1:
            raise ValueError(f"ghost_size ({ghost_size}) must be at least 1")
        super().__init__(members, num_features, eps, momentum, affine, track_running_stats)
        self.ghost_size = ghost_size

    def forward(self, x: Tensor) -> Tensor:
        """By the ghost batches' statistics in train mode, by the running ones in eval mode."""
        require_channels(x, self.members, self.num_features)
        if not self.training and self.running_mean is not None:
            return self.running(x)
        samples, size = x.shape[1], self.together(x)
        whole = samples - samples % size
        for last in {size, samples - whole or size}:
            require_values(last * prod(x.shape[3:]), "value per channel", (last, *x.shape[2:]))
        if whole == samples:
            return self._normalized(x, size)
        return torch.cat(
            (self._normalized(x[:, :whole], size), self._normalized(x[:, whole:], samples - whole)), 1
        )

    def together(self, x: Tensor) -> int:
        """Rows of a ghost batch."""
        return min(self.ghost_size, x.shape[1])

    def _normalized(self, x: Tensor, size: int) -> Tensor:
        y, mean, var = standardize(x, self.gamma, self.beta, eps=self.eps, parts=x.shape[1] // size)
        if self.training:
            self.update(mean, var, size * prod(x.shape[3:]))
        return y


class BatchRenorm(RunningNorm):
    r"""Batch renormalization: batch norm, corrected towards what eval mode would give.

    $\hat x = \frac{x-\mu_B}{\sigma_B}\,r + d$ with $r = \sigma_B/\sigma$ limited to [1/r_max, r_max] and
    $d = (\mu_B-\mu)/\sigma$ limited to ±d_max; no gradient flows through r and d.  μ and σ are the running
    statistics before the update.  With r_max = 1 and d_max = 0 it is batch norm; without limits its output
    is the eval output.  ``r_max`` and ``d_max`` may be set at any step, see `renorm_limits`.

    ``statistics_size``: take μ_B and σ_B over consecutive parts of so many samples (0: over the whole batch).
    All parts are corrected towards the running statistics before the batch, which then move once.

    Shapes: x [E, N, C, *spatial].
    Raises:
        ValueError: a channel has a single value in train mode, or the batch is no whole number of parts.
    Source: Ioffe 2017, arXiv:1702.03275, Algorithm 1.
    """

    batch_dependent = True

    def __init__(
        self,
        members: int,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        r_max: float = 3.0,
        d_max: float = 5.0,
        statistics_size: int = 0,
    ) -> None:
        super().__init__(members, num_features, eps, momentum, affine, True)
        self.r_max, self.d_max, self.statistics_size = r_max, d_max, statistics_size

    def forward(self, x: Tensor) -> Tensor:
        """By the batch's statistics, corrected, in train mode; by the running ones in eval mode."""
        require_channels(x, self.members, self.num_features)
        if not self.training:
            return self.running(x)
        xhat, mean, var = standardize(x, eps=self.eps, parts=self.parts(x, self.statistics_size))
        factor, shift = self.correction(mean, var)
        self.update_once(mean, var, x)
        if self.gamma is not None and self.beta is not None:
            gamma, beta = self.gamma.unsqueeze(1), self.beta.unsqueeze(1)
            factor, shift = gamma * factor, gamma * shift + beta
        return self._scaled(xhat, factor, shift)

    def _scaled(self, xhat: Tensor, factor_EKC: Tensor, shift_EKC: Tensor) -> Tensor:
        """Each part of a batch by its own factor and shift."""
        if factor_EKC.shape[1] == 1:
            return scale(xhat, factor_EKC.squeeze(1), shift_EKC.squeeze(1))
        if xhat.ndim == 3:  # the parts lie one behind the other, as members of their own would
            parts = xhat.view(-1, self.statistics_size, self.num_features)
            return scale(parts, factor_EKC.flatten(0, 1), shift_EKC.flatten(0, 1)).view_as(xhat)
        cut = torch.split(xhat, self.statistics_size, 1)
        each = zip(cut, factor_EKC.unbind(1), shift_EKC.unbind(1), strict=True)
        return torch.cat([scale(*part) for part in each], 1)

    @torch.no_grad()
    def correction(self, mean_EKC: Tensor, var_EKC: Tensor) -> tuple[Tensor, Tensor]:
        """r and d for the means and biased variances of K parts, each [E, K, C]."""
        mean, var = self.current()
        inverse = (var + self.eps).rsqrt().unsqueeze(1)
        r = ((var_EKC + self.eps).sqrt() * inverse).clamp(1.0 / self.r_max, self.r_max)
        d = ((mean_EKC - mean.unsqueeze(1)) * inverse).clamp(-self.d_max, self.d_max)
        return r, d


def renorm_limits(
    step: int, warmup: float = 5000, r_max: float = 3.0, d_max: float = 5.0
) -> tuple[float, float]:
    """The limits (r_max, d_max) of batch renormalization at a step.

    Plain batch norm (1, 0) for ``warmup`` steps, then both grow linearly: d until 5·warmup, r until 8·warmup.
    The default is the paper's schedule; a short run scales it down by its ``warmup``.

    Source: Ioffe 2017, arXiv:1702.03275, section 4.
    """
    progress = max(0.0, step / warmup - 1.0) if warmup else float("inf")
    return 1.0 + (r_max - 1.0) * min(1.0, progress / 7.0), d_max * min(1.0, progress / 4.0)
