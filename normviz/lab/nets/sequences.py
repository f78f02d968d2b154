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
from normviz.lab.norms.sequences import MaskedBatchNorm, StepBatchNorm


class SequenceNet(Net):
    """Reads x [E, N, C, T], whose last channel says which steps exist, and answers after the last of them."""

    masked = True
    """Whether the statistics of batch norm leave the padding out."""

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


def built_norm(
    network: str, name: str, members: int, channels: int, spatial: tuple[int, ...], options: Mapping[str, Any]
) -> Norm:
    """A norm of the catalog for one of the networks that read sequences, but batch norm.

    Raises:
        ValueError: it does not apply to the network.
    """
    why = SEQUENCE_NETWORKS[network].reason(name)
    if why:
        raise ValueError(why)
    return norms.build(name, members, channels, spatial, **options)


def step_norm(
    network: str, name: str, members: int, channels: int, steps: int, options: Mapping[str, Any]
) -> Norm:
    """A norm inside a recurrence of so many steps."""
    if name == "batch":
        return StepBatchNorm(members, channels, steps, **options)
    return built_norm(network, name, members, channels, (), options)


def at_step(norm: Norm, step: int, exists: Tensor | None) -> None:
    """Say to a norm inside a recurrence which step comes, and which samples exist there."""
    tell(norm, exists)
    if isinstance(norm, StepBatchNorm):
        norm.step = step


def tell(norm: Norm, exists: Tensor | None) -> None:
    """Say to a batch norm which samples exist; other norms have nothing to leave out."""
    if isinstance(norm, MaskedBatchNorm):
        norm.exists = exists
