"""One member's norm, computed in float64 without this project: by torch.nn, or by a naive loop.

Legend: N samples, C channels, O outputs, F fan-in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from normviz.lab import norms
from normviz.lab.norms import Norm

MEMBERS = 3
CHANNELS = 16
SAMPLES = 8
FAN_IN = 9
SPATIAL: dict[str, tuple[int, ...]] = {"1d": (), "2d": (4, 3), "sequence": (5,)}
"""What follows the channels, by form of the activations."""
FORMS = {"1d": "mlp", "2d": "cnn", "sequence": "sequence"}
FITTING = [
    (name, kind)
    for name, fact in norms.NORMS.items()
    for kind, form in FORMS.items()
    if fact.applies[form] is None
]
"""Every norm in every form to which it applies."""


class Reference:
    """Forward passes of one member, differentiable by autograd."""

    def __init__(self, parameters: dict[str, Tensor], forward: Callable[[Tensor], Tensor]) -> None:
        self.parameters = parameters
        self.forward = forward
        self.weight: Callable[[Tensor], Tensor] = lambda w: w
        self.statistics: Callable[[], dict[str, Tensor]] = dict
        self.eval: Callable[[], Any] = lambda: None


def reference(norm: Norm, member: int, dimensions: int) -> Reference:
    """The float64 counterpart of one member of a stacked norm, with its own copies of the parameters.

    ``dimensions``: those that follow the channels.
    """
    own = {
        name: value.detach()[member].double().clone().requires_grad_()
        for name, value in norm.named_parameters()
    }
    kind = next(one for one in type(norm).__mro__ if one in _REFERENCES)
    return _REFERENCES[kind](norm, own, dimensions)


def _by_torch(module: nn.Module, own: dict[str, Tensor], names: dict[str, str]) -> Reference:
    """``names``: our name of a parameter -> torch's."""
    module.double()

    def forward(x: Tensor) -> Tensor:
        return torch.func.functional_call(module, {names[name]: value for name, value in own.items()}, (x,))

    made = Reference(own, forward)
    made.eval = module.eval
    made.statistics = lambda: {
        name: value for name, value in module.named_buffers() if name.startswith("running")
    }
    return made


_AFFINE = {"gamma": "weight", "beta": "bias"}


def _batch(norm: norms.BatchNorm, own: dict[str, Tensor], dimensions: int) -> Reference:
    tracked = norm.running_mean is not None
    kind = nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm1d
    module = kind(norm.num_features, norm.eps, norm.momentum, norm.gamma is not None, tracked)
    return _by_torch(module, own, _AFFINE)


def _instance(norm: norms.InstanceNorm, own: dict[str, Tensor], dimensions: int) -> Reference:
    tracked = norm.running_mean is not None
    assert norm.momentum is not None
    kind = nn.InstanceNorm2d if dimensions == 2 else nn.InstanceNorm1d
    module = kind(norm.num_features, norm.eps, norm.momentum, norm.gamma is not None, tracked)
    return _by_torch(module, own, _AFFINE)


def _layer(norm: norms.LayerNorm, own: dict[str, Tensor], dimensions: int) -> Reference:
    assert norm.eps is not None
    module = nn.LayerNorm(norm.normalized_shape, norm.eps, norm.gamma is not None, norm.beta is not None)
    return _by_torch(module, own, _AFFINE)


def _rms(norm: norms.RMSNorm, own: dict[str, Tensor], dimensions: int) -> Reference:
    # The machine epsilon is that of the stack's dtype, not of this reference's.
    assert norm.gamma is not None
    eps = torch.finfo(norm.gamma.dtype).eps if norm.eps is None else norm.eps
    return _by_torch(nn.RMSNorm(norm.normalized_shape, eps), own, _AFFINE)


def _group(norm: norms.GroupNorm, own: dict[str, Tensor], dimensions: int) -> Reference:
    module = nn.GroupNorm(norm.num_groups, norm.num_channels, norm.eps, norm.gamma is not None)
    return _by_torch(module, own, _AFFINE)


def _identity(norm: norms.Identity, own: dict[str, Tensor], dimensions: int) -> Reference:
    return Reference(own, lambda x: x)


def _weight_norm(norm: norms.WeightNorm, own: dict[str, Tensor], dimensions: int) -> Reference:
    def weight(w: Tensor) -> Tensor:
        # torch splits a given weight into (g, v); here g is set, so the split is undone on the graph.
        linear = nn.utils.parametrizations.weight_norm(nn.Linear(w.shape[1], w.shape[0], bias=False).double())
        inside = linear.parametrizations.weight
        return torch.func.functional_call(inside, {"original0": own["g"][:, None], "original1": w}, ())

    made = Reference(own, lambda x: x)
    made.weight = weight
    return made


def _weight_standardization(
    norm: norms.WeightStandardization, own: dict[str, Tensor], dimensions: int
) -> Reference:
    def weight(w: Tensor) -> Tensor:
        units = []
        for unit in w:
            mean = sum(unit) / len(unit)
            var = sum((one - mean) ** 2 for one in unit) / len(unit)
            units.append((unit - mean) / (var + 1e-6) ** 0.5)
        return torch.stack(units)

    made = _group(norm, own, dimensions)
    made.weight = weight
    return made


class _Running:
    """Running statistics of one member, moved as the papers say, in float64."""

    def __init__(self, channels: int, momentum: float) -> None:
        self.mean, self.var = torch.zeros(channels).double(), torch.ones(channels).double()
        self.momentum, self.training = momentum, True

    def move(self, values_by_channel: list[Tensor]) -> None:
        for channel, values in enumerate(values_by_channel):
            for kept, new in ((self.mean, values.mean()), (self.var, values.var(correction=1))):
                kept[channel] = (1 - self.momentum) * kept[channel] + self.momentum * new.detach()

    def eval(self) -> None:
        self.training = False

    def statistics(self) -> dict[str, Tensor]:
        return {"running_mean": self.mean, "running_var": self.var}

    def attach(self, own: dict[str, Tensor], forward: Callable[[Tensor], Tensor]) -> Reference:
        made = Reference(own, forward)
        made.eval, made.statistics = self.eval, self.statistics
        return made


def _column(parameter: Tensor, x: Tensor) -> Tensor:
    return parameter.view(-1, *[1] * (x.ndim - 2))


def _ghost(norm: norms.GhostBatchNorm, own: dict[str, Tensor], dimensions: int) -> Reference:
    assert norm.momentum is not None
    running = _Running(norm.num_features, norm.momentum)

    def forward(x: Tensor) -> Tensor:
        y = torch.empty_like(x)
        for start in range(0, len(x), norm.ghost_size if running.training else len(x)):
            ghost = x[start : start + norm.ghost_size] if running.training else x
            for channel in range(x.shape[1]):
                values = ghost[:, channel]
                mean, var = values.mean(), values.var(correction=0)
                if not running.training:
                    mean, var = running.mean[channel], running.var[channel]
                xhat = (values - mean) / (var + norm.eps) ** 0.5
                y[start : start + len(ghost), channel] = own["gamma"][channel] * xhat + own["beta"][channel]
            if running.training:
                running.move([ghost[:, channel] for channel in range(x.shape[1])])
        return y

    return running.attach(own, forward)


def _batch_renorm(norm: norms.BatchRenorm, own: dict[str, Tensor], dimensions: int) -> Reference:
    assert norm.momentum is not None
    running = _Running(norm.num_features, norm.momentum)

    def forward(x: Tensor) -> Tensor:
        y = torch.empty_like(x)
        for channel in range(x.shape[1]):
            values = x[:, channel]
            sigma = (running.var[channel] + norm.eps) ** 0.5
            if running.training:
                mean_b, sigma_b = values.mean(), (values.var(correction=0) + norm.eps) ** 0.5
                r = (sigma_b.detach() / sigma).clip(1 / norm.r_max, norm.r_max)
                d = ((mean_b.detach() - running.mean[channel]) / sigma).clip(-norm.d_max, norm.d_max)
                xhat = (values - mean_b) / sigma_b * r + d
            else:
                xhat = (values - running.mean[channel]) / sigma
            y[:, channel] = own["gamma"][channel] * xhat + own["beta"][channel]
        if running.training:
            running.move([x[:, channel] for channel in range(x.shape[1])])
        return y

    return running.attach(own, forward)


def _frn(norm: norms.FRN, own: dict[str, Tensor], dimensions: int) -> Reference:
    def forward(x: Tensor) -> Tensor:
        y = torch.empty_like(x)
        for sample in range(x.shape[0]):
            for channel in range(x.shape[1]):
                values = x[sample, channel]
                xhat = values / ((values**2).mean() + norm.eps) ** 0.5
                z = own["gamma"][channel] * xhat + own["beta"][channel]
                y[sample, channel] = torch.where(z >= own["tau"][channel], z, own["tau"][channel])
        return y

    return Reference(own, forward)


def _dyt(norm: norms.DyT, own: dict[str, Tensor], dimensions: int) -> Reference:
    def forward(x: Tensor) -> Tensor:
        squashed = torch.tanh(own["alpha"][0] * x)
        return _column(own["gamma"], x) * squashed + _column(own["beta"], x)

    return Reference(own, forward)


_REFERENCES: dict[type[Norm], Callable[..., Reference]] = {
    norms.Identity: _identity,
    norms.BatchNorm: _batch,
    norms.LayerNorm: _layer,
    norms.GroupNorm: _group,
    norms.InstanceNorm: _instance,
    norms.RMSNorm: _rms,
    norms.BatchRenorm: _batch_renorm,
    norms.FRN: _frn,
    norms.WeightNorm: _weight_norm,
    norms.WeightStandardization: _weight_standardization,
    norms.GhostBatchNorm: _ghost,
    norms.DyT: _dyt,
}
