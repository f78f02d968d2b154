"""Collectors: values of many layers and members side by side, so that few calls measure all of them.

On small networks a call costs more than its arithmetic, and fresh memory more than a copy; so layers of one
shape are copied into memory that is kept from step to step.

Legend: E members of a group, V shown members, L layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[Any]
Measure = Callable[[torch.Tensor], torch.Tensor]
Scratch = dict[Any, torch.Tensor]

_SMALL = 2**16
"""Values of a layer up to which layers are measured together: below, the calls cost more than the copy."""


class Together:
    """A tensor [E, ...] of every layer, measured together where that is quicker."""

    def __init__(self, values: Sequence[torch.Tensor], scratch: Scratch, copy: bool = False) -> None:
        """``scratch``: memory to use again; what it held is lost.  ``copy``: outlive later changes."""
        self.pieces: list[torch.Tensor] = []
        """[L', E, ...]: several layers in each, or one."""
        for layers in _runs(values):
            if len(layers) == 1:
                self.pieces.append((layers[0].clone() if copy else layers[0]).unsqueeze(0))
            else:
                shape = (len(layers), *layers[0].shape)
                self.pieces.append(torch.stack(layers, out=_memory(scratch, shape, layers[0])))

    def measure(self, measure: Measure) -> torch.Tensor:
        """``measure``, [R, ...] -> [R], of every layer and member, [L, E]."""
        results = [measure(piece.flatten(0, 1)).view(piece.shape[:2]) for piece in self.pieces]
        return results[0] if len(results) == 1 else torch.cat(results)

    def subtract(self, values: Sequence[torch.Tensor]) -> None:
        """Take another tensor [E, ...] from that of every layer (which must be a copy), in place."""
        layers = [layer for piece in self.pieces for layer in piece]
        torch._foreach_sub_(layers, list(values))


class Shown:
    """Values of the shown members, copied from one group after the other, then counted all at once."""

    def __init__(self, variants: int) -> None:
        self._variants = variants
        self._memory: Scratch = {}
        self._pieces: list[torch.Tensor] = []
        self._filled: list[int] = []

    def begin(self) -> None:
        """Forget everybody."""
        self._filled = []

    def put(self, variant: int, values: Sequence[torch.Tensor]) -> None:
        """Keep one member's tensor of every layer."""
        self._filled.append(variant)
        self._pieces = []
        for place, layers in enumerate(_runs(values, one_by_one=False)):
            shape = (self._variants, len(layers), *layers[0].shape)
            piece = _memory(self._memory, (place, *shape), layers[0], shape)
            torch.stack(layers, out=piece[variant])
            self._pieces.append(piece)

    def copy(self, variant: int, other: Shown) -> None:
        """Keep for one member what another collector keeps for it."""
        self.put(variant, [layer for piece in other._pieces for layer in piece[variant]])

    def fill(self, array: Array, measure: Measure) -> None:
        """Put ``measure``, [R, ...] -> [R, *of], of everybody who was put into ``array`` [V, L, *of]."""
        for layers, piece in self._slices():
            measured = measure(piece.flatten(0, 1)).view(*piece.shape[:2], *array.shape[2:]).cpu().numpy()
            array[self._filled, layers] = measured[self._filled]

    def _slices(self) -> Iterator[tuple[slice, torch.Tensor]]:
        start = 0
        for piece in self._pieces if self._filled else ():
            yield slice(start, start + piece.shape[1]), piece
            start += piece.shape[1]


class ByMember:
    """Quantities [L, E] of one group after the other, put into arrays [M, L] at the end."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[Sequence[int], torch.Tensor]]] = {}

    def put(self, name: str, places: Sequence[int], values_LE: torch.Tensor) -> None:
        """Keep the values of the members at ``places``."""
        self._found.setdefault(name, []).append((places, values_LE))

    def fill(self, arrays: dict[str, Array]) -> None:
        """Put everything into the arrays of its name."""
        for name, found in self._found.items():
            places = [place for group, _ in found for place in group]
            arrays[name][places] = torch.cat([values for _, values in found], 1).T.cpu().numpy()
        self._found = {}


def _runs(values: Sequence[torch.Tensor], one_by_one: bool = True) -> list[list[torch.Tensor]]:
    """Neighbouring layers of one shape; large ones stay alone if ``one_by_one``."""

    def kind(one: torch.Tensor) -> Any:
        return id(one) if one_by_one and one.numel() > _SMALL else one.shape

    return [list(run) for _, run in groupby(values, key=kind)]


def _memory(
    scratch: Scratch, key: tuple[int, ...], like: torch.Tensor, shape: tuple[int, ...] | None = None
) -> torch.Tensor:
    if key not in scratch:
        scratch[key] = torch.zeros(shape or key, dtype=like.dtype, device=like.device)
    return scratch[key]


def lengths(values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Euclidean norm of every member's part, L times [E, ...] -> [L, E]."""
    return torch.stack([length(one) for one in values])


def length(x: torch.Tensor) -> torch.Tensor:
    """Euclidean norm of each row, [R, ...] -> [R]."""
    norms: torch.Tensor = torch.linalg.vector_norm(x, dim=tuple(range(1, x.dim())))
    return norms


def unit_maxima(x: torch.Tensor) -> torch.Tensor:
    """Greatest value of each unit over samples and picture, [R, N, C, *spatial] -> [R, C]."""
    return x.amax(dim=(1, *range(3, x.dim())))


def first_units(x: torch.Tensor, count: int) -> torch.Tensor:
    """All values of each of the first units, [R, N, C, *spatial] -> [R, count, N·positions]."""
    return x[:, :, :count].transpose(1, 2).flatten(2)


def biased_variance(x: torch.Tensor) -> torch.Tensor:
    """Variance over the last dimension; by sums, which are far quicker than torch.var."""
    return (x - x.mean(-1, keepdim=True)).square_().mean(-1)


def smallest_counter(most: int) -> str:
    """The smallest element type that holds a count up to ``most``."""
    return "u2" if most < 2**16 else "u4"


def nothing(shape: tuple[int, ...], dtype: str) -> Array:
    """An array that holds nothing: zero counts, or NaN."""
    return np.full(shape, np.nan if dtype == "f4" else 0, dtype)
