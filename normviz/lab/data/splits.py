"""A split: the samples of one seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch


@dataclass(frozen=True)
class Split:
    """Training and test samples of one seed.

    Shapes: x [n, *sample] float32, y [n] int64.
    """

    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor

    def first(self, n_train: int) -> Self:
        """The same with the first ``n_train`` training samples alone; 0 keeps them all.

        Raises:
            ValueError: there are not that many.
        """
        if not 0 <= n_train <= len(self.y_train):
            raise ValueError(f"n_train {n_train} is outside 0 (all) to {len(self.y_train)}")
        if not n_train:
            return self
        return replace(self, x_train=self.x_train[:n_train], y_train=self.y_train[:n_train])
