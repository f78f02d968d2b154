"""What networks that read sequences share: steps that exist, and answers at every step.

Legend: E members, N samples, C channels, T steps, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from normviz.catalog.sequences import SEQUENCE_NETWORKS
from normviz.lab import norms
from normviz.lab.nets.layers import Dropout, Net, Tape
from normviz.lab.norms import Norm
from normviz.lab.norms.sequences import (
    Masked,
    MaskedBatchNorm,
    MaskedBatchRenorm,
    MaskedGhostBatchNorm,
    StepBatchNorm,
    StepBatchRenorm,
    StepGhostBatchNorm,
    Stepped,
)

MASKED: dict[str, type[Masked]] = {
    "batch": MaskedBatchNorm,
    "batch_renorm": MaskedBatchRenorm,
    "ghost_batch": MaskedGhostBatchNorm,
}
"""Norms over the batch that leave the padding out, by the name of the norm."""
STEPPED: dict[str, type[Stepped]] = {
    "batch": StepBatchNorm,
    "batch_renorm": StepBatchRenorm,
    "ghost_batch": StepGhostBatchNorm,
}
"""The same inside a recurrence."""


class SequenceNet(Net):
    """Reads x [E, N, C, T], whose last channel says which steps exist, and answers after the last of them."""

    masked = True
    """Whether statistics over the batch leave the padding out."""

    def states(self, x: Tensor, tape: Tape | None = None, dropout: Dropout | None = None) -> Tensor:
        """What the head sees at every step, [E, N, T, C]."""
        raise NotImplementedError

    def forward(self, x: Tensor, tape: Tape | None = None, dropout: Dropout | None = None) -> Tensor:
        """Logits after each sample's last step, [E, N, K]."""
        states = self.states(x, tape, dropout)
        last = existing(x).sum(2) - 1
        index = last[:, :, None, None].expand(-1, -1, 1, states.shape[3])
        return self._classified(states.gather(2, index).squeeze(2))

    def answers(self, x: Tensor) -> Tensor:
        """Logits at every step, from the steps up to it, [E, N, T, K]."""
        states = self.states(x)
        members, samples, steps, channels = states.shape
        logits = self._classified(states.reshape(members, samples * steps, channels))
        return logits.view(members, samples, steps, -1)

    def _classified(self, states: Tensor) -> Tensor:
        logits: Tensor = self.head(states.contiguous())
        return logits[..., : self.classes]


def existing(x: Tensor) -> Tensor:
    """Which steps exist, [E, N, T] bool."""
    return x[:, :, -1] > 0.5


def token_norm(
    network: str, name: str, members: int, channels: int, spatial: tuple[int, ...], options: Mapping[str, Any]
) -> Norm:
    """A norm of the catalog for tokens, or for each sample's ``spatial`` steps.

    Raises:
        ValueError: it does not apply to the network.
    """
    why = SEQUENCE_NETWORKS[network].reason(name)
    if why:
        raise ValueError(why)
    if name in MASKED:
        return MASKED[name](members, channels, **norms.options_of(name, options))
    return norms.build(name, members, channels, spatial, **options)


def step_norm(
    network: str, name: str, members: int, channels: int, steps: int, options: Mapping[str, Any]
) -> Norm:
    """A norm inside a recurrence of so many steps.

    Raises:
        ValueError: it does not apply to the network.
    """
    if name in STEPPED:
        return STEPPED[name](members, channels, steps, **norms.options_of(name, options))
    return token_norm(network, name, members, channels, (), options)


def at_step(norm: Norm, step: int, exists: Tensor | None) -> None:
    """Say to a norm inside a recurrence which step comes, and which samples exist there."""
    tell(norm, exists)
    if isinstance(norm, Stepped):
        norm.step = step


def tell(norm: Norm, exists: Tensor | None, tokens: int = 1) -> None:
    """Say to a norm over the batch which rows exist, and how many of them are one sample."""
    if isinstance(norm, Masked):
        norm.exists, norm.tokens = exists, tokens
