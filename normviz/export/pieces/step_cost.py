"""A step of the race

The next batch, forward and backward, and the optimizer's update.
"""

from __future__ import annotations

from collections.abc import Callable

from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.settings import BATCH_SIZE, TWO_CLASSES
from normviz.export.pieces.training import batches, new_optimizer, of_two_classes


def training_step(norm: str) -> Callable[[], None]:
    """One step on the next batch; a learning rate of 0 takes as long as any other."""
    x, y = load_data(0)[:2]
    net = network(norm, 0)
    optimizer = new_optimizer(net)
    draws = generator(0, "batches")
    order = of_two_classes(y, BATCH_SIZE, draws) if TWO_CLASSES else batches(len(y), BATCH_SIZE, draws)

    def step() -> None:
        batch = next(order)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x[batch]), y[batch])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
