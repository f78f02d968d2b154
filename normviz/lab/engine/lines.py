"""A look along the gradient: loss and gradient of every member at some distances down the line.

Legend: M members of the stack, E members of a group, A places on the line, P parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.lab.engine.groups import Group
from normviz.lab.engine.losses import cross_entropy
from normviz.lab.engine.stack import Stack

Tensors = Sequence[torch.Tensor]


def along_the_gradient(stack: Stack, places: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Loss and change of the gradient at θ - a·lr·∇L(θ) for each a of ``places``.

    L is the loss of the batch that the next step will train on, in train mode, so a = 1 is where a step of
    plain SGD will arrive.  The running statistics stay, and training goes on bit for bit as without the look.

    | name | is |
    | --- | --- |
    | loss | L along the line, [A, M] |
    | change | ‖∇L(θ - a·lr·∇L(θ)) - ∇L(θ)‖ / ‖∇L(θ)‖ over all parameters, [A, M] |
    | slope | ‖∇L(θ)‖, [M] |

    float64; NaN for members that have diverged.
    """
    x, y = stack.next_batch()
    members = len(stack.members)
    seen = {
        "loss": np.full((len(places), members), np.nan),
        "change": np.full((len(places), members), np.nan),
        "slope": np.full(members, np.nan),
    }
    for group in stack.groups:
        if not any(group.live):
            continue
        losses_AE, change_AE, slope_E = _look(group, group.own(x), group.own(y), places)
        rows = [row for row, alive in enumerate(group.live) if alive]
        own = [group.places[row] for row in rows]
        seen["loss"][:, own] = losses_AE[:, rows]
        seen["change"][:, own] = change_AE[:, rows]
        seen["slope"][own] = slope_E[rows]
    return seen


def _look(
    group: Group, x: torch.Tensor, y: torch.Tensor, places: Sequence[float]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    parameters = [one.detach() for one in group.parameters]
    here = [one.clone() for one in parameters]
    rates = torch.tensor([member.lr for member in group.members], dtype=here[0].dtype, device=here[0].device)
    losses, changes = [], []
    with group.mode(train=True, update_statistics=False):
        _, gradients = _gradients(group, x, y)
        slope = _length(gradients)
        steps = [gradient * rates.view(-1, *[1] * (gradient.dim() - 1)) for gradient in gradients]
        for a in places:
            for parameter, start, step in zip(parameters, here, steps, strict=True):
                parameter.copy_(start - a * step)
            loss, there = _gradients(group, x, y)
            losses.append(loss)
            changes.append(_length([b - g for b, g in zip(there, gradients, strict=True)]) / slope)
    for parameter, start in zip(parameters, here, strict=True):
        parameter.copy_(start)
    return torch.stack(losses).numpy(), torch.stack(changes).numpy(), slope.numpy()


def _gradients(group: Group, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, Tensors]:
    losses = cross_entropy(group.net(x), y)
    return losses.detach().cpu().double(), torch.autograd.grad(losses.sum(), group.parameters)


def _length(tensors: Tensors) -> torch.Tensor:
    """Euclidean norm over all parameters of each member, [E]."""
    squares = torch.stack([one.cpu().double().flatten(1).square().sum(1) for one in tensors])
    return squares.sum(0).sqrt()
