"""The training loop

Networks that read sequences, trained with Adam.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import nn
from torch.nn import functional as F

from normviz.export.pieces.draws import generator
from normviz.export.pieces.marked import load_data
from normviz.export.pieces.settings import BATCH_SIZE, EVALUATE_EVERY, EVERY, RENORM, STEPS, TESTED
from normviz.export.pieces.training import accuracy_on, batches, new_optimizer, set_limits


def training_of(net: nn.Module, seed: int) -> Iterator[tuple[int, float, float | None]]:
    """Train one network; every few steps the loss of the last batch, and the accuracy if it is measured."""
    x, y, x_test, y_test = load_data(seed)
    optimizer = new_optimizer(net)
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    last = math.nan
    for step in range(STEPS + 1):
        if RENORM:
            set_limits(net, step)
        if step % EVERY == 0:
            tested = x_test[:TESTED], y_test[:TESTED]
            yield step, last, accuracy_on(net, *tested) if step % EVALUATE_EVERY == 0 else None
        if step == STEPS:
            return
        batch = next(order)
        loss = F.cross_entropy(net(x[batch]), y[batch])
        last = loss.item()
        if math.isfinite(last):
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
