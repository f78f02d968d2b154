"""One layer times k

The weights of one layer are multiplied by k, everything else stays; loss and gradient of the next batch in
training mode are compared with those at k = 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.settings import BATCH_SIZE, LAYER, LR, NORMS, SCALES, SEEDS, STEPS
from normviz.export.pieces.statistics import set_momentum
from normviz.export.pieces.training import batches, new_optimizer
from normviz.export.pieces.weights import layers_of, own_bias, own_weight


def main() -> dict[str, dict[str, list[float]]]:
    """For each norm the loss, the gradient in terms of that at k = 1, and the relative size of an update."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    told = {}
    for norm in NORMS:
        net, x, y = trained(norm, SEEDS[0])
        told[norm] = dragged(norm, net, x, y)
        print(f"\n{norm}\n{'k':>8}{'loss':>14}{'gradient':>14}{'update/weights':>16}{'cosine(W, dL/dW)':>18}")
        for k, *values in zip(SCALES, *told[norm].values(), strict=True):
            print(f"{k:8.3f}{values[0]:14.6f}{values[1]:14.6g}{values[2]:16.6g}{values[3]:18.6f}")
    return told


def trained(norm: str, seed: int) -> tuple[nn.Module, Tensor, Tensor]:
    """The network after the training before, and the next batch."""
    x, y, _, _ = load_data(seed)
    net = network(norm, seed)
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    if STEPS:
        optimizer = new_optimizer(net)
        for _ in range(STEPS):
            batch = next(order)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[batch]), y[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    batch = next(order)
    return net, x[batch], y[batch]


def dragged(norm: str, net: nn.Module, x: Tensor, y: Tensor) -> dict[str, list[float]]:
    """What the network shows at every scale."""
    layer = layers_of(net)[LAYER - 1]
    # The layer's whole linear map; a norm of weights multiplies its own weights alone.
    on_weights = norm in ("weight_norm", "weight_standardization")
    own = [own_weight(layer)] if on_weights else [own_weight(layer), own_bias(layer)]
    start = [parameter.detach().clone() for parameter in own]
    set_momentum(net, 0.0)
    losses, lengths, sizes, products = [], [], [], []
    for k in SCALES:
        for parameter, before in zip(own, start, strict=True):
            parameter.data = k * before
        loss = F.cross_entropy(net(x), y)
        gradients = torch.autograd.grad(loss, own)
        losses.append(loss.item())
        lengths.append(sum(one.double().square().sum().item() for one in gradients) ** 0.5)
        sizes.append(sum(one.detach().double().square().sum().item() for one in own) ** 0.5)
        pairs = zip(own, gradients, strict=True)
        products.append(sum((w.detach().double() * g.double()).sum().item() for w, g in pairs))
    middle = lengths[SCALES.index(1.0)]
    return {
        "loss": losses,
        "gradient": [length / middle for length in lengths],
        "turn": [LR * length / size for length, size in zip(lengths, sizes, strict=True)],
        "cosine": [p / (s * g) for p, s, g in zip(products, sizes, lengths, strict=True)],
    }
