"""Sequences: digits read row by row, and the marked symbol.

Samples are [C, T]; the last channel is 1 at steps that exist and 0 in the padding, as
`normviz.catalog.sequences` says.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from normviz.catalog.sequences import LENGTHS, SEQUENCE_DATASETS, SYMBOLS
from normviz.lab.data.digits import digits
from normviz.lab.data.splits import Split
from normviz.lab.randoms import generator


def digits_rows(seed: int) -> Split:
    """The digits of `digits`, each row a step: x [n, 9, 8]."""
    split = digits(seed)
    return Split(_rows(split.x_train), split.y_train, _rows(split.x_test), split.y_test)


def _rows(x_N1HW: torch.Tensor) -> torch.Tensor:
    return F.pad(x_N1HW.squeeze(1).transpose(1, 2), (0, 0, 0, 1), value=1.0).contiguous()


def marked(seed: int) -> Split:
    """Symbols, one of them marked: x [n, 6, 16], y is the marked symbol.

    A symbol is a 2 in the channel of its own (so that the four channels have mean square 1), the mark a 2 in
    the fifth.  The draws from ``generator(seed, "split")``, in this order: ``torch.randint(4, 17, (n,))``
    (the lengths), ``torch.randint(4, (n, 16))`` (the symbols), ``torch.rand(n)`` (the mark's place, as a
    share of the length).
    """
    fact, source = SEQUENCE_DATASETS["marked"], generator(seed, "split")
    low, high = LENGTHS
    length = torch.randint(low, high + 1, (fact.size,), generator=source)
    symbols = torch.randint(SYMBOLS, (fact.size, high), generator=source)
    place = (torch.rand(fact.size, generator=source) * length).long()
    exists = (torch.arange(high) < length[:, None]).float()
    here = (torch.arange(high) == place[:, None]).float()
    x = torch.cat((2.0 * F.one_hot(symbols, SYMBOLS), 2.0 * here[..., None], exists[..., None]), 2)
    x = (x * exists[..., None]).transpose(1, 2).contiguous()
    y = symbols.gather(1, place[:, None]).squeeze(1)
    n = fact.n_train
    return Split(x[:n], y[:n], x[n:], y[n:])
