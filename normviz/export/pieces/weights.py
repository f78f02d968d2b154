"""Weights

Those that the layers own, also where a norm of weights computes other ones from them.
"""

from __future__ import annotations

from torch import nn


def own_weight(layer: nn.Module) -> nn.Parameter:
    """The weights of one layer before a norm of weights changes them."""
    by_name = dict(layer.named_parameters())
    names = ("parametrizations.weight.original1", "parametrizations.weight.original", "weight")
    return next(by_name[name] for name in names if name in by_name)


def own_bias(layer: nn.Module) -> nn.Parameter:
    """The bias of one layer."""
    return dict(layer.named_parameters())["bias"]


def layers_of(net: nn.Module) -> list[nn.Module]:
    """Every layer with weights, from input to output."""
    return [module for module in net.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
