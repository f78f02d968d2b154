"""A norm that becomes another one

Weights, biases and the optimizer's memory of them stay; the new norm begins afresh.
"""

from __future__ import annotations

import torch
from torch import nn

from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.mlp import network
from normviz.export.pieces.settings import DROPOUT
from normviz.export.pieces.weights import layers_of, own_bias, own_weight


def switched(
    net: nn.Module, optimizer: torch.optim.Optimizer, norm: str, seed: int
) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The same network with another norm, and an optimizer that remembers what the old one did."""
    new = network(norm, seed)
    fresh = type(optimizer)(new.parameters(), **optimizer.defaults)
    fresh.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"]
    for state in optimizer.state.values():
        if "step" in state:  # Adam: what is new has no memory, but shares the count of the steps
            for parameter in new.parameters():
                zeros = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
                fresh.state[parameter] = {"step": state["step"].clone(), **zeros}
    for mine, kept in zip(parameters_of(new), parameters_of(net), strict=True):
        mine.data.copy_(kept.data)
        if kept in optimizer.state:
            fresh.state[mine] = optimizer.state[kept]
    if norm == "weight_norm":
        keep_lengths(new)
    if DROPOUT:
        keep_masks(net, new)
    return new, fresh


def parameters_of(net: nn.Module) -> list[nn.Parameter]:
    """Weights and biases of every layer from input to output, without what belongs to norms."""
    return [one for layer in layers_of(net) for one in (own_weight(layer), own_bias(layer))]


def keep_lengths(net: nn.Module) -> None:
    """Let weight norm begin with the lengths of the present weights."""
    for name, module in net.named_modules():
        if name.endswith("parametrizations.weight"):
            lengths, directions = module.original0, module.original1
            lengths.data.copy_(torch.norm_except_dim(directions.data, 2, 0))


def keep_masks(net: nn.Module, new: nn.Module) -> None:
    """Let dropout go on drawing where it has come to."""
    masks = next(module.masks for module in net.modules() if isinstance(module, Dropout))
    for module in new.modules():
        if isinstance(module, Dropout):
            module.masks = masks
