"""Groups: the members of a stack that share a norm, computed by one network.

A stack of several norms is several groups in lockstep on the same batches.  Each is an ordinary stacked
network, and small enough that its activations stay in the cache.  (One matrix product over the members of
all norms, with each norm on its slice, is 4 to 8% quicker for six norms × five seeds; but then optimizer,
probes and snapshots would have to know about slices too.)

Legend: E members of the group, S seeds of the stack, B batch size, N samples, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import torch

from normviz.catalog.norms import NORMS
from normviz.lab import nets
from normviz.lab.engine.losses import cross_entropy
from normviz.lab.engine.members import Member, Plan
from normviz.lab.engine.optimizers import OPTIMIZERS
from normviz.lab.nets.layers import Dropout, Tape
from normviz.lab.norms import Disturbance, Noisy

LARGEST = {"mlp": 48, "cnn": 8, "sequence": 8}
"""Most members in a group, by the network's form: more of them no longer fit in the cache."""


@dataclass(frozen=True)
class GroupState:
    """Everything of a group that training changes."""

    tensors: list[torch.Tensor]
    dropout: list[torch.Tensor]
    noise: list[torch.Tensor]
    live: list[bool]
    last: tuple[torch.Tensor, torch.Tensor] | None


class Group:
    """Members of one norm, sorted by learning rate."""

    def __init__(
        self,
        plan: Plan,
        members: Sequence[Member],
        places: Sequence[int],
        seeds: Sequence[int],
        *,
        optimizer: str,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.members, self.places = tuple(members), tuple(places)
        """The members and their places in the stack, in the same order."""
        own = [member.seed for member in members]
        self.options = {**_known(plan.options, members[0].norm), **dict(members[0].options)}
        """Options of the norm."""
        self.net = nets.build(
            plan.network,
            members=len(members),
            shape=plan.shape,
            classes=plan.classes,
            depth=plan.depth,
            width=plan.width,
            norm=members[0].norm,
            activation=plan.activation,
            placement=plan.placement,
            options=self.options,
            causal=plan.causal,
        )
        self.net.to(dtype)
        self.net.draw(own, [member.gain for member in members])
        self.net.to(device)
        self.dropout = Dropout(plan.dropout, own)
        noise = members[0].noise
        self.noise = None if noise is None else Disturbance(noise, own)
        if self.noise is not None:
            for block in self.net.blocks:
                block.norm = Noisy(block.norm, self.noise)
        self.parameters = list(self.net.parameters())
        self.optimizer = OPTIMIZERS[optimizer](self.parameters, [member.lr for member in members])
        self.live = [True] * len(members)
        self.last: tuple[torch.Tensor, torch.Tensor] | None = None
        """Logits and labels of the last training batch."""
        self.rows = [seeds.index(seed) for seed in own]
        self._rows = torch.tensor(self.rows, device=device)
        self._in_order = self.rows == list(range(len(seeds)))

    def own(self, per_seed: torch.Tensor) -> torch.Tensor:
        """What belongs to each member, [E, ...], of what is given for each seed, [S, ...]."""
        if self._in_order:
            return per_seed
        if len(per_seed) == 1:
            return per_seed.expand(len(self.rows), *per_seed.shape[1:])
        return per_seed[self._rows]

    def forward(self, x: torch.Tensor, y: torch.Tensor, tape: Tape | None = None) -> torch.Tensor:
        """Training loss of each member, [E], for x [E, B, *sample] and y [E, B]."""
        logits = self.net(x, tape, self.dropout)
        self.last = logits.detach(), y
        return cross_entropy(logits, y)

    def accumulate(
        self, x: torch.Tensor, y: torch.Tensor, size: int
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Loss [E] and gradients of a batch, summed up over micro-batches of ``size`` samples.

        Each micro-batch is a forward and a backward pass of its own, so a norm never sees more than one.
        """
        parts = list(zip(torch.split(x, size, 1), torch.split(y, size, 1), strict=True))
        losses, seen, sums = [], [], [torch.zeros_like(one) for one in self.parameters]
        for part in parts:
            losses.append(self.forward(*part))
            assert self.last is not None
            seen.append(self.last[0])
            torch._foreach_add_(sums, list(torch.autograd.grad(losses[-1].sum(), self.parameters)))
        torch._foreach_div_(sums, float(len(parts)))
        self.last = torch.cat(seen, 1), y
        return torch.stack(losses).mean(0), tuple(sums)

    def accuracy(self) -> list[float]:
        """Share of the last training batch that each member classified correctly."""
        if self.last is None:
            return [math.nan] * len(self.members)
        logits, y = self.last
        shares: list[float] = (logits.argmax(-1) == y).cpu().double().mean(1).tolist()
        return shares

    def retire(self, dead: Sequence[int]) -> None:
        """Freeze these members: later steps leave their parameters as they are."""
        for member in dead:
            self.live[member] = False
        self.optimizer.set_live(self.live)

    def non_finite(self) -> list[int]:
        """Live members with a parameter that is no longer a finite number."""
        # The sums tell cheaply whether there may be any; a sum of finite numbers may also overflow.
        sums = torch.stack([parameter.sum() for parameter in self.optimizer.parameters])
        if bool(sums.isfinite().all()):
            return []
        finite = torch.stack([one.flatten(1).isfinite().all(1) for one in self.optimizer.parameters]).all(0)
        return [member for member, fine in enumerate(finite.tolist()) if self.live[member] and not fine]

    def state(self) -> GroupState:
        """A copy of everything that training changes."""
        tensors = [one.clone() for one in self._tensors()]
        noise = [] if self.noise is None else self.noise.states()
        return GroupState(tensors, self.dropout.states(), noise, list(self.live), self.last)

    def restore(self, state: GroupState) -> None:
        """Return to ``state``."""
        for own, saved in zip(self._tensors(), state.tensors, strict=True):
            own.copy_(saved)
        self.dropout.restore(state.dropout)
        if self.noise is not None:
            self.noise.restore(state.noise)
        self.live, self.last = list(state.live), state.last
        self.optimizer.set_live(self.live)

    def _tensors(self) -> Iterator[torch.Tensor]:
        yield from self.optimizer.parameters
        yield from self.net.buffers()
        for kept in self.optimizer.state:
            yield from kept
        yield self.optimizer.steps

    @contextmanager
    def mode(self, train: bool, update_statistics: bool = True) -> Iterator[None]:
        """Put the network into train or eval mode for a while, its norms' updates of statistics too.

        Norms whose statistics are frozen stay in eval mode.  Noise comes from the generators of looks.
        """
        before = [(module, module.training) for module in self.net.modules()]
        updated = [(norm, norm.update_statistics) for norm in self.net.norms]
        frozen = [norm for norm in self.net.norms if self.net.training and not norm.training]
        self.net.train(train)
        for norm in frozen:
            norm.eval()
        for norm, _ in updated:
            norm.update_statistics = update_statistics
        try:
            with nullcontext() if self.noise is None else self.noise.aside():
                yield
        finally:
            for module, training in before:
                module.training = training
            for norm, value in updated:
                norm.update_statistics = value


def _known(options: Mapping[str, Any], norm: str) -> dict[str, Any]:
    """Those of the plan's options that a norm reads."""
    return {name: value for name, value in options.items() if name in NORMS[norm].options}


def grouped(members: Sequence[Member], form: str) -> list[list[int]]:
    """Places of the members of each group: of one kind, sorted by learning rate, of even sizes.

    Groups come in the order in which their norms first appear.
    """
    kinds = list(dict.fromkeys(member.kind for member in members))
    order = sorted(
        range(len(members)), key=lambda place: (kinds.index(members[place].kind), members[place].lr)
    )
    groups = []
    for _, run in groupby(order, key=lambda place: members[place].kind):
        places = list(run)
        count = -(-len(places) // LARGEST[form])
        cuts = [len(places) * one // count for one in range(count + 1)]
        groups += [places[start:stop] for start, stop in pairwise(cuts)]
    return groups
