"""Data: sequences of symbols, one of them marked

Which symbol is it?  A sample is [channels, steps]; the last channel is 1 at the steps that exist.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from normviz.export.pieces.draws import generator
from normviz.export.pieces.settings import CLASSES, DTYPE, N_TEST, N_TRAIN, SHAPE


def load_data(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training samples with their labels, test samples with their labels."""
    draws, n, longest = generator(seed, "split"), N_TRAIN + N_TEST, SHAPE[1]
    length = torch.randint(4, longest + 1, (n,), generator=draws)
    symbols = torch.randint(CLASSES, (n, longest), generator=draws)
    place = (torch.rand(n, generator=draws) * length).long()
    steps = torch.arange(longest)
    exists, here = steps < length[:, None], steps == place[:, None]
    x = torch.cat((2 * F.one_hot(symbols, CLASSES), 2 * here[..., None], exists[..., None]), 2)
    x = (x * exists[..., None]).transpose(1, 2).to(DTYPE)
    y = symbols[torch.arange(n), place]
    return x[:N_TRAIN], y[:N_TRAIN], x[N_TRAIN:], y[N_TRAIN:]
