"""Optimizers: torch's fused kernels on slices of the stacked parameters.

A slice is a run of neighbouring members with one learning rate, so members are sorted by it.  The kernels
and their arithmetic are those of ``torch.optim.SGD`` and ``torch.optim.Adam`` with ``fused=True`` and torch's
defaults: no weight decay, momentum 0.9 without dampening, Adam's betas (0.9, 0.999) and eps 1e-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch

Tensors = list[torch.Tensor]


class Optimizer:
    """Updates stacked parameters [E, ...]; members that are not live stay as they are."""

    kept_per_parameter = 0
    """State tensors for each parameter."""

    def __init__(self, parameters: Sequence[torch.Tensor], rates: Sequence[float]) -> None:
        self.parameters = [parameter.detach() for parameter in parameters]
        self.rates = list(rates)
        self._everybody = slice(0, len(self.rates))
        self.state: list[Tensors] = [
            [torch.zeros_like(one) for one in self.parameters] for _ in range(self.kept_per_parameter)
        ]
        self.steps = torch.zeros((), dtype=torch.float32, device=self.parameters[0].device)
        self.set_live([True] * len(self.rates))

    def set_live(self, live: Sequence[bool]) -> None:
        """Choose the members that the next steps update."""
        self._slices: list[tuple[float, slice, list[Tensors]]] = []
        start = 0
        for (alive, rate), run in groupby(zip(live, self.rates, strict=True)):
            stop = start + len(list(run))
            if alive:
                of = slice(start, stop)
                kept = [[one[of] for one in tensors] for tensors in (self.parameters, *self.state)]
                self._slices.append((rate, of, kept))
            start = stop

    def step(self, gradients: Sequence[torch.Tensor]) -> None:
        """Update all live members by ``gradients``, one for each parameter."""
        self.steps += 1
        for rate, of, kept in self._slices:
            # The kernels walk through memory, so a transposed gradient is laid out first.
            chosen = gradients if of == self._everybody else [gradient[of] for gradient in gradients]
            self.update([gradient.contiguous() for gradient in chosen], rate, *kept)

    def update(self, gradients: Tensors, rate: float, parameters: Tensors, *state: Tensors) -> None:
        """Update one slice in place."""
        raise NotImplementedError


class SGD(Optimizer):
    """w ← w - lr·g.  ``torch.optim.SGD(lr)``."""

    momentum = 0.0

    def update(self, gradients: Tensors, rate: float, parameters: Tensors, *state: Tensors) -> None:
        """One fused kernel over all parameters."""
        torch._fused_sgd_(
            parameters,
            gradients,
            [*state[0]] if state else [],
            weight_decay=0.0,
            momentum=self.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )


class Momentum(SGD):
    """v ← 0.9·v + g, w ← w - lr·v.  ``torch.optim.SGD(lr, momentum=0.9)``."""

    momentum = 0.9
    kept_per_parameter = 1


class Adam(Optimizer):
    """``torch.optim.Adam(lr)``.

    Source: Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.
    """

    kept_per_parameter = 2

    def update(self, gradients: Tensors, rate: float, parameters: Tensors, *state: Tensors) -> None:
        """One fused kernel over all parameters."""
        first, second = state
        torch._fused_adam_(
            parameters,
            gradients,
            first,
            second,
            [],
            [self.steps] * len(parameters),
            lr=rate,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "momentum": Momentum, "adam": Adam}
"""Optimizers by the names of `normviz.catalog.networks.OPTIMIZERS`."""
