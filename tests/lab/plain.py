"""The same networks as a plain script would write them: one at a time, with torch.nn alone.

Written against the documented contract of random numbers, without a line of the stacked code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

SPLIT, INITIALIZATION, BATCHES, DROPOUT = range(4)


def source(seed: int, purpose: int) -> torch.Generator:
    return torch.Generator().manual_seed(8 * seed + purpose)


class Dropout(nn.Module):
    def __init__(self, p: float, generator: torch.Generator) -> None:
        super().__init__()
        self.p, self.generator = p, generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        return x * (torch.rand(x.shape, generator=self.generator) >= self.p) / (1 - self.p)


class Ghost(nn.Module):
    def __init__(self, norm: nn.Module, size: int) -> None:
        super().__init__()
        self.norm, self.size = norm, size

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self.norm(x)
        return torch.cat([self.norm(part) for part in x.split(self.size)])


class Renorm(nn.Module):
    def __init__(self, channels: int, eps: float, momentum: float, r_max: float, d_max: float) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))
        self.eps, self.momentum, self.r_max, self.d_max = eps, momentum, r_max, d_max

    def forward(self, x: Tensor) -> Tensor:
        over = [0, *range(2, x.dim())]
        shape = [1, -1] + [1] * (x.dim() - 2)
        sigma = (self.var + self.eps).sqrt()
        if self.training:
            mean, var = x.mean(over), x.var(over, unbiased=False)
            batch_sigma = (var + self.eps).sqrt()
            r = (batch_sigma / sigma).clamp(1 / self.r_max, self.r_max).detach()
            d = ((mean - self.mean) / sigma).clamp(-self.d_max, self.d_max).detach()
            xhat = (x - mean.view(shape)) / batch_sigma.view(shape) * r.view(shape) + d.view(shape)
            n = x.numel() / x.shape[1]
            with torch.no_grad():
                self.mean += self.momentum * (mean - self.mean)
                self.var += self.momentum * (var * n / (n - 1) - self.var)
        else:
            xhat = (x - self.mean.view(shape)) / sigma.view(shape)
        return xhat * self.weight.view(shape) + self.bias.view(shape)


class FilterResponse(nn.Module):
    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.weight, self.bias = (
            nn.Parameter(torch.ones(channels, 1, 1)),
            nn.Parameter(torch.zeros(channels, 1, 1)),
        )
        self.tau, self.eps = nn.Parameter(torch.zeros(channels, 1, 1)), eps

    def forward(self, x: Tensor) -> Tensor:
        normalized = x / (x.square().mean((2, 3), keepdim=True) + self.eps).sqrt()
        return torch.maximum(normalized * self.weight + self.bias, self.tau)


class DynamicTanh(nn.Module):
    def __init__(self, channels: int, alpha: float) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(alpha))
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = [1, -1] + [1] * (x.dim() - 2)
        return torch.tanh(self.alpha * x) * self.weight.view(shape) + self.bias.view(shape)


class Standardized(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        rows = weight.flatten(1)
        mean, var = rows.mean(1, keepdim=True), rows.var(1, unbiased=False, keepdim=True)
        return ((rows - mean) / (var + 1e-6).sqrt()).view_as(weight)


def norm_layer(
    name: str, layer: nn.Module, channels: int, picture: tuple[int, ...], o: dict[str, Any]
) -> nn.Module:
    """The norm after ``layer``; norms of weights change the layer itself."""
    batch_norm = nn.BatchNorm2d if picture else nn.BatchNorm1d
    match name:
        case "none":
            return nn.Identity()
        case "batch":
            return batch_norm(channels)
        case "layer":
            return nn.LayerNorm([channels, *picture])
        case "group":
            return nn.GroupNorm(o.get("groups", 4), channels)
        case "instance":
            return nn.InstanceNorm2d(channels)
        case "rms":
            return nn.RMSNorm([channels, *picture])
        case "batch_renorm":
            return Renorm(channels, 1e-5, 0.1, 3.0, 5.0)
        case "frn":
            return FilterResponse(channels, 1e-6)
        case "weight_norm":
            parametrizations.weight_norm(layer)
            return nn.Identity()
        case "weight_standardization":
            parametrize.register_parametrization(layer, "weight", Standardized())
            return nn.GroupNorm(o.get("groups", 4), channels)
        case "ghost_batch":
            return Ghost(batch_norm(channels), o.get("ghost_size", 16))
        case "dyt":
            return DynamicTanh(channels, 0.5)
    raise AssertionError(f"write the plain form of {name}")


class Residual(nn.Module):
    """Two layers around which a skip connection leads; ``act`` follows the sum where it is given."""

    def __init__(self, inner: nn.Module, act: nn.Module, dropout: nn.Module, stride: int, extra: int) -> None:
        super().__init__()
        self.inner, self.act, self.dropout, self.stride, self.extra = inner, act, dropout, stride, extra

    def forward(self, x: Tensor) -> Tensor:
        skip = x[:, :, :: self.stride, :: self.stride]
        if self.extra:
            skip = torch.cat([skip, skip.new_zeros(len(x), self.extra, *skip.shape[2:])], 1)
        return self.dropout(self.act(self.inner(x) + skip))


ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


def network(
    *,
    form: str,
    shape: tuple[int, ...],
    classes: int,
    depth: int,
    width: int,
    norm: str,
    seed: int,
    gain: float = 1.0,
    activation: str = "relu",
    placement: str = "before",
    dropout: float = 0.0,
    options: dict[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """The network of one member, initialized."""
    residual = form == "resnet"
    form = "cnn" if residual else form
    draws, masks = source(seed, INITIALIZATION), source(seed, DROPOUT)

    def drawn(layer: nn.Linear | nn.Conv2d) -> nn.Linear | nn.Conv2d:
        out, fan_in = len(layer.weight), layer.weight[0].numel()
        weights = torch.randn(out, fan_in, generator=draws) * (gain * math.sqrt(2 / fan_in))
        with torch.no_grad():
            layer.weight.copy_(weights.view_as(layer.weight))
            layer.bias.zero_()
        return layer.to(dtype)

    layers: list[nn.Module] = [nn.Flatten()] if form == "mlp" else []
    channels = math.prod(shape) if form == "mlp" else shape[0]
    picture = shape[1:] if form == "cnn" else ()
    stem = (1 if depth % 2 else 2) if residual else depth
    for block in range(depth):
        if residual:
            pairs = (depth - stem) // 2
            stage = 3 * ((block - stem) // 2) // pairs if block >= stem else 0
            last = 3 * ((block - 1 - stem) // 2) // pairs if block > stem else 0
            stride, out = (2 if stage != last or (block == 0 and shape[1] > 16) else 1), width * 2**stage
            layer = drawn(nn.Conv2d(channels, out, 3, stride, padding=1))
            picture = tuple((side + stride - 1) // stride for side in picture)
        elif form == "mlp":
            layer, out = drawn(nn.Linear(channels, width)), width
        else:
            stride, out = (2 if block in (1, 2) else 1), width * min(4, 2**block)
            layer = drawn(nn.Conv2d(channels, out, 3, stride, padding=1))
            picture = tuple((side + stride - 1) // stride for side in picture)
        if residual and block >= stem and (block - stem) % 2 == 0:
            start, entering_stride, entering_channels = len(layers), stride, channels
        normed = norm_layer(norm, layer, out, picture, options or {})
        act = ACTIVATIONS[activation]()
        if norm == "frn":
            layers += [layer, normed]
        else:
            layers += [layer, normed, act] if placement == "before" else [layer, act, normed]
        if residual and block >= stem and (block - stem) % 2 == 1:
            # layers: ..., the block's first layer with its norm, activation and dropout, and this one.
            size = len(layers) - start
            inner, layers = layers[-size:], layers[:-size]
            summed = norm != "frn" and placement == "before"
            if summed:
                inner.pop()
            layers.append(
                Residual(
                    nn.Sequential(*inner), act if summed else nn.Identity(), Dropout(dropout, masks),
                    entering_stride, out - entering_channels,
                )
            )  # fmt: skip
        else:
            layers.append(Dropout(dropout, masks))
        channels = out
    if form == "cnn":
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, drawn(nn.Linear(channels, classes))).to(dtype)


def optimizer(name: str, net: nn.Module, lr: float) -> torch.optim.Optimizer:
    if name == "adam":
        return torch.optim.Adam(net.parameters(), lr)
    return torch.optim.SGD(net.parameters(), lr, momentum=0.9 if name == "momentum" else 0.0)


def batches(seed: int, samples: int, size: int) -> Iterator[Tensor]:
    """Indices of one batch after the other."""
    draws = source(seed, BATCHES)
    while True:
        order = torch.randperm(samples, generator=draws)
        for start in range(0, samples - size + 1, size):
            yield order[start : start + size]


def train(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    seed: int,
    batch_size: int,
    steps: int,
) -> list[float]:
    """The usual loop; the loss of each step."""
    losses = []
    for _, indices in zip(range(steps), batches(seed, len(y), batch_size), strict=False):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x[indices]), y[indices])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
