"""Sizes that have to go together in a training run: groups, ghost batches, batches of two classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from normviz.phrases import phrase
from normviz.spec import SpecError
from normviz.specs.fits import uneven_groups

if TYPE_CHECKING:
    from normviz.specs.train import Train


def uneven(spec: Train) -> Iterator[SpecError]:
    """Groups and ghost batches that do not come out even."""
    narrowest = min(layer.channels for layer in spec.layers)
    field = changed(spec, "groups", "width", "channels")
    yield from uneven_groups(spec.norms_used, spec.groups, narrowest, lone=spec.net.lone, field=field)
    odd = [size for size, _ in spec.batch_sizes if size % spec.ghost_size]
    if "ghost_batch" in spec.norms_used and odd:
        yield SpecError(
            "Ghost batch size", spec.ghost_size, phrase(
                "a divisor of the batch size {uneven}",
                uneven=odd[0],
            ),
            "Choose smaller ghost batches or larger batches.",
            field=changed(spec, "ghost_size", "batch_size"),
        )  # fmt: skip


def two_classes(spec: Train) -> Iterator[SpecError]:
    """Batches of two classes where there are no more, or where two may hold fewer samples than a batch."""
    if spec.batches != "two_classes":
        return
    data = spec.data
    if data.classes < 3:
        yield SpecError(
            "Batches", "two classes each", phrase("shuffled for {name}", name=data.label),
            "There are only two classes: every batch is of two classes as it is.",
            field="batches", other="dataset",
        )  # fmt: skip
        return
    most = data.surely_in_two_classes
    large = [size for size, _ in spec.batch_sizes if size > most]
    if large:
        fields = ("batches", "batch_size") if spec.batch_size > most else ("changes", "batches")
        yield SpecError(
            "Batch size", large[0], phrase("at most {most} in batches of two classes each", most=most),
            phrase(
                "Two of the {classes} classes hold about {about} training samples, some of them fewer. "
                "Choose smaller batches, or shuffled ones.",
                classes=data.classes, about=2 * data.n_train // data.classes,
            ),
            field=fields[0], other=fields[1],
        )  # fmt: skip


def changed(spec: Train, *names: str) -> str:
    """The first of these fields that is not at its default: the one to put back."""
    defaults = {name: default for name, _, default in spec.knobs()}
    return next((name for name in names if getattr(spec, name) != defaults[name]), names[0])
