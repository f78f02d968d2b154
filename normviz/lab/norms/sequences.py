"""Batch norm in networks that read sequences: padding left out, and statistics for each step of a recurrence.

Legend: E members, N samples (or tokens: samples × steps), C channels, T steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from normviz.lab.norms.base import require_channels, require_values
from normviz.lab.norms.batch import BatchNorm
from normviz.lab.norms.standardize import scale


class MaskedBatchNorm(BatchNorm):
    r"""Batch norm whose statistics leave the padding out: set ``exists`` before each forward pass.

    With the mask $m$, $\mu_B=\sum_n m_n x_n/\sum_n m_n$ and likewise $\sigma_B^2$; the padding itself is
    normalized by them too.  A member with a single value that exists keeps its running statistics, and its
    output is β: there is nothing to standardize it by.

    Shapes: x [E, N, C].
    """

    exists: Tensor | None = None
    """[E, N] bool, or None: all of them."""

    def forward(self, x: Tensor) -> Tensor:
        """By the statistics of what exists in train mode, by the running ones in eval mode."""
        if self.exists is None or not self.training:
            return super().forward(x)
        require_channels(x, self.members, self.num_features)
        y, mean, var, counts = standardize_existing(x, self.exists, self.eps)
        self.update_existing(mean, var, counts)
        return self.affine(y)

    def affine(self, xhat: Tensor) -> Tensor:
        """γ·x̂ + β."""
        assert self.gamma is not None
        assert self.beta is not None
        return torch.addcmul(self.beta.unsqueeze(1), xhat, self.gamma.unsqueeze(1))

    @torch.no_grad()
    def update_existing(self, mean_E1C: Tensor, var_E1C: Tensor, counts_E11: Tensor) -> None:
        """Move the running statistics of the members that have more than one value."""
        running_mean, running_var = self.running_mean, self.running_var
        if not self.update_statistics or running_mean is None or running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        move(running_mean, running_var, mean_E1C, var_E1C, counts_E11, self._kept(1))


class StepBatchNorm(MaskedBatchNorm):
    r"""Batch norm inside a recurrence: each step by the batch at that step, with its own running statistics.

    $h_t=\varphi(\mathrm{BN}_t(W_x x_t+W_h h_{t-1}+b))$; γ and β are shared by all steps.  The statistics of
    the first steps differ from the later ones, since the state starts at zero; ``by_step`` False uses one
    set for all of them.  Beyond the last step that was trained its statistics are used.  ``running_mean`` and
    ``running_var`` are those of all steps together.

    Shapes: x [E, N, C] of step ``step``; step_mean, step_var [E, T, C].
    Source: Cooijmans et al. 2017, Recurrent Batch Normalization, arXiv:1603.09025, sections 3 and 4 (γ starts
    at 0.1 there, at 1 here, as in torch).
    """

    step_mean: Tensor
    step_var: Tensor

    def __init__(
        self, members: int, num_features: int, steps: int, eps: float = 1e-5, momentum: float | None = 0.1
    ) -> None:
        super().__init__(members, num_features, eps, momentum)
        self.register_buffer("step_mean", torch.zeros(members, steps, num_features))
        self.register_buffer("step_var", torch.ones(members, steps, num_features))
        self.step = 0
        """Which step the next forward pass computes."""
        self.by_step = True
        """Whether eval mode uses the statistics of each step, or those of all steps together."""

    def forward(self, x: Tensor) -> Tensor:
        """One step."""
        require_channels(x, self.members, self.num_features)
        place = min(self.step, self.step_mean.shape[1] - 1)
        if not self.training:
            return self._evaluated(x, place)
        require_values(x.shape[1], "value per channel", x.shape[1:])
        exists = self.exists
        if exists is None:
            exists = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        y, mean, var, counts = standardize_existing(x, exists, self.eps)
        self._update_step(place, mean, var, counts)
        return self.affine(y)

    def _evaluated(self, x: Tensor, place: int) -> Tensor:
        if not self.by_step:
            return self.running(x)
        factor = (self.step_var[:, place] + self.eps).rsqrt()
        if self.gamma is not None:
            factor = factor * self.gamma
        shift = -self.step_mean[:, place] * factor
        return scale(x, factor, shift if self.beta is None else shift + self.beta)

    @torch.no_grad()
    def _update_step(self, place: int, mean: Tensor, var: Tensor, counts: Tensor) -> None:
        if not self.update_statistics:
            return
        assert self.num_batches_tracked is not None
        if self.step == 0:
            self.num_batches_tracked.add_(1)  # a sequence is one batch
        kept = self._kept(1)
        move(self.step_mean[:, place], self.step_var[:, place], mean, var, counts, kept)
        if place == self.step_mean.shape[1] - 1:
            self._pool()

    def _pool(self) -> None:
        """Statistics of all steps together: the mean variance within steps, and the variance between them."""
        assert self.running_mean is not None
        assert self.running_var is not None
        self.running_mean.copy_(self.step_mean.mean(1))
        between = (self.step_mean - self.running_mean.unsqueeze(1)).square().mean(1)
        self.running_var.copy_(self.step_var.mean(1) + between)


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


def move(
    mean: Tensor, var: Tensor, new_E1C: Tensor, var_E1C: Tensor, counts_E11: Tensor, kept: float
) -> None:
    """running ← (1 - kept)·running + kept·new in place, with the unbiased variance; [E, C]."""
    counts = counts_E11.squeeze(2)
    weight = kept * (counts > 1).to(mean.dtype)
    unbiased = counts / (counts - 1.0).clamp(min=1.0)
    mean.lerp_(new_E1C.squeeze(1), weight)
    var.lerp_(var_E1C.squeeze(1) * unbiased, weight)
