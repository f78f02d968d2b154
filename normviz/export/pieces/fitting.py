"""The training loop

As everywhere: loss, gradients, step.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.modes import error
from normviz.export.pieces.settings import BATCH_SIZE, CURVE_STEPS, RENORM, STEPS, VALIDATION_BATCH
from normviz.export.pieces.training import batches, set_limits


def fit(net: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> bool:
    """Train a network; whether its loss has stayed finite."""
    x, y = load_data(seed)[:2]
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    if RENORM:
        set_limits(net, 0)
    for step in range(1, STEPS + 1):
        batch = next(order)
        loss = F.cross_entropy(net(x[batch]), y[batch])
        if not loss.isfinite():
            print(f"seed {seed} diverged at step {step}")
            return False
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if RENORM:
            set_limits(net, step)
        if CURVE_STEPS and step in CURVE_STEPS:
            tested = load_data(seed)[2:]
            both = error(net, *tested), error(net, *tested, VALIDATION_BATCH)
            print(f"{step:6}{loss.item():12.6f}{both[0]:12.2f}%{both[1]:15.2f}%")
    return True
