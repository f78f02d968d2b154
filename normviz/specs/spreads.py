"""Mean and spread over seeds, as every summary tells them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def spread(values: NDArray[Any]) -> dict[str, float | int] | None:
    """Mean and sample standard deviation (0 for a single value) of the finite values, and how many they are.

    None if there are none.
    """
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return None
    sd = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return {"mean": float(known.mean()), "sd": sd, "seeds": len(known)}
