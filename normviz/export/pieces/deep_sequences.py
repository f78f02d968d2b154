"""Deep transformers as they are drawn

The gradient by the second matrix of each feed-forward block, with the norm before each block and after it.
Nothing is trained. Xiong et al. 2020, arXiv:2002.04745, Theorem 1 and Figure 3.
"""

from __future__ import annotations

from statistics import median

import torch
from torch.nn import functional as F

from normviz.export.pieces.marked import load_data
from normviz.export.pieces.settings import DEEP_BATCH, DEPTHS, NORMS, PLACES, SEEDS
from normviz.export.pieces.transformer import network


def main() -> dict[tuple[str, str, int], list[list[float]]]:
    """For each norm, its place and a depth a list for each seed: norms of the gradient in every layer."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    kinds = [(norm, place) for norm in NORMS for place in PLACES]
    told = {
        (*kind, depth): [gradients(*kind, depth, seed) for seed in SEEDS]
        for depth in DEPTHS
        for kind in kinds
    }
    print("gradient of the last feed-forward block, median over the seeds")
    print("depth " + "".join(f"{norm + ' ' + place:>16}" for norm, place in kinds))
    for depth in DEPTHS:
        print(f"{depth:5} " + "".join(f"{middle(told[*kind, depth], -1):16.4g}" for kind in kinds))
    print(f"\nby layer, at depth {DEPTHS[-1]}")
    for layer in range(DEPTHS[-1]):
        print(
            f"{layer + 1:5} " + "".join(f"{middle(told[*kind, DEPTHS[-1]], layer):16.4g}" for kind in kinds)
        )
    return told


def middle(by_seed: list[list[float]], layer: int) -> float:
    """The median over the seeds of what one layer has."""
    return median(one[layer] for one in by_seed)


def gradients(norm: str, place: str, depth: int, seed: int) -> list[float]:
    """Norms of the gradient of one network, layer by layer."""
    x, y = (one[:DEEP_BATCH] for one in load_data(seed)[:2])
    net = network(norm, seed, placement=place, depth=depth)
    loss = F.cross_entropy(net(x), y)
    weights = [block.get_parameter("outer.weight") for block in net.blocks[1::2]]  # feed-forward blocks
    return [one.double().norm().item() for one in torch.autograd.grad(loss, weights)]
