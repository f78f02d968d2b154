"""Noise behind a norm: what leaves it gets another mean and another spread in every step.

Legend: E members, N samples, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from normviz.lab.norms.base import Norm
from normviz.lab.randoms import generator


@dataclass(frozen=True)
class Noise:
    r"""The distribution of the noise.  In every step each channel c of each layer draws

    $\mu_c\sim U(-\text{shift},\text{shift})$ and $\sigma_c\sim U(1,\text{stretch})$,

    and then each of its values y in the batch draws its own $m\sim U(\mu_c\pm\text{spread})$ and
    $s\sim N(\sigma_c,\text{spread}^2)$ and becomes $s\,y+m$.  All zero, stretch 1: no noise.

    Source: after Santurkar et al. 2018, arXiv:1805.11604, section 2.2: noise of a non-zero mean and a
    variance other than one behind batch norm, from a distribution that changes at each step.
    """

    shift: float
    stretch: float
    spread: float


class Disturbance:
    """Draws the noise of E members; members of one seed share it, as they share dropout's masks.

    For each call every seed draws ``torch.rand(2, C)`` (for μ and σ), ``torch.rand`` and ``torch.randn`` of
    the activation's shape (for m and s), in this order.
    """

    def __init__(self, noise: Noise, seeds: Sequence[int], purpose: str = "noise") -> None:
        self.noise = noise
        self._distinct = tuple(dict.fromkeys(seeds))
        self._rows = torch.tensor([self._distinct.index(seed) for seed in seeds])
        self._shared = len(self._distinct) < len(seeds)
        self._sources = self._fresh(purpose)

    def _fresh(self, purpose: str) -> list[torch.Generator]:
        return [generator(seed, purpose) for seed in self._distinct]

    def __call__(self, y: Tensor) -> Tensor:
        """s·y + m for y [E, N, C, *spatial]."""
        drawn = [self._draw(source, y.shape[1:]) for source in self._sources]
        s, m = (torch.stack(one) for one in zip(*drawn, strict=True))
        if self._shared:
            s, m = s[self._rows], m[self._rows]
        return torch.addcmul(m.to(y), y, s.to(y))

    def _draw(self, source: torch.Generator, shape: torch.Size) -> tuple[Tensor, Tensor]:
        noise, by_channel = self.noise, (1, shape[1], *[1] * (len(shape) - 2))
        mu, sigma = torch.rand(2, shape[1], generator=source).view(2, *by_channel)
        mean = noise.shift * (2.0 * mu - 1.0)
        deviation = 1.0 + (noise.stretch - 1.0) * sigma
        m = mean + noise.spread * (2.0 * torch.rand(shape, generator=source) - 1.0)
        s = deviation + noise.spread * torch.randn(shape, generator=source)
        return s, m

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Draw from the generators of looks ("passes") for a while, from their beginning."""
        kept, self._sources = self._sources, self._fresh("passes")
        try:
            yield
        finally:
            self._sources = kept

    def states(self) -> list[Tensor]:
        """Where the generators are, for a snapshot."""
        return [source.get_state() for source in self._sources]

    def restore(self, states: Sequence[Tensor]) -> None:
        """Put the generators back to where `states` found them."""
        for source, state in zip(self._sources, states, strict=True):
            source.set_state(state)


class Noisy(Norm):
    """A norm whose output is disturbed while training; in eval mode it is the norm itself.

    Raises:
        ValueError: the norm acts on weights, or is its own activation.
    """

    def __init__(self, norm: Norm, disturbance: Disturbance) -> None:
        super().__init__(norm.members)
        if norm.activates or type(norm).weight is not Norm.weight:
            raise ValueError(f"{type(norm).__name__} does not leave plain activations to disturb")
        self.norm = norm
        self.disturbance = disturbance

    def forward(self, x: Tensor) -> Tensor:
        """The norm's output, with noise in train mode."""
        self.norm.update_statistics = self.update_statistics
        y: Tensor = self.norm(x)
        return self.disturbance(y) if self.training else y

    def statistics(self) -> dict[str, Tensor]:
        """Those of the norm."""
        return self.norm.statistics()
