"""Norms in a recurrence

A norm sees one step of the sequences.
"""

from __future__ import annotations

from torch import Tensor, nn

from normviz.export.pieces.sequence_norms import SequenceBatchNorm
from normviz.export.pieces.settings import HAS_BATCH_NORM


def normalized(norm: nn.Module, x: Tensor, exists: Tensor, step: int) -> Tensor:
    """One step [N, C] of the sequences, of which those in ``exists`` have it."""
    if HAS_BATCH_NORM and isinstance(norm, SequenceBatchNorm):
        by_step: Tensor = norm(x, exists, step)
        return by_step
    y: Tensor = norm(x)
    return y
