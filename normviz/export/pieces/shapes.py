"""Data: shapes, colour pictures of 32×32 pixels

A figure on a dark ground; place, size, rotation and colours do not depend on the class.  Standardized by the
mean and the standard deviation of the training pictures.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from normviz.export.pieces.draws import generator
from normviz.export.pieces.settings import CLASSES, DTYPE, N_TEST, N_TRAIN, SHAPE
from normviz.lab.data.shapes import NOISE, pictures


@cache
def load_data(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training samples with their labels, test samples with their labels."""
    draws, n = generator(seed, "split"), N_TRAIN + N_TEST
    y = torch.randint(CLASSES, (n,), generator=draws)
    x = pictures(y, torch.rand(n, 12, generator=draws))
    x = x.add(torch.randn(n, *SHAPE, generator=draws), alpha=NOISE)
    train = x[:N_TRAIN].double()
    x = ((x - train.mean().item()) / train.std(correction=0).item()).to(DTYPE)
    return x[:N_TRAIN], y[:N_TRAIN], x[N_TRAIN:], y[N_TRAIN:]
