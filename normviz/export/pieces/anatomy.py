"""One small tensor

Four digits, seen by four filters, and one norm: what becomes of a chosen cell, and what of the gradient of
its output comes back.
"""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from normviz.export.pieces.norms import Standardized, normalization
from normviz.export.pieces.settings import (
    BETA,
    BY_POSITION,
    CELL,
    DRAGGED,
    FORM,
    GAMMA,
    HAS_RUNNING,
    MOVED_BETA,
    MOVED_GAMMA,
    NORM,
    ON_WEIGHTS,
    TRAIN,
    BatchNorm,
)
from normviz.lab.experiments.anatomy import FILTERS, activations


def main() -> dict[str, float]:
    """The numbers of the chosen cell."""
    x = tensor()[:4]
    if DRAGGED:
        moved(x, DRAGGED)
    x.requires_grad_()
    norm = nn.Identity() if ON_WEIGHTS else made(x)
    if HAS_RUNNING:
        statistics = running(norm)
    y = of_weights(x) if ON_WEIGHTS else applied(norm, x)
    y.flatten()[CELL].backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    told = {"x": x.flatten()[CELL].item(), "y": y.flatten()[CELL].item(), "dx": x.grad.flatten()[CELL].item()}
    print(f"input\n{x.detach()}\n\noutput\n{y.detach()}\n\ngradient of the chosen cell's output\n{x.grad}\n")
    for name, value in told.items():
        print(f"{name:3} of cell {CELL}: {value:.6f}")
    if HAS_RUNNING:
        for name, before, after in zip(("mean", "variance"), statistics, running(norm), strict=True):
            print(f"running {name}: {before.tolist()} -> {after.tolist()}")
    return told


def tensor() -> Tensor:
    """What is on screen, and behind it the batches from which the running statistics come."""
    weights = torch.tensor(list(FILTERS.values()), dtype=torch.float64)
    if ON_WEIGHTS:
        return weights
    pixels = torch.tensor(load_digits().images[:164] / 16.0)
    return activations(pixels, weights)[FORM]


def moved(x: Tensor, values: dict[int, float]) -> None:
    """Put other values in their places, counted along the shape."""
    for number, value in values.items():
        x[torch.unravel_index(torch.tensor(number), x.shape)] = value


def made(x: Tensor) -> nn.Module:
    """The norm, with γ and β as if they had been learned."""
    norm = normalization(NORM, (x.shape[1],) if BY_POSITION else tuple(x.shape[1:])).double()
    for name, parameter in norm.named_parameters():
        if name.endswith(("weight", "bias")):
            values = torch.tensor(GAMMA if name.endswith("weight") else BETA, dtype=torch.float64)
            parameter.data = values.repeat_interleave(parameter.numel() // 4).view(parameter.shape)
        if MOVED_GAMMA and name.endswith("weight"):
            moved(parameter.data, MOVED_GAMMA)
        if MOVED_BETA and name.endswith("bias"):
            moved(parameter.data, MOVED_BETA)
    if HAS_RUNNING:
        settled = BatchNorm(x.shape[1]).double()
        for batch in torch.split(tensor()[4:], 4):
            settled(batch)
        for own, kept in zip(running(norm, copy=False), running(settled), strict=True):
            own.copy_((kept * 1000).round() / 1000)
    return norm.train(TRAIN)


def running(norm: nn.Module, copy: bool = True) -> list[Tensor]:
    """Running mean and variance of each channel."""
    kept = [buffer for name, buffer in norm.named_buffers() if name.endswith(("running_mean", "running_var"))]
    return [buffer.clone() for buffer in kept] if copy else kept


def applied(norm: nn.Module, x: Tensor) -> Tensor:
    """The norm's output."""
    if BY_POSITION:
        alone: Tensor = norm(x.movedim(1, -1))
        return alone.movedim(-1, 1)
    y: Tensor = norm(x)
    return y


def of_weights(x: Tensor) -> Tensor:
    """The weights that a layer uses whose own weights are on screen."""
    if NORM == "weight_norm":
        lengths = tensor().norm(dim=1, keepdim=True)  # a parameter of its own; it starts there
        if MOVED_GAMMA:
            moved(lengths, MOVED_GAMMA)
        y: Tensor = lengths * x / x.norm(dim=1, keepdim=True)
        return y
    standardized: Tensor = Standardized()(x)
    return standardized
