"""Norms over the batch in networks that read sequences: padding left out, statistics for each step.

Batch norm, ghost batch norm and batch renormalization, each in two forms.  The masked one normalizes tokens,
all those of a batch together; the form by step stands inside a recurrence and sees one step at a time.

Legend: E members, N samples (or tokens: samples × steps), K ghost batches, C channels, T steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from normviz.lab.norms.base import require_channels, require_values
from normviz.lab.norms.batch import BatchNorm, BatchRenorm, GhostBatchNorm, RunningNorm


class Masked(RunningNorm):
    """Statistics of the batch that leave the padding out: set ``exists`` before each forward pass.

    Shapes: x [E, N, C].
    """

    exists: Tensor | None = None
    """[E, N] bool, or None: all of them."""
    tokens: int = 1
    """Rows of x that are one sample: the steps of a sequence, all in one pass, or 1 inside a recurrence."""

    def forward(self, x: Tensor) -> Tensor:
        """By the statistics of what exists in train mode, by the running ones in eval mode."""
        if self.exists is None or not self.training:
            return super().forward(x)
        require_channels(x, self.members, self.num_features)
        return self.by_existing(x, self.exists)

    def by_existing(self, x: Tensor, exists: Tensor) -> Tensor:
        """x normalized by the statistics of what exists, which move the running ones."""
        xhat, mean, var, counts = standardize_parts(x, exists, self.eps, self.together(x))
        y = self.affine(xhat, mean, var)
        self.update_existing(mean, var, counts)
        return y

    def affine(self, xhat: Tensor, mean_EKC: Tensor, var_EKC: Tensor) -> Tensor:
        """γ·x̂ + β; the statistics are those that x̂ was standardized by."""
        assert self.gamma is not None
        assert self.beta is not None
        return torch.addcmul(self.beta.unsqueeze(1), xhat, self.gamma.unsqueeze(1))

    @torch.no_grad()
    def update_existing(self, mean_EKC: Tensor, var_EKC: Tensor, counts_EK1: Tensor) -> None:
        """Move the running statistics by those of K parts, of each member those with more than one value."""
        if not self.update_statistics:
            return
        parts = mean_EKC.shape[1]
        self.count(parts)
        move(*self.current(), mean_EKC, var_EKC, counts_EK1, self._shares(parts))

    def count(self, batches: int) -> None:
        """So many batches more have moved the running statistics."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(batches)

    def _shares(self, parts: int) -> Sequence[float]:
        """How much of a running statistic each of K parts replaces, one after the other."""
        if self.momentum is not None:
            return [self._kept(1)] * parts
        last = int(self.num_batches_tracked or 0)
        return [1.0 / (last - later) for later in range(parts - 1, -1, -1)]


class MaskedBatchNorm(Masked, BatchNorm):
    r"""Batch norm whose statistics leave the padding out.

    With the mask $m$, $\mu_B=\sum_n m_n x_n/\sum_n m_n$ and likewise $\sigma_B^2$; the padding itself is
    normalized by them too.  A member with a single value that exists keeps its running statistics, and its
    output is β: there is nothing to standardize it by.

    Shapes: x [E, N, C].
    """


class MaskedGhostBatchNorm(Masked, GhostBatchNorm):
    """Ghost batch norm that leaves the padding out: each ghost batch by what exists in it.

    A ghost batch is ``ghost_size`` *samples* with all their tokens, not as many tokens: it stands for what
    one device of several would hold, and a sequence lies whole on one.  So all steps of a sequence are
    normalized by the same numbers, and which samples go together depends neither on their lengths nor on the
    padding behind them.  A ghost batch with a single value that exists moves nothing, and its output is β.

    Shapes: x [E, N, C], the tokens of a sample one behind the other.
    """

    def together(self, x: Tensor) -> int:
        """Tokens of a ghost batch."""
        return min(self.ghost_size * self.tokens, x.shape[1])


class MaskedBatchRenorm(Masked, BatchRenorm):
    """Batch renormalization that leaves the padding out, of the statistics and so of the correction.

    Where a member has a single value, x̂ is 0 and its output γ·d + β: what eval mode gives, as far as
    ``d_max`` allows.  No gradient flows to that value, and the running statistics stay.

    Shapes: x [E, N, C].
    """

    def affine(self, xhat: Tensor, mean_EKC: Tensor, var_EKC: Tensor) -> Tensor:
        """γ·(x̂·r + d) + β."""
        assert self.gamma is not None
        assert self.beta is not None
        r, d = self.correction(mean_EKC, var_EKC)
        gamma, beta = self.gamma.unsqueeze(1), self.beta.unsqueeze(1)
        return torch.addcmul(gamma * d + beta, xhat, gamma * r)


class Stepped(Masked):
    r"""A norm inside a recurrence: each step by the batch at that step, with its own running statistics.

    $h_t=\varphi(\mathrm{norm}_t(W_x x_t+W_h h_{t-1}+b))$; γ and β are shared by all steps.  The statistics of
    the first steps differ from the later ones, since the state starts at zero; ``by_step`` False uses one
    set for all of them.  Beyond the last step that was trained its statistics are used.  ``running_mean`` and
    ``running_var`` are those of all steps together.

    Shapes: x [E, N, C] of step ``step``; step_mean, step_var [E, T, C].
    Raises:
        ValueError: there is a single sample to take statistics of, in train mode.
    Source: Cooijmans et al. 2017, Recurrent Batch Normalization, arXiv:1603.09025, sections 3 and 4 (γ starts
    at 0.1 there, at 1 here, as in torch).
    """

    step_mean: Tensor
    step_var: Tensor

    def __init__(self, members: int, num_features: int, steps: int, **options: Any) -> None:
        super().__init__(members, num_features, **options)
        self.register_buffer("step_mean", torch.zeros(members, steps, num_features))
        self.register_buffer("step_var", torch.ones(members, steps, num_features))
        self.step = 0
        """Which step the next forward pass computes."""
        self.by_step = True
        """Whether eval mode uses the statistics of each step, or those of all steps together."""

    def forward(self, x: Tensor) -> Tensor:
        """One step."""
        require_channels(x, self.members, self.num_features)
        if not self.training:
            return self.running(x)
        samples, size = x.shape[1], self.together(x)
        for last in {size, samples % size or size}:
            require_values(last, "value per channel", (last, *x.shape[2:]))
        exists = self.exists
        if exists is None:
            exists = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        return self.by_existing(x, exists)

    def current(self) -> tuple[Tensor, Tensor]:
        """Those of the step; in eval mode, if ``by_step`` is False, those of all steps together."""
        if not (self.training or self.by_step):
            return super().current()
        return self.step_mean[:, self._place], self.step_var[:, self._place]

    @torch.no_grad()
    def update_existing(self, mean_EKC: Tensor, var_EKC: Tensor, counts_EK1: Tensor) -> None:
        """Move those of the step, and after the last one those of all steps together."""
        super().update_existing(mean_EKC, var_EKC, counts_EK1)
        if self.update_statistics and self._place == self.step_mean.shape[1] - 1:
            self._pool()

    def count(self, batches: int) -> None:
        """A sequence is one batch, whatever its steps."""
        if self.step == 0:
            super().count(batches)

    @property
    def _place(self) -> int:
        """The step whose statistics are used."""
        return min(self.step, self.step_mean.shape[1] - 1)

    def _pool(self) -> None:
        """Statistics of all steps together: the mean variance within steps, and the variance between them."""
        assert self.running_mean is not None
        assert self.running_var is not None
        self.running_mean.copy_(self.step_mean.mean(1))
        between = (self.step_mean - self.running_mean.unsqueeze(1)).square().mean(1)
        self.running_var.copy_(self.step_var.mean(1) + between)


class StepBatchNorm(Stepped, MaskedBatchNorm):
    """Batch norm inside a recurrence."""


class StepGhostBatchNorm(Stepped, MaskedGhostBatchNorm):
    """Ghost batch norm inside a recurrence: the same samples are a ghost batch at every step.

    At a late step little may be left of a small one; with one sequence it moves nothing, and its output is β.
    """


class StepBatchRenorm(Stepped, MaskedBatchRenorm):
    """Batch renormalization inside a recurrence, corrected towards the running statistics of each step."""


def standardize_existing(x: Tensor, exists: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""$\hat x = (x-\mu)/\sqrt{\sigma^2+\varepsilon}$ for each channel, μ and σ² over the samples that exist.

    Shapes: x [E, N, C], exists [E, N] -> x̂ like x, μ and σ² (biased) [E, 1, C], their numbers [E, 1, 1].
    """
    weight = exists.to(x.dtype).unsqueeze(2)
    counts = weight.sum(1, keepdim=True)
    share = counts.clamp(min=1.0).reciprocal()
    mean = (x * weight).sum(1, keepdim=True) * share
    centred = x - mean
    var = (centred.square() * weight).sum(1, keepdim=True) * share
    return centred * (var + eps).rsqrt(), mean, var, counts


def standardize_parts(
    x: Tensor, exists: Tensor, eps: float, size: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same for each part of ``size`` rows; what is left over at the end is a smaller one.

    Shapes: x [E, N, C], exists [E, N] -> x̂ like x, μ and σ² [E, K, C], their numbers [E, K, 1].
    """
    members, rows, channels = x.shape
    if size == rows:
        return standardize_existing(x, exists, eps)
    whole = rows - rows % size
    # Parts of one size lie one behind the other, as members of their own would.
    parts = x[:, :whole].reshape(-1, size, channels), exists[:, :whole].reshape(-1, size)
    xhat, mean, var, counts = (
        one.view(members, -1, one.shape[2]) for one in standardize_existing(*parts, eps)
    )
    if whole == rows:
        return xhat, mean, var, counts
    left = standardize_existing(x[:, whole:], exists[:, whole:], eps)
    pairs = zip((xhat, mean, var, counts), left, strict=True)
    y, mean, var, counts = (torch.cat(pair, 1) for pair in pairs)
    return y, mean, var, counts


def move(
    mean: Tensor, var: Tensor, new_EKC: Tensor, var_EKC: Tensor, counts_EK1: Tensor, shares: Sequence[float]
) -> None:
    """running ← (1 - share)·running + share·new for one part after the other, in place; [E, C].

    With the unbiased variance; a part of at most one value is passed over.
    """
    counts = counts_EK1.squeeze(2)
    weights = counts.new_tensor(shares) * (counts > 1).to(mean.dtype)
    unbiased = (counts / (counts - 1.0).clamp(min=1.0)).unsqueeze(2)
    if len(shares) == 1:
        mean.lerp_(new_EKC.squeeze(1), weights)
        var.lerp_((var_EKC * unbiased).squeeze(1), weights)
        return
    # What the k-th part gives is multiplied by what each later one leaves of it.
    left = (1.0 - weights).flip(1).cumprod(1).flip(1)
    own = (weights * torch.cat((left[:, 1:], torch.ones_like(left[:, :1])), 1)).unsqueeze(2)
    mean.mul_(left[:, :1]).add_((new_EKC * own).sum(1))
    var.mul_(left[:, :1]).add_((var_EKC * unbiased * own).sum(1))
