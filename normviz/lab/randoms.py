"""Random numbers as a contract: the same seed draws the same numbers here and in a plain script.

Every draw of a member comes from one of its own generators, one for each purpose:

    generator(seed, purpose) = torch.Generator().manual_seed(8 * seed + PURPOSES.index(purpose))

| purpose | draws, in this order |
| --- | --- |
| split | digits: ``torch.randperm(1797)``; others: their points or pictures (see `normviz.lab.data`) |
| initialization | for each layer from input to output: ``torch.randn(out, fan_in)`` (see `he_normal`) |
| batches | one ``torch.randperm(n_train)`` at the start of each epoch; batches of two classes draw for |
|         | each batch ``torch.randperm(classes)``, then ``torch.randperm`` of the samples of its two |
| dropout | for each training step, for each layer from input to output: ``torch.rand`` of the |
|         | activation's shape in torch's order, [N, C] or [N, C, H, W] |
| passes | as dropout, for forward passes in train mode outside training; each pass starts afresh |
| trials | ``torch.randperm(n_test)`` for each trial in which test samples are predicted in a random order |
| noise | for each training step, for each layer from input to output: see `normviz.lab.norms.Disturbance` |

All of it in float32 on the CPU, whatever the dtype and the device of the training.  Norms draw nothing, so
members of one seed share initialization, data and batch order whatever their norm.
"""

from __future__ import annotations

import math

import torch

PURPOSES = ("split", "initialization", "batches", "dropout", "passes", "trials", "noise")
"""What a member draws random numbers for; the position in this tuple is part of the contract."""


def generator(seed: int, purpose: str) -> torch.Generator:
    """The generator of one seed for one of `PURPOSES`, at its beginning."""
    return torch.Generator().manual_seed(8 * seed + PURPOSES.index(purpose))


def he_normal(out: int, fan_in: int, gain: float, source: torch.Generator) -> torch.Tensor:
    """Weights [out, fan_in] with standard deviation gain·√(2/fan_in), float32.

    Source: He et al. 2015, "Delving deep into rectifiers", eq. 10.
    """
    return torch.randn(out, fan_in, generator=source) * (gain * math.sqrt(2.0 / fan_in))
