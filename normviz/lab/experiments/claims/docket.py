"""The docket: the tables of a run, and which claims are ready to be judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from normviz.catalog.claims import CLAIMS
from normviz.frames import Frame, Note
from normviz.lab.experiments.forgotten_eval.tables import Tables
from normviz.specs.claims import Claims


class Docket:
    """Evidence as it comes in; the steps of the run are its frames."""

    def __init__(self, spec: Claims) -> None:
        self.spec = spec
        self.told: Iterator[list[Any]] = iter(())
        """What the jobs of the measurement that is heard tell, round by round; it is read to its end."""
        self.done: NDArray[np.float32] = np.zeros(max(CLAIMS), "<f4")
        self.reached: dict[int, tuple[int, int]] = {}
        """For claims that are being measured: after how many steps or epochs they stand, and of how many."""
        self._schema = spec.schema()
        self._names = {array.name for array in self._schema.arrays}
        self._tables = Tables(self._schema)
        self._tables.put("done", self.done)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._tables[name]

    def wants(self, number: int) -> bool:
        """Whether this claim is to be judged."""
        return number in self.spec.numbers

    def put(self, name: str, value: ArrayLike, at: Any = ...) -> None:
        """Set (a part of) an array, if its claim is to be judged."""
        if name in self._names:
            self._tables.put(name, value, at)

    def reach(self, done: int, of: int, *numbers: int) -> None:
        """These claims stand after ``done`` steps or epochs of ``of``; after all they have their evidence."""
        self.reached |= {number: (done, of) for number in numbers if self.wants(number)}
        if done == of:
            self.finish(*numbers)

    @property
    def news(self) -> tuple[Any, ...]:
        """What is to be told in words when it changes: what is done, and which tenth of the others."""
        return self.done.tolist(), {number: 10 * done // of for number, (done, of) in self.reached.items()}

    def finish(self, *numbers: int) -> None:
        """These claims have all of their evidence."""
        for number in numbers:
            if self.wants(number):
                self.done[number - 1] = 1
        self._tables.put("done", self.done)

    def frame(self, notes: tuple[Note, ...]) -> Frame:
        """What has changed since the last frame."""
        frame = self._tables.frame(notes)
        self._tables.step += 1
        return frame
