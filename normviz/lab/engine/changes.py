"""Changes while training: members with another learning rate or another norm, in the places of the old ones.

The groups are made anew, and every member takes along what it has: weights, biases and the head, the
optimizer's memory of them, its random numbers, and whether it has diverged.  A norm stays as it is, or begins
afresh if it is another one: γ = 1, β = 0, running statistics at mean 0 and variance 1, weight norm's g the
length of the present weights, and no memory in the optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from normviz.lab.engine.groups import Group


@torch.no_grad()
def carry_over(old: Sequence[Group], new: Sequence[Group]) -> None:
    """Give the members of the new groups what they had in the old ones; places say who is who."""
    for group in new:
        for row, place in enumerate(group.places):
            before = next(one for one in old if place in one.places)
            _carry_member(before, before.places.index(place), group, row)
        group.optimizer.set_live(group.live)


def _carry_member(before: Group, row: int, after: Group, new_row: int) -> None:
    same = before.members[row].kind == after.members[new_row].kind
    theirs = dict(_by_name(before))
    for name, tensors in _by_name(after):
        if same or name not in _of_norms(after):
            for mine, kept in zip(tensors, theirs[name], strict=True):
                mine[new_row] = kept[row]
    if same:
        kept_buffers = dict(before.net.named_buffers())
        for name, buffer in after.net.named_buffers():
            kept = kept_buffers[name]
            if buffer.dim():
                buffer[new_row] = kept[row]
            else:
                buffer.copy_(kept)
    else:
        _begin(after, new_row)
    after.live[new_row] = before.live[row]
    after.optimizer.steps.copy_(before.optimizer.steps)
    after.dropout.adopt(before.dropout, before.members[row].seed)


def _by_name(group: Group) -> list[tuple[str, list[torch.Tensor]]]:
    """Each parameter's name, and it and the optimizer's state of it."""
    names = [name for name, _ in group.net.named_parameters()]
    together = zip(group.optimizer.parameters, *group.optimizer.state, strict=True)
    return [(name, list(tensors)) for name, tensors in zip(names, together, strict=True)]


def _of_norms(group: Group) -> set[str]:
    """Names of the parameters that belong to norms."""
    own = {id(parameter) for norm in group.net.norms for parameter in norm.parameters()}
    return {name for name, parameter in group.net.named_parameters() if id(parameter) in own}


def _begin(group: Group, row: int) -> None:
    """Let one member's norms learn from the present weights, as they do from the initial ones."""
    for block in group.net.blocks:
        parameters = list(block.norm.parameters())
        others = [parameter.clone() for parameter in parameters]
        block.norm.init_from(block.layer.flat_weight)
        for parameter, other in zip(parameters, others, strict=True):
            other[row] = parameter[row]
            parameter.copy_(other)
