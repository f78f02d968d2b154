"""Data: handwritten digits, 8×8 pixels

Standardized by one mean and one standard deviation.  The split into training and test samples is a random
one, drawn afresh for each seed: the file is ordered by writer, and its last digits come from other writers.
"""

from __future__ import annotations

from functools import cache

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from normviz.export.pieces.draws import generator
from normviz.export.pieces.settings import DTYPE, N_TEST, N_TRAIN, SHAPE


@cache
def load_data(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training samples with their labels, test samples with their labels."""
    digits = load_digits()
    pixels = digits.images / 16.0
    pixels = (pixels - pixels.mean()) / pixels.std()
    x = torch.tensor(pixels, dtype=torch.float32).view(-1, *SHAPE).to(DTYPE)
    y = torch.tensor(digits.target)
    order = torch.randperm(len(y), generator=generator(seed, "split"))
    train, test = order[:N_TRAIN], order[-N_TEST:]
    return x[train], y[train], x[test], y[test]
