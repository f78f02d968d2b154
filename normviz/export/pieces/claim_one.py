"""A batch of one

One digit in training mode and after eval().  The batch norm of an MLP raises; that of a CNN takes the picture
for a batch, and says nothing.
"""

from __future__ import annotations

from statistics import mean

import torch
from torch import Tensor, nn

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator, he_normal
from normviz.export.pieces.settings import SEEDS

Told = tuple[bool, bool, bool, float, bool]
"""The MLP raised, it works after eval(), a layer left training mode by itself, the gap; and whether a batch
norm without running statistics raises after eval() as well."""


def main() -> list[Told]:
    """What happened, seed by seed."""
    told = [one_digit(seed) for seed in SEEDS]
    raised, works, switched, gaps, untracked = zip(*told, strict=True)
    print(f"MLP in training mode raised: {sum(raised)} of {len(told)}; after eval() it works: {sum(works)}")
    print(f"left training mode by itself: {sum(switched)} of {len(told)}")
    print(f"CNN: training mode differs from eval mode by {mean(gaps):.2f} of the output")
    print(f"without running statistics it raises after eval() as well: {sum(untracked)} of {len(told)}")
    return told


@torch.no_grad()
def one_digit(seed: int) -> Told:
    """What a batch of one does to the networks of one seed."""
    x, _, x_test, _ = load_data(seed)
    draws = generator(seed, "initialization")
    flat, picture = nn.Linear(64, 16, bias=False), nn.Conv2d(1, 16, 3, bias=False)
    flat.weight.copy_(he_normal(16, 64, 1.0, draws))
    picture.weight.copy_(he_normal(16, 9, 1.0, draws).view_as(picture.weight))
    mlp = nn.Sequential(nn.Flatten(), flat, nn.BatchNorm1d(16))
    cnn = nn.Sequential(picture, nn.BatchNorm2d(16))
    for batch in torch.split(x, 64)[:15]:  # settles the running statistics
        mlp(batch)
        cnn(batch)
    one = x_test[:1]
    works = not raises(mlp.eval(), one)
    evaluated = cnn.eval()(one)
    raised = raises(mlp.train(), one)
    trained = cnn.train()(one)
    switched = not (mlp.training and cnn.training)
    gap = ((trained - evaluated).norm() / evaluated.norm()).item()
    untracked = nn.Sequential(nn.Flatten(), flat, nn.BatchNorm1d(16, track_running_stats=False))
    return raised, works, switched, gap, raises(untracked.eval(), one)


def raises(net: nn.Module, x: Tensor) -> bool:
    """Whether torch refuses the batch; prints its words."""
    try:
        net(x)
    except ValueError as refusal:
        print(f"  {refusal}")
        return True
    return False
