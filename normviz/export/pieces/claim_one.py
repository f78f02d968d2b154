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


def main() -> list[tuple[bool, bool, bool, float]]:
    """Seed by seed: the MLP raised, it works after eval(), a layer left training mode by itself, the gap."""
    told = [one_digit(seed) for seed in SEEDS]
    raised, works, switched, gaps = zip(*told, strict=True)
    print(f"MLP in training mode raised: {sum(raised)} of {len(told)}; after eval() it works: {sum(works)}")
    print(f"left training mode by itself: {sum(switched)} of {len(told)}")
    print(f"CNN: training mode differs from eval mode by {mean(gaps):.2f} of the output")
    return told


@torch.no_grad()
def one_digit(seed: int) -> tuple[bool, bool, bool, float]:
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
    return raised, works, switched, ((trained - evaluated).norm() / evaluated.norm()).item()


def raises(net: nn.Module, x: Tensor) -> bool:
    """Whether torch refuses the batch; prints its words."""
    try:
        net(x)
    except ValueError as refusal:
        print(f"  {refusal}")
        return True
    return False
