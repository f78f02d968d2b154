"""What fits together in networks of equal hidden layers: norms, groups of units, ghost batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from normviz.catalog.norms import NORMS, reason
from normviz.phrases import joined, phrase
from normviz.spec import SpecError

GROUPED = ("group", "weight_standardization")
"""Norms that normalize groups of units (weight standardization is followed by group norm)."""

ATTENDS = phrase("Only a transformer attends to what comes later.")
"""Why no other network has causal attention, or does without."""


class _Mlp(Protocol):
    """The fields of a spec that are looked at."""

    @property
    def norms(self) -> tuple[str, ...]: ...
    @property
    def width(self) -> int: ...
    @property
    def groups(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def ghost_size(self) -> int: ...


def unfit(norms: Iterable[str], why: Callable[[str], str | None]) -> Iterator[SpecError]:
    """Norms that do not apply, each with the reason that ``why`` gives for it."""
    for norm in norms:
        reason_ = why(norm)
        if reason_:
            fitting = joined(", ", [norm.label for name, norm in NORMS.items() if not why(name)])
            yield SpecError("Normalizations", NORMS[norm].label, fitting, reason_, field="norms")


def unfit_for_mlp(norms: Iterable[str]) -> Iterator[SpecError]:
    """Norms that do not apply to an MLP."""
    return unfit(norms, lambda norm: reason(norm, "mlp"))


def mlp_conflicts(spec: _Mlp) -> Iterator[SpecError]:
    """Norms that do not apply to an MLP, and groups or ghost batches that do not come out even."""
    yield from unfit_for_mlp(spec.norms)
    yield from uneven(spec)


def uneven(spec: _Mlp) -> Iterator[SpecError]:
    """Groups and ghost batches of an MLP that do not come out even."""
    # A group of a single value would be normalized to zero.
    most = spec.width // 2
    if any(norm in spec.norms for norm in GROUPED) and (spec.groups > most or spec.width % spec.groups):
        yield SpecError(
            "Groups", spec.groups, phrase(
                "a divisor of the width {width}, at most {most}",
                width=spec.width, most=most,
            ),
            "Choose fewer groups or a wider network.", field="groups",
        )  # fmt: skip
    yield from uneven_ghosts(spec.norms, spec.batch_size, spec.ghost_size)


def uneven_ghosts(norms: Iterable[str], batch_size: int, ghost_size: int) -> Iterator[SpecError]:
    """Ghost batches that do not come out even."""
    if "ghost_batch" in norms and batch_size % ghost_size:
        yield SpecError(
            "Ghost batch size", ghost_size, phrase(
                "a divisor of the batch size {batch_size}",
                batch_size=batch_size,
            ),
            "Choose smaller ghost batches or a larger batch.", field="ghost_size",
        )  # fmt: skip


def uneven_groups(
    norms: Iterable[str], groups: int, channels: int, *, lone: bool, field: str = "groups"
) -> Iterator[SpecError]:
    """Groups that do not come out even in layers of so many channels.

    ``lone``: a channel of a sample is a single value (see `Network.lone`).  ``field`` is the one to put back.
    """
    # A group of a single value would be normalized to zero.
    most = channels // 2 if lone else channels
    if any(norm in GROUPED for norm in norms) and (groups > most or channels % groups):
        yield SpecError(
            "Groups", groups, phrase(
                "a divisor of the {narrowest} channels, at most {most}",
                narrowest=channels, most=most,
            ),
            "Choose fewer groups or a wider network.", field=field,
        )  # fmt: skip
