"""Forward and backward

One batch passes through each network as it is drawn; every layer is looked at.
"""

from __future__ import annotations

from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.settings import (
    BATCH_SIZE,
    CLASSES,
    DEPTH,
    DTYPE,
    INPUTS,
    NORMS,
    SEEDS,
    SHAPE,
)
from normviz.export.pieces.weights import layers_of, own_weight

QUANTITIES = {
    "sd": "standard deviation of the pre-activations",
    "grad_activation": "norm of the gradient of the layer's output",
    "grad_weight": "norm of the gradient of the layer's weights",
    "cosine": "mean cosine between two samples of the layer's output",
}


def main() -> dict[str, dict[str, list[list[float]]]]:
    """For each quantity and norm a list for each seed: its value in every layer."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    seen = {norm: [look(norm, seed) for seed in SEEDS] for norm in NORMS}
    told = {name: {norm: [one[name] for one in seen[norm]] for norm in NORMS} for name in QUANTITIES}
    for name, title in QUANTITIES.items():
        print(f"\n{title}, median over the seeds")
        print("layer " + "".join(f"{norm:>24}" for norm in NORMS))
        for layer in range(DEPTH):
            medians = [median(values[layer] for values in told[name][norm]) for norm in NORMS]
            print(f"{layer + 1:5} " + "".join(f"{value:24.6g}" for value in medians))
    for norm in NORMS:
        print(f"loss of {norm}: {median(one['loss'][0] for one in seen[norm]):.6f}")
    return told


def batch_of(seed: int) -> tuple[Tensor, Tensor]:
    """The samples of one seed and their classes."""
    if INPUTS == "gaussian":
        draws = generator(seed, "split")
        x = torch.randn(BATCH_SIZE, *SHAPE, generator=draws)
        return x.to(DTYPE), torch.randint(CLASSES, (BATCH_SIZE,), generator=draws)
    x, y, _, _ = load_data(seed)
    first = torch.randperm(len(y), generator=generator(seed, "batches"))[:BATCH_SIZE]
    return x[first], y[first]


def look(norm: str, seed: int) -> dict[str, list[float]]:
    """What one pass forward and backward shows in every layer."""
    x, y = batch_of(seed)
    net = network(norm, seed)
    hidden, outputs = [], []
    for place, module in enumerate(net):  # flatten, then linear, norm and activation of each layer, the head
        x = module(x)
        if isinstance(module, nn.Linear):
            hidden.append(x)
        if place and place % 3 == 0:
            x.retain_grad()
            outputs.append(x)
    loss = F.cross_entropy(x, y)
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [gradient_of(one) for one in outputs]
    own = [gradient_of(own_weight(layer)) for layer in layers_of(net)[:DEPTH]]
    return {
        "loss": [loss.item()],
        "sd": [one.double().std(correction=0).item() for one in hidden[:DEPTH]],
        "grad_activation": [one.double().norm().item() for one in gradients],
        "grad_weight": [one.double().norm().item() for one in own],
        "cosine": [cosine(one.detach().double()) for one in outputs],
    }


def gradient_of(x: Tensor) -> Tensor:
    """The gradient of the loss with respect to a tensor."""
    assert x.grad is not None
    return x.grad


def cosine(x: Tensor) -> float:
    """Mean cosine between two different samples; those that are all zero have no direction."""
    x = x[x.norm(dim=1) > 0]
    u = x / x.norm(dim=1, keepdim=True)
    n = len(u)
    return ((u.sum(0).square().sum() - n) / (n * (n - 1))).item() if n > 1 else float("nan")
