"""The Start page's question: the same weights, the same pictures, in evaluation and in training mode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from normviz.frames import Recording
from normviz.phrases import phrase
from normviz.spec import Cost, Spec, SpecError, knob

TILES = 64
"""Digits on the page: the first ones of the test split, whose order is random."""
MOST_SWAPS = 20
"""Most pairs of digits that a link can hold."""
_SWAPS = re.compile(r"[0-9]{1,2}-[0-9]{1,2}(,[0-9]{1,2}-[0-9]{1,2})*")


@dataclass(frozen=True, kw_only=True)
class Start(Spec):
    """One trained network, 64 test digits, and the batches in which they are predicted.

    The settings choose how the digits are predicted; the training is always the same.
    """

    name = "start"
    runner = "normviz.lab.experiments.start:run"
    title = "Why do the answers change with the batch?"

    seed: int = knob(
        0, label="Seed", choices=(0,), expert=True,
        help="The page predicts with the weights that ship with it; they were trained with seed 0.",
    )  # fmt: skip
    mode: str = knob(
        "eval", label="Mode", choices=("eval", "train"), names=("model.eval()", "model.train()"),
        help="Batch norm normalizes with its running statistics (eval) or with those of the batch (train).",
    )  # fmt: skip
    batch: int = knob(
        4, label="Batch size", choices=(1, 2, 4, 8, 16, 32, 64),
        help="How many digits are predicted together.",
    )  # fmt: skip
    shuffle: int = knob(
        0, label="Shuffle", low=0, high=999, step=1,
        help="Which digits share a batch; 0 is the order in which the test digits were drawn.",
    )  # fmt: skip
    sorted: bool = knob(
        False, label="Sorted by class",
        help="Digits of one class share a batch, as in a data set that is read class by class.",
    )  # fmt: skip
    swaps: str = knob(
        "", label="Moved digits", form=phrase(
            "up to {most_swaps} pairs of digits from 0 to {tiles}, as 5-17,9-30",
            most_swaps=MOST_SWAPS, tiles=TILES - 1,
        ),
        expert=True,
        help="Pairs of digits that have changed places, one after the other.",
    )  # fmt: skip

    def conflicts(self) -> Iterator[SpecError]:
        """Pairs that cannot be read, name a digit that is not there, or are too many."""
        if self.swaps and not self._readable():
            allowed = next(knob for name, knob, _ in self.knobs() if name == "swaps").form
            yield SpecError("Moved digits", self.swaps, allowed, field="swaps")

    def _readable(self) -> bool:
        if not _SWAPS.fullmatch(self.swaps):
            return False
        pairs = self.pairs
        return len(pairs) <= MOST_SWAPS and all(a < TILES and b < TILES and a != b for a, b in pairs)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The digits that change places, pair by pair."""
        pairs = (pair.split("-") for pair in self.swaps.split(",") if pair)
        return tuple((int(one), int(other)) for one, other in pairs)

    def cost(self) -> Cost:
        """Training of 20 epochs, one network; the recording is the network and its test digits."""
        weights = 64 * 128 + 2 * 128 * 128 + 128 * 10
        return Cost(multiply_adds=3 * 20 * 1000 * weights, recording_bytes=6 * weights)

    def summary(self, recording: Recording) -> dict[str, Any]:
        """Digits on the page that each mode gets wrong (None: torch raises), and the test error (eval, %)."""
        tiles = int(recording.schema.facts["tiles"])
        labels = recording.at("labels")
        evaluated, trained = recording.at("answers.eval"), recording.at("answers.train")
        silent = bool((trained == NO_ANSWER).any())
        wrong = {
            "eval": int((evaluated != labels)[:tiles].sum()),
            "train": None if silent else int((trained != labels[:tiles]).sum()),
        }
        return {"digits": tiles, "wrong": wrong, "eval_error": 100.0 * float((evaluated != labels).mean())}


NO_ANSWER = 255
"""In place of a label where torch raises (training mode, batches of one)."""
