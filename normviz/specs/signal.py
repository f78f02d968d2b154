"""Signal: one forward and one backward pass through a deep network at initialization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import ACTIVATIONS, NETWORKS
from normviz.catalog.norms import NORMS
from normviz.frames import Recording, Schema
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import norm_knobs, signal_frames
from normviz.specs.fits import mlp_conflicts

_DRAWING = 30
"""Multiply-adds that take as long as drawing one weight at random."""


@dataclass(frozen=True, kw_only=True)
class Signal(Spec):
    """Norms x seeds of one MLP, untrained; variants of one seed share initial weights and the batch."""

    name = "signal"
    runner = "normviz.lab.experiments.signal:run"
    title = "Does the signal survive a deep network?"

    norms: tuple[str, ...] = knob(
        ("none", "batch", "layer", "group"), label="Normalizations", most=6,
        choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="Which variants of the network stand side by side.",
    )  # fmt: skip
    depth: int = knob(
        30, label="Depth", low=1, high=50, step=1, unit="layers",
        help="Hidden layers between input and head.",
    )  # fmt: skip
    gain: float = knob(
        1.0, label="Gain of the initialization", low=0.1, high=10.0, step=10**0.05, log=True,
        help="Multiplies the standard deviation of all initial weights; 1 is He initialization, weights of "
        "variance 2/fan-in. 0.71 gives variance 1/fan-in; torch counts the gain from there.",
    )  # fmt: skip
    activation: str = knob(
        "relu", label="Activation", choices=(*ACTIVATIONS, "linear"),
        names=("ReLU", "tanh", "Sigmoid", "GELU", "None (linear)"),
    )  # fmt: skip
    batch_size: int = knob(
        32, label="Batch size", choices=(3, 4, 5, 8, 16, 32, 64, 128, 256), unit="samples",
        help="Samples of the one batch. How fast batch norm makes gradients grow depends on it.",
    )  # fmt: skip
    width: int = knob(
        128, label="Width", low=16, high=512, step=16, expert=True, unit="units",
        help="Units in each hidden layer. The wider, the closer to theory.",
    )  # fmt: skip
    placement: str = knob(
        "before", label="Place of the norm", choices=("before", "after"), expert=True,
        names=("before the activation", "after the activation"),
    )  # fmt: skip
    inputs: str = knob(
        "digits", label="Input", expert=True,
        choices=("digits", "gaussian"), names=("Digits", "Gaussian noise"),
        help="Handwritten digits, or 64 independent normal numbers and a class drawn at random.",
    )  # fmt: skip
    seeds: int = knob(
        3, label="Seeds", low=1, high=5, step=1, expert=True,
        help="Networks of each variant: from the chosen seed and those that follow it.",
    )  # fmt: skip
    groups: int = norm_knobs.groups(8, most=64)
    ghost_size: int = norm_knobs.ghost_size(8, least=4, most=128)
    eps: float = norm_knobs.eps()

    # --- what follows from the fields ---------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return DATASETS["digits"].shape

    @property
    def classes(self) -> int:
        """Of the head."""
        return DATASETS["digits"].classes

    @property
    def fan_ins(self) -> tuple[int, ...]:
        """Inputs of each hidden layer."""
        return (prod(self.shape), *(self.width,) * (self.depth - 1))

    @property
    def variance(self) -> float:
        """s: the initial weights have variance s/fan-in."""
        return 2.0 * self.gain**2

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def norm_options(self) -> dict[str, Any]:
        """What the norms are told.  Batch renorm is where its schedule starts, at batch norm."""
        return {**norm_knobs.options(self), "r_max": 1.0, "d_max": 0.0}

    def schema(self) -> Schema:
        """What the run records."""
        return signal_frames.schema(self)

    # --- checks -------------------------------------------------------------------------------------

    def idle(self) -> Mapping[str, str]:
        """Settings that none of the norms reads."""
        return norm_knobs.idle(self, self.norms)

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together."""
        yield from mlp_conflicts(self)

    def cost(self) -> Cost:
        """One pass forward and backward (three times the forward one) of all members, and the drawing."""
        forward = NETWORKS["mlp"].multiply_adds(self.shape, self.classes, self.depth, self.width)
        passes = 3.0 * forward * self.batch_size * len(self.norms) * self.seeds
        return Cost(passes + _DRAWING * forward * self.seeds, signal_frames.nbytes(self))

    # --- the answer ---------------------------------------------------------------------------------

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm what was measured over the seeds, and what theory expects (None: it says nothing)."""
        answers = {norm: signal_frames.answer(self, recording, v) for v, norm in enumerate(self.norms)}
        return {"ln_classes": float(recording.schema.facts["ln_classes"]), "norms": answers}
