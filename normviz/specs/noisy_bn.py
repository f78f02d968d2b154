"""NoisyBN: batch norm, whose output is given another mean and spread in every step, in a race."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import ACTIVATIONS, NETWORKS
from normviz.frames import Recording, Schema
from normviz.phrases import phrase
from normviz.spec import Cost, Spec, knob
from normviz.specs import noisy_bn_frames

SAMPLES = 512
"""Training samples on which the networks are evaluated, the first ones of the split."""


@dataclass(frozen=True, kw_only=True)
class NoisyBN(Spec):
    """No norm, batch norm, and batch norm with noise x seeds in one stack."""

    name = "noisy_bn"
    runner = "normviz.lab.experiments.noisy_bn:run"
    title = "Does batch norm help because it steadies the activations?"

    shift: float = knob(
        0.8, label="Noise: greatest mean", low=0.0, high=3.0, step=0.1,
        help="In each step each unit's noise gets a new mean, drawn evenly between minus and plus this.",
    )  # fmt: skip
    stretch: float = knob(
        1.25, label="Noise: greatest factor", low=1.0, high=4.0, step=0.05,
        help="In each step each unit's values are multiplied by about a new factor, drawn evenly between 1 "
        "and this.",
    )  # fmt: skip
    lr: float = knob(
        0.3, label="Learning rate", low=1e-3, high=3.0, log=True, help="The same for every variant."
    )  # fmt: skip
    depth: int = knob(5, label="Depth", low=1, high=12, step=1, unit="layers")
    seeds: int = knob(
        5, label="Seeds", low=1, high=5, step=1,
        help="Networks of each variant: from the chosen seed and those that follow it.",
    )  # fmt: skip
    spread: float = knob(
        0.1, label="Noise: spread in the batch", low=0.0, high=2.0, step=0.05, expert=True,
        help="Each sample's own mean and factor lie around those of its unit by about this.",
    )  # fmt: skip
    steps: int = knob(120, label="Training steps", low=20, high=400, step=10, expert=True)
    every: int = knob(
        2, label="Evaluate every", low=1, high=20, step=1, unit="steps", expert=True,
        help=phrase("Steps between two evaluations on {samples} training samples.", samples=SAMPLES),
    )  # fmt: skip
    width: int = knob(64, label="Width", low=16, high=128, step=16, unit="units", expert=True)
    activation: str = knob(
        "relu", label="Activation", choices=ACTIVATIONS, names=("ReLU", "tanh", "Sigmoid", "GELU"),
        expert=True,
    )  # fmt: skip
    batch_size: int = knob(
        64, label="Batch size", choices=(8, 16, 32, 64, 128), unit="samples", expert=True
    )  # fmt: skip
    gain: float = knob(
        1.0, label="Gain of the initialization", low=0.1, high=10.0, log=True, expert=True,
        help="Multiplies the standard deviation of all initial weights; 1 is He initialization.",
    )  # fmt: skip

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def evaluated_steps(self) -> tuple[int, ...]:
        """Steps at which the training samples are evaluated."""
        return tuple(sorted({*range(0, self.steps + 1, self.every), self.steps}))

    def schema(self) -> Schema:
        """What the run records."""
        return noisy_bn_frames.schema(self)

    def cost(self) -> Cost:
        """Training (forward and backward count three times) and evaluations."""
        data = DATASETS["digits"]
        once = NETWORKS["mlp"].multiply_adds(data.shape, data.classes, self.depth, self.width)
        samples = 3 * self.batch_size * (self.steps + 1) + SAMPLES * len(self.evaluated_steps)
        members = len(noisy_bn_frames.VARIANTS) * self.seeds
        return Cost(float(once * samples * members), noisy_bn_frames.nbytes(self))

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each variant steps to 90%, the accuracy, and how far the means moved from step to step."""
        variants = noisy_bn_frames.VARIANTS
        return {
            "variants": {name: noisy_bn_frames.answer(recording, v) for v, name in enumerate(variants)}
        }  # fmt: skip
