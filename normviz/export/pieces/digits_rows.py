"""Data: handwritten digits, row by row

Pictures of 8×8 pixels as sequences of 8 rows, standardized by one mean and one standard deviation.  A sample
is [channels, steps]; its last channel says which steps exist: here all.  The split is a random one, drawn
afresh for each seed: the file is ordered by writer, and its last digits come from other writers.
"""

from __future__ import annotations

from functools import cache

import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional as F

from normviz.export.pieces.draws import generator
from normviz.export.pieces.settings import DTYPE, N_TRAIN


@cache
def load_data(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training samples with their labels, test samples with their labels."""
    digits = load_digits()
    pixels = digits.images / 16.0
    rows = torch.tensor((pixels - pixels.mean()) / pixels.std(), dtype=torch.float32)
    x = F.pad(rows.transpose(1, 2), (0, 0, 0, 1), value=1.0).to(DTYPE)
    y = torch.tensor(digits.target)
    order = torch.randperm(len(y), generator=generator(seed, "split"))
    train, test = order[:N_TRAIN], order[N_TRAIN:]
    return x[train], y[train], x[test], y[test]
