"""The usual loop: one network at a time in plain PyTorch, as tutorials write it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

DESCRIPTION = (
    "nn.Sequential, DataLoader(shuffle=True, drop_last=True), torch.optim.Adam, loss.item() each step"
)


class DyT(nn.Module):
    """Dynamic tanh, which torch does not have: γ·tanh(αx)+β."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(0.5))
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """γ·tanh(αx)+β."""
        return self.weight * torch.tanh(self.alpha * x) + self.bias


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda _: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
    "group": lambda channels: nn.GroupNorm(4, channels),
    "rms": nn.RMSNorm,
    "dyt": DyT,
}
"""The norms of the mixed comparison as torch has them."""


def network(norm: str, inputs: int, *, depth: int, width: int, classes: int) -> nn.Sequential:
    """An MLP of linear, norm, ReLU."""
    layers: list[nn.Module] = []
    for fan_in in (inputs, *[width] * (depth - 1)):
        layers += [nn.Linear(fan_in, width), NORMS[norm](width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, classes))


def train(
    norm: str, x: Tensor, y: Tensor, *, depth: int, width: int, batch_size: int, lr: float, steps: int
) -> float:
    """Train one MLP with Adam for ``steps`` steps; its last loss."""
    net = network(norm, x.shape[1], depth=depth, width=width, classes=int(y.max()) + 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    loader = DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=True, drop_last=True)
    done, last = 0, 0.0
    while True:
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(inputs), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            last = loss.item()
            done += 1
            if done == steps:
                return last
