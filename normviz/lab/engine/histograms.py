"""Histograms on fixed grids of 64 bins: linear for activations, symmetric-logarithmic for gradients.

Every value is counted, the grids never move, and what lies beyond a grid is counted in its outermost bins.
Many rows at once: values [R, n] -> counts [R, 64], int64.

Both grids have edges that floats hold exactly, and multiply or shift by powers of two only, so that a value
on an edge, a tiny negative one and a zero fall where they belong.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

BINS = 64
LOWEST_OCTAVE = -31
"""Exponent of the smallest magnitude that the logarithmic grid tells from zero: 2**-31."""
_OCTAVES = -LOWEST_OCTAVE


def linear_edges(low: float, high: float) -> NDArray[np.float64]:
    """65 edges from ``low`` to ``high``; bin k holds edge[k] <= x < edge[k+1]."""
    return np.linspace(low, high, BINS + 1)


def linear_counts(x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Counts on the linear grid; NaN counts as lowest.

    Raises:
        ValueError: the width of a bin is not a power of two, or ``low`` is not a multiple of it.
    """
    width = (high - low) / BINS
    first = low / width
    if np.frexp(width)[0] != 0.5 or first != int(first):
        raise ValueError(f"a grid from {low} to {high} has no exact edges")
    x = torch.nan_to_num(x.float(), nan=low, posinf=high, neginf=low)
    x = x.mul_(1.0 / width).floor_().clamp_(first, first + BINS - 1)
    rows = torch.arange(len(x), dtype=torch.int32, device=x.device) * BINS - int(first)
    codes = x.to(torch.int32).add_(rows.unsqueeze(1))
    return torch.bincount(codes.view(-1), minlength=len(x) * BINS).view(len(x), BINS)


def symlog_edges() -> NDArray[np.float64]:
    """65 edges: -1, -1/2, ... -2**-31, 2**-31, ... 1/2, 1, 2.

    Bin 31 holds |x| < 2**-31, zero among them.  To its right bin 32+k holds 2**(k-31) <= x < 2**(k-30), the
    last of them 1 <= x < 2 and everything above; to its left likewise, the first -1 < x <= -1/2 and
    everything below.
    """
    octaves = 2.0 ** np.arange(LOWEST_OCTAVE, 1)
    return np.concatenate((-octaves[::-1], octaves, [2.0]))


def symlog_counts(x: torch.Tensor) -> torch.Tensor:
    """Counts by sign and octave of the magnitude; NaN counts with the infinities, by its sign.

    A float32's upper nine bits are its sign and its exponent.  They are counted as they are, 512 possible
    values for each row, and folded onto the 64 bins afterwards.
    """
    codes = x.float().contiguous().view(torch.int32) >> 23  # the shift keeps the sign: -256 … 255
    rows = torch.arange(len(x), dtype=torch.int32, device=x.device) * 512 + 256
    counts = torch.bincount(codes.add_(rows.unsqueeze(1)).view(-1), minlength=len(x) * 512).view(len(x), 512)
    return counts.new_zeros(len(x), BINS).index_add_(1, _fold().to(x.device), counts)


@cache
def _fold() -> torch.Tensor:
    """Bin of each of the 512 codes: 0 to 255 are negative with exponent code-127, the others positive."""
    octave = torch.arange(256) - 127
    distance = (octave - LOWEST_OCTAVE + 1).clamp(0, _OCTAVES + 1)  # 0: within the middle bin
    middle = BINS // 2 - 1
    return torch.cat(((middle - distance).clamp_min(0), middle + distance))
