"""A batch of one

torch's own layers and its data loader, in both modes; then the two modes of one layer of batch norm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.settings import GAP_SIZES, SEEDS

LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "BatchNorm1d(8)": (lambda: nn.BatchNorm1d(8), (1, 8)),
    "BatchNorm1d(8), one step": (lambda: nn.BatchNorm1d(8), (1, 8, 1)),
    "BatchNorm1d(8), no running statistics": (lambda: nn.BatchNorm1d(8, track_running_stats=False), (1, 8)),
    "BatchNorm2d(8), one pixel": (lambda: nn.BatchNorm2d(8), (1, 8, 1, 1)),
    "BatchNorm2d(8)": (lambda: nn.BatchNorm2d(8), (1, 8, 4, 4)),
    "InstanceNorm2d(8), one pixel": (lambda: nn.InstanceNorm2d(8), (1, 8, 1, 1)),
    "GroupNorm(8, 8)": (lambda: nn.GroupNorm(8, 8), (1, 8)),
    "GroupNorm(8, 8), two samples": (lambda: nn.GroupNorm(8, 8), (2, 8)),
    "GroupNorm(4, 8)": (lambda: nn.GroupNorm(4, 8), (1, 8)),
    "LayerNorm(8)": (lambda: nn.LayerNorm(8), (1, 8)),
}
LOADERS = (("MLP", 2, False), ("MLP", 4, False), ("MLP", 4, True), ("CNN", 4, False))


def main() -> tuple[dict[str, list[str]], dict[int, tuple[float, float]]]:
    """What happens in training and in eval mode, case by case; measured gap and formula by batch size."""
    torch.manual_seed(SEEDS[0])
    found: dict[str, list[str]] = {}
    for name, (make, shape) in LAYERS.items():
        found[f"{name} on {shape}"] = in_both_modes(make(), torch.randn(shape))
    for network, size, drop_last in LOADERS:
        name = f"{network}, last of 797 digits by {size}, drop_last={drop_last}"
        found[name] = in_both_modes(small_network(network), last_batch(size, drop_last))
    print(f"\n{'':64}{'training mode':16}eval mode")
    for name, outcomes in found.items():
        print(f"{name:64}" + "".join(f"{outcome:16}" for outcome in outcomes))
    gaps = gaps_by_size(generator(SEEDS[0], "trials"))
    print("\nE(y_train - y_eval)² of one layer of batch norm, by batch size: measured (formula)")
    for size, (measured, formula) in gaps.items():
        print(f"{size:4}: {measured:.4f} ({formula:.4f})")
    return found, gaps


@torch.no_grad()
def in_both_modes(module: nn.Module, x: Tensor) -> list[str]:
    """Whether torch computes something, returns zeros whatever goes in, or raises; prints its words."""
    outcomes = []
    for training in (True, False):
        try:
            y = module.train(training)(x)
            outcomes.append("runs" if y.abs().max() > 1e-2 else "zero")
        except ValueError as refusal:
            outcomes.append("raises")
            print(f"  {refusal}")
    return outcomes


def small_network(network: str) -> nn.Module:
    """A network with batch norm."""
    first: list[Any] = [nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU()]
    if network == "CNN":
        first = [nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*first, nn.Linear(16, 10))


def last_batch(size: int, drop_last: bool) -> Tensor:
    """What the data loader gives last."""
    *_, (last,) = DataLoader(TensorDataset(load_data(SEEDS[0])[2]), size, drop_last=drop_last)
    assert isinstance(last, Tensor)
    return last


@torch.no_grad()
def gaps_by_size(draws: torch.Generator) -> dict[int, tuple[float, float]]:
    """Mean squared distance of both modes, where the running statistics are those of the inputs; formula."""
    gaps = {}
    for size in GAP_SIZES:
        x = torch.randn(size, 2**17 // size, generator=draws)
        layer = nn.BatchNorm1d(x.shape[1], momentum=0.0)  # starts with running mean 0 and variance 1
        measured = (layer.train()(x) - layer.eval()(x)).square().mean().item()
        half = math.lgamma(size / 2) - math.lgamma((size - 1) / 2)
        gaps[size] = measured, 2 - 2 * math.sqrt(2 / size) * math.exp(half)
    return gaps
