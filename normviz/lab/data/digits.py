"""Handwritten digits, 8×8 pixels.

Pixels are divided by 16 (their maximum) and standardized by one scalar mean and one scalar standard
deviation, those of the whole set.  The split is ``torch.randperm(1797, generator=generator(seed, "split"))``:
the first 1000 train, the rest tests.  A *random* split: the file is ordered by writer, and the last 797
come from other writers than the first 1000, which more than doubles the error.

Source: scikit-learn's ``load_digits``.  ``python -m normviz.lab.data`` writes the shipped copy from there.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch

from normviz.catalog.datasets import DATASETS
from normviz.lab.data.splits import Split
from normviz.lab.randoms import generator

FILE = Path(__file__).with_name("digits.npz")
"""Arrays ``pixels`` [1797, 8, 8] and ``labels`` [1797], both uint8."""


@cache
def standardized() -> tuple[torch.Tensor, torch.Tensor]:
    """All digits in the order of the file: x [1797, 1, 8, 8] float32, y [1797] int64."""
    with np.load(FILE) as stored:
        pixels, labels = stored["pixels"], stored["labels"]
    x = pixels.astype(np.float64) / 16.0
    x = (x - x.mean()) / x.std()
    return torch.from_numpy(x.astype(np.float32)).unsqueeze(1), torch.from_numpy(labels.astype(np.int64))


def digits(seed: int) -> Split:
    """1000 digits to train on and 797 to test, drawn afresh for each seed."""
    x, y = standardized()
    chosen = torch.randperm(len(x), generator=generator(seed, "split"))
    train, test = chosen[: DATASETS["digits"].n_train], chosen[DATASETS["digits"].n_train :]
    return Split(x[train], y[train], x[test], y[test])
