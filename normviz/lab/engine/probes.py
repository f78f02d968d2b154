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
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz import frames
from normviz.catalog.networks import NETWORKS
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

_SMALL = 2**13
"""Values of a layer up to which layers are measured together: below, the calls cost more than the copy."""

Array = NDArray[Any]
Measure = Callable[[torch.Tensor], torch.Tensor]


class Probe:
    """Records a training step of a stack; see `schema` for what."""

    def __init__(self, stack: Stack, shown: Sequence[int] | None = None) -> None:
        """``shown``: members whose histograms and statistics are kept; by default the first of each norm."""
        if shown is None:
            kinds = [(member.norm, member.options) for member in stack.members]
            shown = [kinds.index(kind) for kind in dict.fromkeys(kinds)]
        self.shown = tuple(shown)
        plan = stack.plan
        network = NETWORKS[plan.network]
        self._layers = network.hidden(plan.shape, plan.depth, plan.width)
        self._members, self._activation = len(stack.members), plan.activation
        self._most = stack.batch_size * max(layer.channels * prod(layer.spatial) for layer in self._layers)
        self._weights = max(layer.fan_in * layer.channels for layer in self._layers)
        self._arrays: dict[str, Array] = {}
        self._weights_before: list[torch.Tensor] = []

    # ---------------------------------------------------------------- what it records

    def schema(self) -> tuple[frames.Array, ...]:
        """Names, shapes, element types, axes and units of the arrays, in their order."""
        v, m, n = len(self.shown), self._members, len(self._layers)
        counts, weights = _smallest(self._most), _smallest(self._weights)
        histogram, by_member = ("variant", "layer", "bin"), ("member", "layer")
        return (
            *(
                frames.Array(f"hist_{of}", (v, n, BINS), kind, histogram, "values")
                for of, kind in (
                    ("pre", counts),
                    ("post", counts),
                    ("activation", counts),
                    ("grad", counts),
                    ("grad_weight", weights),
                )
            ),
            *(frames.Array(name, (m, n), "f4", by_member, unit) for name, unit in _BY_MEMBER.items()),
            *(
                frames.Array(name, (v, n, UNITS), "f4", ("variant", "layer", "unit"))
                for name in ("batch_mean", "batch_var", "running_mean", "running_var", "gamma", "beta")
            ),
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
        """Start a recorded step with arrays that hold nothing: zero counts, NaN for the rest."""
        self._arrays = {
            one.name: np.full(one.shape, math.nan if one.dtype == "f4" else 0, one.dtype)
            for one in self.schema()
        }

    def end(self) -> dict[str, Array]:
        """What was recorded."""
        arrays, self._arrays = self._arrays, {}
        return arrays

    @torch.no_grad()
    def before(self, group: Group, tape: Tape, gradients: Sequence[torch.Tensor]) -> None:
        """See a group between its backward pass and its update."""
        weights = [block.layer.weight for block in group.net.blocks]
        places = {id(parameter): place for place, parameter in enumerate(group.parameters)}
        of_weights = [gradients[places[id(weight)]] for weight in weights]
        of_outputs = gradients[len(group.parameters) :]
        self._put(group, "grad_norm_activation", per_layer(of_outputs, norms_of_rows))
        self._put(group, "grad_norm_weight", per_layer(of_weights, norms_of_rows))
        self._put(group, "dead", self._dead(group, tape))
        self._put(group, "saturated", self._saturated(group, tape))
        self._put_affine(group)
        self._weights_before = [weight.detach().clone() for weight in weights]
        self._show(group, tape, of_outputs, of_weights)

    @torch.no_grad()
    def after(self, group: Group) -> None:
        """See a group after its update."""
        changes = [
            block.layer.weight - before
            for block, before in zip(group.net.blocks, self._weights_before, strict=True)
        ]
        sizes = per_layer(self._weights_before, norms_of_rows)
        self._put(group, "update_ratio", per_layer(changes, norms_of_rows) / sizes)
        self._weights_before = []

    # ---------------------------------------------------------------- its parts

    def _put(self, group: Group, name: str, values_LE: torch.Tensor | None) -> None:
        if values_LE is not None:
            self._arrays[name][list(group.places)] = values_LE.T.cpu().numpy()

    def _dead(self, group: Group, tape: Tape) -> torch.Tensor | None:
        # A rectified unit is dead in this batch if its greatest value is zero.
        if self._activation != "relu" or group.net.norms[0].activates:
            return None
        return per_layer(tape.activated, lambda x: (unit_maxima(x) == 0).float().mean(1))

    def _saturated(self, group: Group, tape: Tape) -> torch.Tensor | None:
        if self._activation not in SATURATED or group.net.norms[0].activates:
            return None
        low, high = SATURATED[self._activation]
        return per_layer(tape.activated, lambda x: ((x < low) | (x > high)).flatten(1).float().mean(1))

    def _put_affine(self, group: Group) -> None:
        for name in ("gamma", "beta"):
            kept = [getattr(norm, name, None) for norm in group.net.norms]
            affine = [one.flatten(1) for one in kept if one is not None]
            if not affine:
                continue
            self._put(group, f"{name}_mean", per_layer(affine, lambda x: x.flatten(1).mean(1)))
            self._put(group, f"{name}_sd", per_layer(affine, lambda x: x.flatten(1).std(1, correction=0)))
            self._put_units(group, name, affine)

    def _put_units(self, group: Group, name: str, kept: Sequence[torch.Tensor]) -> None:
        """The first units of the shown members, of one [E, C, *spatial] for each layer: means over the picture."""
        for v, row in self._rows(group):
            units = [one[row, :UNITS].reshape(UNITS, -1).mean(1) for one in kept]
            self._arrays[name][v] = torch.stack(units).cpu().numpy()

    def _rows(self, group: Group) -> list[tuple[int, int]]:
        """(place among the shown, row in the group) of the shown members in this group."""
        return [(v, group.places.index(m)) for v, m in enumerate(self.shown) if m in group.places]

    def _show(
        self, group: Group, tape: Tape, of_outputs: Sequence[torch.Tensor], of_weights: Sequence[torch.Tensor]
    ) -> None:
        """Histograms and statistics of the shown members."""
        if not self._rows(group):
            return
        shown, rows = zip(*self._rows(group), strict=True)

        def count(name: str, values: Sequence[torch.Tensor], counts: Measure) -> None:
            picked = [one[rows[0] : rows[0] + 1] if len(rows) == 1 else one[list(rows)] for one in values]
            counted = per_layer(picked, lambda x: counts(x.flatten(1)))
            self._arrays[name][list(shown)] = counted.transpose(0, 1).cpu().numpy()

        count("hist_pre", tape.entering, lambda x: linear_counts(x, *NORM_RANGE))
        if tape.leaving[0] is tape.entering[0]:
            self._arrays["hist_post"][list(shown)] = self._arrays["hist_pre"][list(shown)]
        else:
            count("hist_post", tape.leaving, lambda x: linear_counts(x, *NORM_RANGE))
        count("hist_activation", tape.activated, lambda x: linear_counts(x, *RANGES[self._activation]))
        count("hist_grad", of_outputs, symlog_counts)
        count("hist_grad_weight", of_weights, symlog_counts)

        for v, row in self._rows(group):
            units = [one[row, :, :UNITS].transpose(0, 1).flatten(1) for one in tape.entering]
            mean, var = [one.mean(1) for one in units], [one.var(1, correction=0) for one in units]
            self._arrays["batch_mean"][v] = torch.stack(mean).cpu().numpy()
            self._arrays["batch_var"][v] = torch.stack(var).cpu().numpy()
        kept = [norm.statistics() for norm in group.net.norms]
        for name in kept[0]:
            self._put_units(group, name, [one[name] for one in kept])


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


def per_layer(values: Sequence[torch.Tensor], measure: Measure) -> torch.Tensor:
    """``measure`` [R, ...] -> [R, *of] of every layer: values L times [E, ...] -> [L, E, *of]."""
    results = []
    for _, run in groupby(values, key=lambda one: one.shape if one.numel() <= _SMALL else id(one)):
        layers = list(run)
        rows = layers[0] if len(layers) == 1 else torch.stack(layers).flatten(0, 1)
        measured = measure(rows)
        results.append(measured.view(len(layers), len(layers[0]), *measured.shape[1:]))
    return torch.cat(results)


def norms_of_rows(x: torch.Tensor) -> torch.Tensor:
    """Euclidean norm of each row [R, ...] -> [R]."""
    norms: torch.Tensor = torch.linalg.vector_norm(x.flatten(1), dim=1)
    return norms


def unit_maxima(x: torch.Tensor) -> torch.Tensor:
    """Greatest value of each unit over samples and picture, [R, N, C, *spatial] -> [R, C]."""
    return x.amax(dim=(1, *range(3, x.dim())))


def _smallest(count: int) -> str:
    """The smallest element type that holds a count."""
    return "u2" if count < 2**16 else "u4"
