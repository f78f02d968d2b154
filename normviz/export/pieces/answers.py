"""Answers

What a network answers at every step, and how far two answers are apart.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from normviz.export.pieces.marked import load_data
from normviz.export.pieces.settings import BATCH_SIZE, CHANGED_FROM, WATCHED


def batch_of(seed: int) -> Tensor:
    """Test sequences, the first ones without padding."""
    x = load_data(seed)[2]
    full = (x[:, -1] > 0.5).all(1)
    last = ~(full & (full.cumsum(0) <= WATCHED))
    return x[last.int().argsort(stable=True)[:BATCH_SIZE]]


@torch.no_grad()
def answers(net: Any, x: Tensor, train: bool = True) -> Tensor:
    """Logits at every step, [N, steps, classes]."""
    asked = copy.deepcopy(net).train(train)  # the running statistics of the network itself stay as they are
    logits: Tensor = asked.head(asked.states(x)).double()
    return logits


def moved(z: Tensor, other: Tensor) -> Tensor:
    """|z' - z|/|z|."""
    change: Tensor = (other - z).norm(dim=-1) / z.norm(dim=-1).clamp_min(1e-30)
    return change


def futures(net: Any, x: Tensor, train: bool = True) -> tuple[Tensor, Tensor]:
    """How the second half of a sequence moves its own answers, and its mates'; [sequences, steps] each."""
    own, mates = [], []
    before = answers(net, x, train)[:WATCHED]
    for one in range(WATCHED):
        changed = x.clone()
        changed[one, :, CHANGED_FROM:] = x[(one + 1) % WATCHED, :, CHANGED_FROM:]
        change = moved(before, answers(net, changed, train)[:WATCHED])
        own.append(change[one])
        mates += [change[other] for other in range(WATCHED) if other != one]
    return torch.stack(own), torch.stack(mates)


def medians(changes: list[Tensor]) -> list[float]:
    """Medians over sequences and seeds, step by step."""
    values = torch.cat(changes)
    return [values[:, step].nanquantile(0.5).item() for step in range(values.shape[1])]


def tell(norm: str, looks: list[dict[str, Tensor]]) -> dict[str, list[float]]:
    """Print and return what has been seen of the networks of one norm, a look for each seed."""
    told = {name: medians([one[name] for one in looks]) for name in looks[0]}
    print(f"\n{norm}: relative change of the answers, median over sequences and seeds")
    for name, values in told.items():
        print(f"  {name}: {', '.join(f'{value:.2g}' for value in values)}")
    return told
