"""Batches: the training samples of every seed in its own order.

Shuffled: each epoch every seed draws ``torch.randperm(n_train)`` from ``generator(seed, "batches")`` and cuts
it into batches; the incomplete last batch is dropped.

Two classes: for each batch every seed draws from the same generator ``torch.randperm(classes)``, whose first
two are the batch's classes, then ``torch.randperm`` of the samples that these hold, whose first ones are the
batch.  No sample comes twice in a batch; an epoch is only a number of batches.

Legend: S seeds, B batch size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from normviz.catalog.datasets import BATCHES
from normviz.lab.data import Split
from normviz.lab.randoms import generator


class Batches:
    """An endless sequence of batches (x [S, B, *sample], y [S, B]), the same seeds always in step.

    Raises:
        ValueError: ``drawn`` is not one of `BATCHES`, or there are too few samples for a batch.
    """

    def __init__(
        self,
        splits: Sequence[Split],
        seeds: Sequence[int],
        batch_size: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        drawn: str = "shuffled",
    ) -> None:
        if drawn not in BATCHES:
            raise ValueError(f"batches {drawn!r} are not one of {', '.join(BATCHES)}")
        self._two_classes = drawn == "two_classes"
        self._labels = [split.y_train.cpu() for split in splits]
        self._x = torch.stack([split.x_train for split in splits]).to(device, dtype)
        self._y = torch.stack([split.y_train for split in splits]).to(device)
        self._sources = [generator(seed, "batches") for seed in seeds]
        self.resize(batch_size)

    def resize(self, batch_size: int) -> None:
        """From the next batch on another size: the running epoch ends here, and a new one is drawn.

        Raises:
            ValueError: there are not so many training samples, or not so many in any two classes.
        """
        n = self._y.shape[1]
        if not 1 <= batch_size <= n:
            raise ValueError(f"batch_size {batch_size} is outside 1 to {n}, the number of training samples")
        if self._two_classes:
            fewest = min(_in_smallest_two(labels) for labels in self._labels)
            if batch_size > fewest:
                raise ValueError(f"batch_size {batch_size} is more than the {fewest} samples of two classes")
        self.batch_size = batch_size
        self.per_epoch = n // batch_size
        self._laid_out = 1 if self._two_classes else self.per_epoch
        self._position = self._laid_out  # drawn when the first batch is asked for

    def next(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The next batch of every seed."""
        batch = self.peek()
        self._position += 1
        return batch

    def chosen(self, order: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch of these training samples, [S, B]; the sequence stays where it is."""
        rows = torch.arange(len(order))[:, None]
        return self._x[rows, order], self._y[rows, order]

    def peek(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch that `next` will give."""
        if self._position == self._laid_out:
            drawn = zip(self._labels, self._sources, strict=True)
            self._lay_out(torch.stack([self._draw(labels, source) for labels, source in drawn]))
            self._position = 0
        return self._x_epoch[self._position], self._y_epoch[self._position]

    def _draw(self, labels: torch.Tensor, source: torch.Generator) -> torch.Tensor:
        """Indices of the samples of an epoch, or of the next batch of two classes."""
        if not self._two_classes:
            return torch.randperm(len(labels), generator=source)
        pair = torch.randperm(int(labels.max()) + 1, generator=source)[:2]
        own = torch.isin(labels, pair).nonzero().flatten()
        return own[torch.randperm(len(own), generator=source)[: self.batch_size]]

    def _lay_out(self, order: torch.Tensor) -> None:
        # A whole epoch is gathered at once; a step is then a slice.
        self._order = order
        seeds, n = self._y.shape
        cut = order[:, : self._laid_out * self.batch_size].view(seeds, self._laid_out, self.batch_size)
        flat = (cut + n * torch.arange(seeds)[:, None, None]).transpose(0, 1).to(self._y.device)
        self._x_epoch = self._x.flatten(0, 1)[flat]
        self._y_epoch = self._y.flatten()[flat]

    def state(self) -> tuple[int, torch.Tensor | None, list[torch.Tensor]]:
        """Position, order of the running epoch and the generators' states, for a snapshot."""
        order = self._order if hasattr(self, "_order") else None
        return self._position, order, [source.get_state() for source in self._sources]

    def restore(self, state: tuple[int, torch.Tensor | None, list[torch.Tensor]]) -> None:
        """Continue from where `state` was taken."""
        self._position, order, states = state
        if order is not None:
            self._lay_out(order)
        for source, saved in zip(self._sources, states, strict=True):
            source.set_state(saved)


def _in_smallest_two(labels: torch.Tensor) -> int:
    """Samples of the two smallest classes together."""
    return int(torch.bincount(labels).sort().values[:2].sum())
