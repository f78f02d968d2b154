"""Landscape: how loss and gradient change along the gradient, while networks train."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import ACTIVATIONS, NETWORKS
from normviz.catalog.norms import NORMS
from normviz.frames import Recording, Schema
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import landscape_frames, norm_knobs
from normviz.specs.fits import mlp_conflicts

NEAREST, FARTHEST = 0.5, 4.0
"""Steps along the gradient that are tried, in learning rates."""


@dataclass(frozen=True, kw_only=True)
class Landscape(Spec):
    """Norms x seeds in one stack, trained by SGD, with a look along the gradient every few steps."""

    name = "landscape"
    runner = "normviz.lab.experiments.landscape:run"
    title = "Is the loss smoother with normalization?"

    norms: tuple[str, ...] = knob(
        ("none", "batch"), label="Normalizations", most=6,
        choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="Which variants of the network train side by side.",
    )  # fmt: skip
    depth: int = knob(5, label="Depth", low=1, high=20, step=1, unit="layers")
    lr: float = knob(
        0.1, label="Learning rate", low=1e-3, high=3.0, log=True,
        help="Of the training; the looks go from half to four times as far as a training step.",
    )  # fmt: skip
    steps: int = knob(200, label="Training steps", low=20, high=1000, step=10)
    seeds: int = knob(
        3, label="Seeds", low=1, high=5, step=1,
        help="Networks of each variant: from the chosen seed and those that follow it.",
    )  # fmt: skip
    every: int = knob(
        4, label="Look every", low=1, high=50, step=1, unit="steps", expert=True,
        help="Training steps between two looks along the gradient.",
    )  # fmt: skip
    tries: int = knob(
        8, label="Places on the line", low=3, high=20, step=1, expert=True,
        help="How many steps along the gradient are tried in each look.",
    )  # fmt: skip
    width: int = knob(64, label="Width", low=16, high=128, step=16, unit="units", expert=True)
    activation: str = knob(
        "relu", label="Activation", choices=ACTIVATIONS, names=("ReLU", "tanh", "Sigmoid", "GELU"),
        expert=True,
    )  # fmt: skip
    batch_size: int = knob(
        64, label="Batch size", choices=(8, 16, 32, 64, 128, 256), unit="samples", expert=True
    )  # fmt: skip
    gain: float = knob(
        1.0, label="Gain of the initialization", low=0.1, high=10.0, log=True, expert=True,
        help="Multiplies the standard deviation of all initial weights; 1 is He initialization.",
    )  # fmt: skip
    eps: float = norm_knobs.eps()
    groups: int = norm_knobs.groups(most=32)
    ghost_size: int = norm_knobs.ghost_size(least=4, most=64)

    @property
    def places(self) -> tuple[float, ...]:
        """Where the line is looked at, in learning rates: here, and at the steps that are tried."""
        return (0.0, *(float(a) for a in np.round(np.geomspace(NEAREST, FARTHEST, self.tries), 6)))

    @property
    def looks(self) -> tuple[int, ...]:
        """Training steps after which there is a look."""
        return tuple(range(0, self.steps + 1, self.every))

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def norm_options(self) -> dict[str, Any]:
        """Options of the norms; each reads those that it knows."""
        return norm_knobs.options(self)

    def schema(self) -> Schema:
        """What the run records."""
        return landscape_frames.schema(self)

    def idle(self) -> Mapping[str, str]:
        """Settings that none of the norms reads."""
        return norm_knobs.idle(self, self.norms)

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together."""
        yield from mlp_conflicts(self)

    def cost(self) -> Cost:
        """A pass forward and backward for every training step, and for every place of every look."""
        data = DATASETS["digits"]
        once = NETWORKS["mlp"].multiply_adds(data.shape, data.classes, self.depth, self.width)
        passes = self.steps + len(self.looks) * (1 + len(self.places))
        members = len(self.norms) * self.seeds
        return Cost(3.0 * once * self.batch_size * passes * members, landscape_frames.nbytes(self))

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm the loss's range, the gradient's change and the effective smoothness."""
        return {"norms": {norm: landscape_frames.answer(recording, v) for v, norm in enumerate(self.norms)}}
