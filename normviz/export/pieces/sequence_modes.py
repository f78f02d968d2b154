"""The experiment

The networks of each norm are trained, and then looked into: does evaluation mode say the same as training
mode? What if a sequence is alone in its batch, or if padding is appended?
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from normviz.export.pieces.answers import answers, batch_of, futures, moved, tell
from normviz.export.pieces.fitting import fit
from normviz.export.pieces.sequence_norms import SequenceBatchNorm
from normviz.export.pieces.settings import APPENDED, CHANGED_FROM, NORMS, POOLED, SEEDS, WATCHED
from normviz.export.pieces.training import new_optimizer
from normviz.export.pieces.transformer import network


def main() -> dict[str, dict[str, list[float]]]:
    """For each norm what moves its answers: medians over sequences and seeds."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    told = {}
    for norm in NORMS:
        looks = []
        for seed in SEEDS:
            net = network(norm, seed)
            fit(net, new_optimizer(net), seed)
            looks.append(look(net, batch_of(seed)))
        told[norm] = tell(norm, looks)
    return told


@torch.no_grad()
def look(net: Any, x: Tensor) -> dict[str, Tensor]:
    """Relative changes of the answers, each [sequences, steps or lengths]."""
    exists = x[:, -1] > 0.5
    before, evaluated = answers(net, x), answers(net, x, train=False)
    own, mates = futures(net, x, train=False)
    told = {
        "from evaluation mode to training mode, by step": moved(evaluated, before),
        "alone in the batch, by step": alone(net, x, before),
        "in evaluation mode, of the sequence itself, before its change": own[:, :CHANGED_FROM],
        "in evaluation mode, of its batch-mates, by step": mates,
    }
    if POOLED:
        for module in net.modules():
            if isinstance(module, SequenceBatchNorm):
                module.by_step = False
        told["the same with one set of running statistics"] = moved(answers(net, x, train=False), before)
    for name, change in told.items():
        if len(change) == len(x):
            told[name] = change.masked_fill(~exists, math.nan)
    last = torch.arange(len(x)), exists.sum(1) - 1
    padded = [moved(before[last], answers(net, F.pad(x, (0, more)))[last]) for more in APPENDED]
    return {**told, f"with {', '.join(map(str, APPENDED))} steps of padding": torch.stack(padded, 1)}


def alone(net: Any, x: Tensor, among: Tensor) -> Tensor:
    """The change for each of the first sequences when it is alone; NaN if the norm refuses that."""
    changes = torch.full((WATCHED, x.shape[2]), math.nan, dtype=torch.float64)
    for one in range(WATCHED):
        try:
            changes[one] = moved(among[one], answers(net, x[one : one + 1])[0])
        except ValueError as refusal:
            print(f"  alone in its batch: {refusal}")
            break
    return changes
