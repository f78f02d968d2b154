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

_SMALL = 2**16
"""Values of a layer up to which layers are measured together: below, the calls cost more than the copy."""

Array = NDArray[Any]
Measure = Callable[[torch.Tensor], torch.Tensor]
Rows = Sequence[tuple[int, int]]


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
        self._most_weights = max(layer.fan_in * layer.channels for layer in self._layers)
        self._schema = self.schema()
        self._arrays: dict[str, Array] = {}
        self._scratch: dict[str, dict[tuple[int, ...], torch.Tensor]] = {}

    # ---------------------------------------------------------------- what it records

    def schema(self) -> tuple[frames.Array, ...]:
        """Names, shapes, element types, axes and units of the arrays, in their order."""
        v, m, n = len(self.shown), self._members, len(self._layers)
        counts, weights = _smallest(self._most), _smallest(self._most_weights)
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
            for one in self._schema
        }

    def end(self) -> dict[str, Array]:
        """What was recorded."""
        arrays, self._arrays = self._arrays, {}
        return arrays

    @torch.no_grad()
    def before(self, group: Group, tape: Tape, gradients: Sequence[torch.Tensor]) -> None:
        """See a group between its backward pass and its update."""
        weights = [block.layer.weight for block in group.net.blocks]
        place = {id(parameter): place for place, parameter in enumerate(group.parameters)}
        of_weights = self._gather("weights", [gradients[place[id(weight)]] for weight in weights])
        of_outputs = self._gather("outputs", gradients[len(group.parameters) :])
        activated = self._gather("activated", tape.activated)
        self._weights = self._gather("before", weights, copy=True)
        self._put(group, "grad_norm_activation", of_outputs.measure(norms_of_rows))
        self._put(group, "grad_norm_weight", of_weights.measure(norms_of_rows))
        self._put_health(group, activated)
        self._put_affine(group)
        rows = self._rows(group)
        if rows:
            self._put_histograms(rows, tape, activated, of_outputs, of_weights)
            self._put_statistics(group, rows, tape)

    @torch.no_grad()
    def after(self, group: Group) -> None:
        """See a group after its update."""
        now = self._gather("after", [block.layer.weight for block in group.net.blocks])
        change = self._weights.change(now).measure(norms_of_rows)
        self._put(group, "update_ratio", change / self._weights.measure(norms_of_rows))

    # ---------------------------------------------------------------- its parts

    def _gather(self, name: str, values: Sequence[torch.Tensor], copy: bool = False) -> Layers:
        return Layers(values, self._scratch.setdefault(name, {}), copy)

    def _put(self, group: Group, name: str, values_LE: torch.Tensor) -> None:
        self._arrays[name][list(group.places)] = values_LE.T.cpu().numpy()

    def _put_health(self, group: Group, activated: Layers) -> None:
        """Dead and saturated shares, for the activation functions that have them."""
        if group.net.norms[0].activates:
            return
        if self._activation == "relu":
            # A rectified unit is dead in this batch if its greatest value is zero.
            self._put(group, "dead", activated.measure(lambda x: (unit_maxima(x) == 0).float().mean(1)))
        elif self._activation in SATURATED:
            low, high = SATURATED[self._activation]
            beyond = activated.measure(lambda x: ((x < low) | (x > high)).flatten(1).float().mean(1))
            self._put(group, "saturated", beyond)

    def _put_affine(self, group: Group) -> None:
        for name in ("gamma", "beta"):
            kept = [getattr(norm, name, None) for norm in group.net.norms]
            affine = [one.flatten(1) for one in kept if one is not None]
            if affine:
                layers = self._gather(name, affine)
                self._put(group, f"{name}_mean", layers.measure(lambda x: x.mean(1)))
                self._put(group, f"{name}_sd", layers.measure(lambda x: x.std(1, correction=0)))
                self._put_units(self._rows(group), name, affine)

    def _put_units(self, rows: Rows, name: str, kept: Sequence[torch.Tensor]) -> None:
        """The first units of the shown members, of one [E, C] for each layer."""
        for v, row in rows:
            self._arrays[name][v] = torch.stack([one[row, :UNITS] for one in kept]).cpu().numpy()

    def _rows(self, group: Group) -> Rows:
        """(place among the shown, row in the group) of the shown members in this group."""
        return [(v, group.places.index(m)) for v, m in enumerate(self.shown) if m in group.places]

    def _put_histograms(
        self, rows: Rows, tape: Tape, activated: Layers, of_outputs: Layers, of_weights: Layers
    ) -> None:
        """Histograms of the shown members."""
        shown = [v for v, _ in rows]
        of_group = [row for _, row in rows]
        entering = self._gather("entering", [picked(one, of_group) for one in tape.entering])

        def put(name: str, layers: Layers, counts: Measure) -> None:
            counted = layers.measure(lambda x: counts(x.flatten(1)))
            self._arrays[name][shown] = counted.transpose(0, 1).cpu().numpy()

        put("hist_pre", entering, lambda x: linear_counts(x, *NORM_RANGE))
        if tape.leaving[0] is tape.entering[0]:
            self._arrays["hist_post"][shown] = self._arrays["hist_pre"][shown]
        else:
            leaving = self._gather("leaving", [picked(one, of_group) for one in tape.leaving])
            put("hist_post", leaving, lambda x: linear_counts(x, *NORM_RANGE))
        bounds = RANGES[self._activation]
        put("hist_activation", activated.rows(of_group), lambda x: linear_counts(x, *bounds))
        put("hist_grad", of_outputs.rows(of_group), symlog_counts)
        put("hist_grad_weight", of_weights.rows(of_group), symlog_counts)

    def _put_statistics(self, group: Group, rows: Rows, tape: Tape) -> None:
        """Batch and running statistics of the shown members' first units."""
        for v, row in rows:
            units = self._gather("units", [one[row : row + 1, :, :UNITS] for one in tape.entering])
            over = [dim for dim in range(tape.entering[0].dim()) if dim not in (0, 2)]
            self._arrays["batch_mean"][v] = units.measure(lambda x: x.mean(over))[:, 0].cpu().numpy()  # noqa: B023
            variance = units.measure(lambda x: x.var(over, correction=0))  # noqa: B023
            self._arrays["batch_var"][v] = variance[:, 0].cpu().numpy()
        kept = [norm.statistics() for norm in group.net.norms]
        for name in kept[0]:
            self._put_units(rows, name, [one[name] for one in kept])


class Layers:
    """A tensor [E, ...] of every layer, measured together where that is quicker.

    Small tensors of one shape are copied side by side, since for them the calls cost more than the copy;
    into ``scratch``, since fresh memory costs more than either.
    """

    def __init__(
        self, values: Sequence[torch.Tensor], scratch: dict[tuple[int, ...], torch.Tensor], copy: bool = False
    ) -> None:
        self.pieces: list[torch.Tensor] = []
        """[L', E, ...]: several layers in each or one."""
        for _, run in groupby(values, key=lambda one: one.shape if one.numel() <= _SMALL else id(one)):
            layers = list(run)
            if len(layers) == 1:
                self.pieces.append((layers[0].clone() if copy else layers[0]).unsqueeze(0))
                continue
            shape = (len(layers), *layers[0].shape)
            if shape not in scratch:
                scratch[shape] = layers[0].new_empty(shape)
            self.pieces.append(torch.stack(layers, out=scratch[shape]))

    def measure(self, measure: Measure) -> torch.Tensor:
        """``measure``, [R, ...] -> [R, *of], of every layer and member: [L, E, *of]."""
        results = []
        for piece in self.pieces:
            measured = measure(piece.flatten(0, 1))
            results.append(measured.view(*piece.shape[:2], *measured.shape[1:]))
        return results[0] if len(results) == 1 else torch.cat(results)

    def rows(self, members: Sequence[int]) -> Layers:
        """The same of some members."""
        return self._of([picked(piece, members, 1) for piece in self.pieces])

    def change(self, later: Layers) -> Layers:
        """Difference to a later state."""
        return self._of([now - before for before, now in zip(self.pieces, later.pieces, strict=True)])

    @staticmethod
    def _of(pieces: list[torch.Tensor]) -> Layers:
        layers = Layers((), {})
        layers.pieces = pieces
        return layers


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


def picked(x: torch.Tensor, rows: Sequence[int], dim: int = 0) -> torch.Tensor:
    """Some rows of x; a view if it is one."""
    if len(rows) == 1:
        return x.narrow(dim, rows[0], 1)
    return x.index_select(dim, torch.tensor(rows, device=x.device))


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
