"""Probes: what a recorded training step shows of every hidden layer.

    probe = Probe(stack)
    for step in range(steps):
        if step % 5 == 0:
            arrays = stack.recorded_step(probe)     # name -> array, see `Probe.schema`
        else:
            stack.step()

Everything is of the batch of that step: activations and gradients before its update, statistics after the
pass.  Every value of a layer is looked at, none is sampled.

Legend: M members of the stack, E members of a group, V shown members, L hidden layers, N samples, C channels,
U = 16 units (the first of each layer), F fan-in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch

from normviz import frames
from normviz.catalog.sequences import ALL_NETWORKS
from normviz.lab.engine.collectors import (
    Array,
    ByMember,
    Measure,
    Shown,
    Together,
    biased_variance,
    first_units,
    length,
    lengths,
    nothing,
    smallest_counter,
    unit_maxima,
)
from normviz.lab.engine.groups import Group
from normviz.lab.engine.histograms import BINS, linear_counts, linear_edges, symlog_counts, symlog_edges
from normviz.lab.engine.stack import Stack
from normviz.lab.nets.layers import Tape

UNITS = 16
"""Units of each layer whose statistics are recorded, the first ones."""

SATURATED = {"tanh": (-0.97, 0.97), "sigmoid": (0.03, 0.97)}
"""An activation outside these bounds is saturated; the other functions do not saturate."""

RANGES = {"relu": (-4.0, 4.0), "gelu": (-4.0, 4.0), "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
"""Histogram range of what leaves the activation function."""

NORM_RANGE = (-4.0, 4.0)
"""Histogram range of what enters and what leaves the norm."""

HISTOGRAMS = ("pre", "post", "activation", "grad", "grad_weight")
"""Before and after the norm, after the activation function, gradients of activations and of weights."""

KEPT = ("running_mean", "running_var", "gamma", "beta")
"""What a norm keeps for each channel, if it does."""


class Probe:
    """Records a training step of a stack; see `schema` for what."""

    def __init__(self, stack: Stack, shown: Sequence[int] | None = None) -> None:
        """``shown``: members whose histograms and statistics are kept; by default the first of each norm."""
        if shown is None:
            kinds = [member.kind for member in stack.members]
            shown = [kinds.index(kind) for kind in dict.fromkeys(kinds)]
        self.shown = tuple(shown)
        plan = stack.plan
        network = ALL_NETWORKS[plan.network]
        self._layers = network.hidden(plan.shape, plan.depth, plan.width)
        self._members, self._activation = len(stack.members), plan.activation
        self._most = stack.batch_size * max(layer.channels * prod(layer.spatial) for layer in self._layers)
        self._most_weights = max(layer.fan_in * layer.channels for layer in self._layers)
        self._schema = self.schema()
        self._by_member = ByMember()
        self._shown = {name: Shown(len(self.shown)) for name in (*HISTOGRAMS, *KEPT)}
        self._scratch: dict[str, dict[Any, torch.Tensor]] = {}

    # ---------------------------------------------------------------- what it records

    def schema(self) -> tuple[frames.Array, ...]:
        """Names, shapes, element types, axes and units of the arrays, in their order."""
        v, m, n = len(self.shown), self._members, len(self._layers)
        counts, of_weights = smallest_counter(self._most), smallest_counter(self._most_weights)
        kinds = dict.fromkeys(HISTOGRAMS, counts) | {"grad_weight": of_weights}
        histogram, by_member = ("variant", "layer", "bin"), ("member", "layer")
        units = ("batch_mean", "batch_var", *KEPT)
        return (
            *(
                frames.Array(f"hist_{of}", (v, n, BINS), kind, histogram, "values")
                for of, kind in kinds.items()
            ),
            *(frames.Array(name, (m, n), "f4", by_member, unit) for name, unit in _BY_MEMBER.items()),
            *(frames.Array(name, (v, n, UNITS), "f4", ("variant", "layer", "unit")) for name in units),
        )

    @property
    def edges(self) -> dict[str, Array]:
        """Edges of each histogram's bins, [65] float64, by the names of the schema."""
        return {
            "hist_pre": linear_edges(*NORM_RANGE),
            "hist_post": linear_edges(*NORM_RANGE),
            "hist_activation": linear_edges(*RANGES[self._activation]),
            "hist_grad": symlog_edges(),
            "hist_grad_weight": symlog_edges(),
        }

    # ---------------------------------------------------------------- called by the stack

    def begin(self) -> None:
        """Start a recorded step."""
        for shown in self._shown.values():
            shown.begin()

    @torch.no_grad()
    def before(self, group: Group, tape: Tape, gradients: Sequence[torch.Tensor]) -> None:
        """See a group between its backward pass and its update."""
        weights = [block.layer.weight for block in group.net.blocks]
        place = {id(parameter): place for place, parameter in enumerate(group.parameters)}
        of_weights = [gradients[place[id(weight)]] for weight in weights]
        of_outputs = gradients[len(group.parameters) :]
        self._weights = self._together("weights", weights, copy=True)
        self._size = self._weights.measure(length)
        self._put(group, "grad_norm_activation", lengths(of_outputs))
        self._put(group, "grad_norm_weight", lengths(of_weights))
        self._put_health(group, tape)
        kept_by_name = self._kept(group)
        self._put_affine(group, kept_by_name)
        for v, row in self._rows(group):
            self._show(
                v, row, pre=tape.entering, activation=tape.activated, grad=of_outputs, grad_weight=of_weights
            )
            if tape.leaving[0] is tape.entering[0]:
                self._shown["post"].copy(v, self._shown["pre"])
            else:
                self._show(v, row, post=tape.leaving)
            for name, kept in kept_by_name.items():
                self._shown[name].put(v, [one[row, :UNITS] for one in kept])

    @torch.no_grad()
    def after(self, group: Group) -> None:
        """See a group after its update."""
        self._weights.subtract([block.layer.weight for block in group.net.blocks])
        self._put(group, "update_ratio", self._weights.measure(length) / self._size)

    @torch.no_grad()
    def end(self) -> dict[str, Array]:
        """What was recorded; zero counts and NaN where there is nothing, as for members that are frozen."""
        arrays = {one.name: nothing(one.shape, one.dtype) for one in self._schema}
        self._by_member.fill(arrays)
        for name in HISTOGRAMS:
            self._shown[name].fill(arrays[f"hist_{name}"], self._counts(name))
        entering = self._shown["pre"]
        entering.fill(arrays["batch_mean"], lambda x: first_units(x, UNITS).mean(2))
        entering.fill(arrays["batch_var"], lambda x: biased_variance(first_units(x, UNITS)))
        for name in KEPT:
            self._shown[name].fill(arrays[name], lambda x: x)
        return arrays

    # ---------------------------------------------------------------- its parts

    def _together(self, name: str, values: Sequence[torch.Tensor], copy: bool = False) -> Together:
        return Together(values, self._scratch.setdefault(name, {}), copy)

    def _put(self, group: Group, name: str, values_LE: torch.Tensor) -> None:
        if not all(group.live):
            values_LE = values_LE.masked_fill(~torch.tensor(group.live, device=values_LE.device), math.nan)
        self._by_member.put(name, group.places, values_LE)

    def _rows(self, group: Group) -> list[tuple[int, int]]:
        """(place among the shown, row in the group) of the shown members that live in this group."""
        rows = [(v, group.places.index(m)) for v, m in enumerate(self.shown) if m in group.places]
        return [(v, row) for v, row in rows if group.live[row]]

    def _show(self, v: int, row: int, **values: Sequence[torch.Tensor]) -> None:
        for name, layers in values.items():
            self._shown[name].put(v, [one[row] for one in layers])

    def _counts(self, name: str) -> Measure:
        """Rows of values -> their histograms."""
        if name.startswith("grad"):
            return lambda x: symlog_counts(x.flatten(1))
        bounds = RANGES[self._activation] if name == "activation" else NORM_RANGE
        return lambda x: linear_counts(x.flatten(1), *bounds)

    def _put_health(self, group: Group, tape: Tape) -> None:
        """Dead and saturated shares, for the activation functions that have them."""
        if group.net.norms[0].activates:
            return
        if self._activation == "relu":
            # A rectified unit is dead in this batch if its greatest value is zero.
            greatest = self._together("greatest", [unit_maxima(one) for one in tape.activated])
            self._put(group, "dead", greatest.measure(lambda x: (x == 0).float().mean(1)))
        elif self._activation in SATURATED:
            low, high = SATURATED[self._activation]
            activated = self._together("activated", tape.activated)
            beyond = activated.measure(lambda x: ((x < low) | (x > high)).flatten(1).float().mean(1))
            self._put(group, "saturated", beyond)

    def _put_affine(self, group: Group, kept_by_name: Mapping[str, Sequence[torch.Tensor]]) -> None:
        """Mean and spread of γ and β."""
        for name, kept in kept_by_name.items():
            if name in ("gamma", "beta"):
                layers = self._together(name, kept)
                self._put(group, f"{name}_mean", layers.measure(lambda x: x.mean(1)))
                self._put(group, f"{name}_sd", layers.measure(lambda x: x.std(1, correction=0)))

    @staticmethod
    def _kept(group: Group) -> dict[str, list[torch.Tensor]]:
        """Those of `KEPT` that the group's norms have, [E, C] for each layer."""
        norms = [block.norm for block in group.net.blocks]
        names = [name for name in KEPT if getattr(norms[0], name, None) is not None]
        return {name: [getattr(norm, name).flatten(1) for norm in norms] for name in names}


_BY_MEMBER: Mapping[str, str] = {
    "grad_norm_activation": "",
    "grad_norm_weight": "",
    "update_ratio": "",
    "saturated": "share of values",
    "dead": "share of units",
    "gamma_mean": "",
    "gamma_sd": "",
    "beta_mean": "",
    "beta_sd": "",
}
"""Quantities of every member and layer, with their units.

| name | is |
| --- | --- |
| grad_norm_activation | Euclidean norm of the gradient of the loss by the block's output, over the batch |
| grad_norm_weight | Euclidean norm of the gradient by the layer's weights |
| update_ratio | norm of the change of the weights, divided by the norm of the weights before it |
| saturated | share of the activation function's outputs beyond `SATURATED`; NaN where that has no meaning |
| dead | share of rectified units that are zero on the whole batch; NaN for other activation functions |
| gamma_mean … beta_sd | mean and standard deviation of γ and β over the channels; NaN without them |
"""
