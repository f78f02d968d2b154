"""Batches: the training samples of every seed in its own order.

Each epoch every seed draws ``torch.randperm(n_train)`` from ``generator(seed, "batches")`` and cuts it into
batches; the incomplete last batch is dropped.

Legend: S seeds, B batch size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from normviz.lab.data import Split
from normviz.lab.randoms import generator


class Batches:
    """An endless sequence of batches (x [S, B, *sample], y [S, B]), the same seeds always in step."""

    def __init__(
        self,
        splits: Sequence[Split],
        seeds: Sequence[int],
        batch_size: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self._x = torch.stack([split.x_train for split in splits]).to(device, dtype)
        self._y = torch.stack([split.y_train for split in splits]).to(device)
        self._sources = [generator(seed, "batches") for seed in seeds]
        self.resize(batch_size)

    def resize(self, batch_size: int) -> None:
        """From the next batch on another size: the running epoch ends here, and a new one is drawn.

        Raises:
            ValueError: there are not so many training samples.
        """
        n = self._y.shape[1]
        if not 1 <= batch_size <= n:
            raise ValueError(f"batch_size {batch_size} is outside 1 to {n}, the number of training samples")
        self.batch_size = batch_size
        self.per_epoch = n // batch_size
        self._position = self.per_epoch  # an epoch is drawn when its first batch is asked for

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
        if self._position == self.per_epoch:
            n = self._y.shape[1]
            self._lay_out(torch.stack([torch.randperm(n, generator=source) for source in self._sources]))
            self._position = 0
        return self._x_epoch[self._position], self._y_epoch[self._position]

    def _lay_out(self, order: torch.Tensor) -> None:
        # A whole epoch is gathered at once; a step is then a slice.
        self._order = order
        seeds, n = order.shape
        cut = order[:, : self.per_epoch * self.batch_size].view(seeds, self.per_epoch, self.batch_size)
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
