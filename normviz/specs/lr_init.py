"""Learning rate × initialization: how many combinations of the two let a network learn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import DATASETS, Dataset
from normviz.catalog.networks import NETWORKS, Network
from normviz.catalog.norms import NORMS
from normviz.frames import Recording, Schema
from normviz.phrases import phrase
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import lr_init_frames as recorded
from normviz.specs import norm_knobs
from normviz.specs.fits import mlp_conflicts
from normviz.specs.train import Train

WIDTH = 64
"""Units of each hidden layer."""
_EARLY = (1, 5, 10, 15)
"""Steps at which the maps are measured besides every `EVERY`-th: most of what happens happens early."""
EVERY = 20


@dataclass(frozen=True, kw_only=True)
class LrInit(Spec):
    """For each norm a map of networks, learning rates × gains of the initialization, trained by plain SGD.

    All networks share one seed: the same weights up to the gain, the same data, the same batches.
    """

    name = "lr_init"
    runner = "normviz.lab.experiments.lr_init:run"
    title = "How many learning rates and initializations let a deep network learn?"
    draws_seed = True  # its cells open runs of the same seed

    norms: tuple[str, ...] = knob(
        ("none", "batch", "layer"), label="Normalizations", most=6,
        choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="A map for each of them.",
    )  # fmt: skip
    depth: int = knob(
        10, label="Depth", low=1, high=20, step=1, unit="layers",
        help=phrase("Hidden layers of the MLP, each of {width} units.", width=WIDTH),
    )  # fmt: skip
    grid: int = knob(
        7, label="Cells along each side", low=5, high=12, step=1,
        help="Learning rates, and gains: a map of 12 × 12 trains 144 networks.",
    )  # fmt: skip
    steps: int = knob(200, label="Training steps", low=50, high=400, step=50)
    lr_low: float = knob(1e-3, label="Lowest learning rate", low=1e-4, high=1.0, log=True, expert=True)
    lr_high: float = knob(10.0, label="Highest learning rate", low=1e-3, high=10.0, log=True, expert=True)
    gain_low: float = knob(
        0.1, label="Lowest gain", low=0.1, high=5.0, log=True, expert=True,
        help="The gain multiplies the standard deviation of all initial weights; 1 is He initialization.",
    )  # fmt: skip
    gain_high: float = knob(10.0, label="Highest gain", low=0.2, high=10.0, log=True, expert=True)
    batch_size: int = knob(
        64, label="Batch size", choices=(16, 32, 64, 128, 256), expert=True, unit="samples",
        help="Samples in each training step.",
    )  # fmt: skip
    eps: float = norm_knobs.eps()
    momentum: float = norm_knobs.momentum()
    groups: int = norm_knobs.groups(most=32)
    ghost_size: int = norm_knobs.ghost_size(most=128)

    # --- what follows from the fields ---------------------------------------------------------------

    @property
    def net(self) -> Network:
        """The catalog's entry of the network."""
        return NETWORKS["mlp"]

    @property
    def data(self) -> Dataset:
        """The catalog's entry of the data set."""
        return DATASETS["digits"]

    @property
    def width(self) -> int:
        """Units of each hidden layer."""
        return WIDTH

    @property
    def rates(self) -> tuple[float, ...]:
        """Learning rates of the columns, from the lowest to the highest."""
        return _spaced(self.lr_low, self.lr_high, self.grid)

    @property
    def gains(self) -> tuple[float, ...]:
        """Gains of the rows, from the lowest to the highest."""
        return _spaced(self.gain_low, self.gain_high, self.grid)

    @property
    def recorded_steps(self) -> tuple[int, ...]:
        """Steps taken when the maps are measured."""
        return tuple(sorted({0, *_EARLY, *range(EVERY, self.steps, EVERY), self.steps}))

    def cell(self, norm: str, rate: float, gain: float) -> Train:
        """The run of the experiment Train that trains the network of one cell, step by step the same."""
        return Train(
            norms=(norm,), depth=self.depth, width=WIDTH, lr=rate, gain=gain, steps=self.steps,
            batch_size=self.batch_size, optimizer="sgd", seeds=1, seed=self.seed, **self.norm_options,
        )  # fmt: skip

    @property
    def norm_options(self) -> dict[str, Any]:
        """Options of the norms; each reads those that it knows."""
        return norm_knobs.options(self)

    def schema(self) -> Schema:
        """What the run records."""
        return recorded.schema(self)

    # --- checks and cost ----------------------------------------------------------------------------

    def idle(self) -> Mapping[str, str]:
        """Settings that none of the norms reads."""
        return norm_knobs.idle(self, self.norms)

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together."""
        yield from mlp_conflicts(self)
        for what, label in (("lr", "learning rate"), ("gain", "gain")):
            low, high = getattr(self, f"{what}_low"), getattr(self, f"{what}_high")
            if high < 2 * low:
                yield SpecError(
                    phrase(
                        "Highest {label}",
                        label=label,
                    ), high, phrase("at least twice the lowest, {low:g}", low=low),
                    "Widen the range.", field=f"{what}_high",
                )  # fmt: skip

    def cost(self) -> Cost:
        """Training (forward and backward count three times) and evaluations; all frames."""
        once = self.net.multiply_adds(self.data.shape, self.data.classes, self.depth, WIDTH)
        samples = 3 * self.batch_size * self.steps + self.data.n_test * len(self.recorded_steps)
        members = len(self.norms) * self.grid**2
        return Cost(multiply_adds=float(once * samples * members), recording_bytes=recorded.nbytes(self))

    # --- the answer ---------------------------------------------------------------------------------

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm: cells over 90%, cells that diverged, and the best cell."""
        told = {norm: recorded.answer(self, recording, v) for v, norm in enumerate(self.norms)}
        return {"cells": self.grid**2, "norms": told}


def _spaced(low: float, high: float, count: int) -> tuple[float, ...]:
    """Evenly spaced in the logarithm, to three digits, so that a link to a cell can be read."""
    ratio = math.log(high / low) / (count - 1)
    return tuple(float(f"{low * math.exp(ratio * i):.3g}") for i in range(count))
