"""Data: each seed's own split into training and test samples.

    split = load("digits", seed=0)      # split.x_train [1000, 1, 8, 8], split.y_train [1000], ...

A split is a function of the data set and the seed alone, drawn from ``generator(seed, "split")``.
"""

from __future__ import annotations

from normviz.catalog.sequences import ALL_DATASETS
from normviz.lab.data.splits import Split
from normviz.lab.named import named

__all__ = ["Split", "load"]


def load(name: str, seed: int) -> Split:
    """The split of data set ``name`` for ``seed``."""
    split = named(ALL_DATASETS[name].loader)(seed)
    assert isinstance(split, Split)
    return split
