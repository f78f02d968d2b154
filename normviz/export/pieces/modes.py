"""Training mode on purpose

What a trained network answers when it is left in training mode.  Unless said otherwise its running statistics
stay: their momentum is zero meanwhile.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from normviz.export.pieces.settings import BATCH_SIZE, DEPLOY_BATCH, MOMENTUM
from normviz.export.pieces.statistics import set_momentum


@torch.no_grad()
def logits_of(net: nn.Module, x: Tensor, size: int = 0, momentum: float = 0.0) -> Tensor:
    """Outputs in eval mode; with a batch size those in training mode, without an incomplete last batch."""
    set_momentum(net, momentum)
    net.train(size > 0)
    batches = [batch for batch in torch.split(x, size or 1024) if not size or len(batch) == size]
    logits = torch.cat([net(batch) for batch in batches])
    net.train()
    set_momentum(net, MOMENTUM)
    return logits


def error(net: nn.Module, x: Tensor, y: Tensor, size: int = 0) -> float:
    """Share of the samples that the network gets wrong, in percent; see `logits_of`."""
    logits = logits_of(net, x, size)
    if not logits.isfinite().all():
        return math.nan
    return 100 * (logits.argmax(1) != y[: len(logits)]).double().mean().item()


@torch.no_grad()
def recalibrate(net: nn.Module, x: Tensor) -> None:
    """Set the running statistics to their mean over batches of training samples ("precise batch norm").

    Wu & Johnson 2021, arXiv:2105.07576, section 3.
    """
    set_momentum(net, None)
    net.train()
    for batch in torch.split(x, BATCH_SIZE):
        if len(batch) == BATCH_SIZE:
            net(batch)
    set_momentum(net, MOMENTUM)


def labels_in(net: nn.Module, x: Tensor, orders: list[Tensor]) -> Tensor:
    """Labels in training mode, [orders, samples]; -1 in a batch that is not complete."""
    labels = torch.full((len(orders), len(x)), -1)
    for given, order in zip(labels, orders, strict=True):
        predicted = logits_of(net, x[order], DEPLOY_BATCH).argmax(1)
        given[order[: len(predicted)]] = predicted
    return labels


def share_changing(labels: Tensor) -> float:
    """Share of the samples whose label is not the same in all orders, in percent."""
    complete = (labels >= 0).all(0)
    return 100 * (labels != labels[0]).any(0)[complete].double().mean().item()
