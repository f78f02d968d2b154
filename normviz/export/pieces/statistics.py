"""Running statistics

Batch norm's momentum is the weight of the new value; with zero a forward pass in training mode leaves the
running statistics as they are.
"""

from __future__ import annotations

from torch import nn

from normviz.export.pieces.settings import BatchNorm


def set_momentum(net: nn.Module, momentum: float | None) -> None:
    """The weight of the new value in the running statistics; None: the mean over all batches from now on."""
    for module in net.modules():
        if isinstance(module, BatchNorm):
            module.momentum = momentum
            module.get_buffer("num_batches_tracked").zero_()
