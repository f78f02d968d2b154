"""Quantities over the seeds of a variant, without those that have diverged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def over_seeds(
    function: Callable[..., Any], values: NDArray[Any], alive: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """``function`` over the seeds that are alive; NaN where there are none.

    Shapes: values [V, S, ...], alive [V, S] -> [V, ...].
    """
    nothing = np.full(values.shape[2:], np.nan)
    rows = [
        function(row[fine], axis=0) if fine.any() else nothing
        for row, fine in zip(values, alive, strict=True)
    ]
    return np.stack(rows).astype("<f4")
