"""Moments: mean and standard deviation, over the batch, of every unit's values that leave the norm.

Legend: M members of the stack, E members of a group, L hidden layers, N samples, C units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.lab.engine.groups import Group
from normviz.lab.engine.stack import Stack
from normviz.lab.nets.layers import Tape


class Moments:
    """Watches the steps of a stack of MLPs: {"mean": [M, L, C], "sd": [M, L, C]}, NaN for frozen members."""

    def __init__(self, stack: Stack) -> None:
        self._shape = len(stack.members), stack.plan.depth, stack.plan.width

    def begin(self) -> None:
        """A step begins."""
        self._seen = {name: np.full(self._shape, np.nan, "f4") for name in ("mean", "sd")}

    @torch.no_grad()
    def before(self, group: Group, tape: Tape, gradients: Sequence[torch.Tensor]) -> None:
        """The batch has passed forward and backward."""
        leaving_LENC = torch.stack(tape.leaving)
        mean_LEC = leaving_LENC.mean(2)
        sd_LEC = (leaving_LENC - mean_LEC.unsqueeze(2)).square().mean(2).sqrt()
        rows = [row for row, alive in enumerate(group.live) if alive]
        places = [group.places[row] for row in rows]
        for name, values_LEC in (("mean", mean_LEC), ("sd", sd_LEC)):
            self._seen[name][places] = values_LEC.transpose(0, 1)[rows].cpu().numpy()

    def after(self, group: Group) -> None:
        """The update changes nothing about the batch."""

    def end(self) -> dict[str, NDArray[Any]]:
        """What was seen."""
        return self._seen
