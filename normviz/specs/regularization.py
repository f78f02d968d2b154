"""Regularization: few samples, and whether the noise of small batches does what dropout does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS
from normviz.frames import Recording, Schema
from normviz.phrases import phrase
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import regularization_frames as frames


@dataclass(frozen=True, kw_only=True)
class Regularization(Spec):
    """One MLP with and without dropout, batch norm, both, or layer norm; many seeds, few samples."""

    name = "regularization"
    runner = "normviz.lab.experiments.regularization:run"
    title = "Does batch noise replace dropout?"

    n_train: int = knob(
        200, label="Training samples", choices=(50, 100, 200, 500, 1000), unit="samples",
        help="The fewer there are, the more there is to overfit. The test split keeps its 797 digits.",
    )  # fmt: skip
    batch_size: int = knob(
        32, label="Batch size", choices=(4, 8, 16, 32, 64), unit="samples",
        help="The smaller the batch, the noisier batch norm's statistics.",
    )  # fmt: skip
    dropout: float = knob(
        0.3, label="Dropout", low=0.05, high=0.8, step=0.05,
        help="Share of activations set to zero while training, after every hidden layer.",
    )  # fmt: skip
    lr: float = knob(
        0.02, label="Learning rate", low=1e-3, high=1.0, log=True, help="SGD with momentum 0.9.",
    )  # fmt: skip
    steps: int = knob(
        600, label="Training steps", low=100, high=3000, step=100, expert=True,
        help="Long enough for the training samples to be learned by heart.",
    )  # fmt: skip
    depth: int = knob(3, label="Depth", low=1, high=8, step=1, expert=True, unit="layers")
    width: int = knob(64, label="Width", low=16, high=256, step=16, expert=True, unit="units")
    seeds: int = knob(
        10, label="Seeds", low=3, high=20, step=1, expert=True,
        help="Each variant trains once from each seed: the chosen one and those that follow it.",
    )  # fmt: skip

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def evaluated_steps(self) -> tuple[int, ...]:
        """Steps after which everything is evaluated: close together at first."""
        often = max(20, self.steps // 30)
        early = (step for step in (0, 2, 5, 10) if step < often)
        return tuple(sorted({*early, *range(often, self.steps, often), self.steps}))

    def schema(self) -> Schema:
        """What the run records."""
        return frames.schema(self)

    def conflicts(self) -> Iterator[SpecError]:
        """A batch that is larger than the training set."""
        if self.batch_size > self.n_train:
            yield SpecError(
                "Batch size", self.batch_size, phrase(
                    "at most the {n_train} training samples",
                    n_train=self.n_train,
                ),
                "Choose smaller batches or more samples.",
                field="batch_size",
            )  # fmt: skip

    def cost(self) -> Cost:
        """Training (forward and backward count three times) and evaluations; all frames."""
        digits = DATASETS["digits"]
        once = NETWORKS["mlp"].multiply_adds(digits.shape, digits.classes, self.depth, self.width)
        samples = 3 * self.batch_size * self.steps
        samples += (digits.n_test + self.n_train) * len(self.evaluated_steps)
        return Cost(float(once * samples * len(frames.VARIANTS) * self.seeds), frames.nbytes(self))

    def summary(self, recording: Recording) -> dict[str, Any]:
        """Errors with 95% intervals, which intervals overlap, and the differences within the seeds."""
        return frames.answer(recording)
