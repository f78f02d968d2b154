"""Cost: what each normalization costs on the machine that computes here.

Its numbers are the machine's and not the spec's: it measures time, so the same spec gives other frames each
time.  Everything else here, but for the time of a race's step, is a pure function of its spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS, Layer, Network
from normviz.catalog.norms import NORMS, reason
from normviz.frames import Array, Recording, Schema
from normviz.phrases import phrase
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs.fits import unfit

_NETWORKS = ("cnn", "mlp")
_GHOST = 16  # samples of a ghost batch where the batch is large enough


@dataclass(frozen=True, kw_only=True)
class NormCost(Spec):
    """Processor time of a layer, or of a whole training step, with each norm and without: paired ratios."""

    name = "cost"
    runner = "normviz.lab.experiments.cost:run"
    title = "What does each normalization cost here?"

    seed: int = knob(
        0, label="Seed", choices=(0,), expert=True, help="Time does not depend on what the weights are.",
    )  # fmt: skip
    norms: tuple[str, ...] = knob(
        tuple(NORMS), label="Normalizations", most=len(NORMS), expert=True,
        choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="Those that do not apply to the network are left out.",
    )  # fmt: skip
    network: str = knob(
        "cnn", label="Network", choices=_NETWORKS, names=tuple(NETWORKS[name].label for name in _NETWORKS),
        help="Whose layers are timed, on digits of 8×8 pixels.",
    )  # fmt: skip
    part: str = knob(
        "layer", label="Timed", choices=("layer", "step"), names=("one layer", "a training step"),
        help="The last hidden layer with its norm and activation, forward and backward; or a whole step of "
        "training, optimizer included.",
    )  # fmt: skip
    batch_size: int = knob(
        32, label="Batch size", choices=(8, 16, 32, 64, 128, 256), unit="samples",
        help="Of small batches most time goes into calls, of large ones into arithmetic.",
    )  # fmt: skip
    width: int = knob(
        16, label="Width", low=16, high=256, step=16, unit="channels",
        help="Units of each hidden layer of the MLP; channels of the CNN's first block (at most 64).",
    )  # fmt: skip
    depth: int = knob(
        2, label="Depth", low=1, high=16, step=1, expert=True, unit="layers",
        help="Hidden layers of the MLP, or ConvBlocks of the CNN (at most 8).",
    )  # fmt: skip
    members: int = knob(
        2, label="Networks at once", low=1, high=8, step=1, expert=True,
        help="How many networks with one norm are computed together, as the pages of this site do it.",
    )  # fmt: skip
    rounds: int = knob(
        60, label="Rounds", low=5, high=400, step=5, expert=True,
        help="In each round every norm is timed once, right beside the same network without a norm.",
    )  # fmt: skip

    # --- what follows from the fields ---------------------------------------------------------------

    @property
    def net(self) -> Network:
        """The catalog's entry of the network."""
        return NETWORKS[self.network]

    @property
    def measured(self) -> tuple[str, ...]:
        """The norms that apply to the network, in the order of the settings."""
        return tuple(norm for norm in self.norms if not reason(norm, self.net.form))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The hidden layers."""
        return self.net.hidden(DATASETS["digits"].shape, self.depth, self.width)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """What the last hidden layer sees of one sample: channels, then the picture."""
        if self.depth == 1:
            shape = DATASETS["digits"].shape
            return shape if self.network == "cnn" else (self.layers[0].fan_in,)
        return (self.layers[-2].channels, *self.layers[-2].spatial)

    @property
    def passes(self) -> int:
        """How often what is timed is computed in one timing."""
        return PASSES[self.network] if self.part == "layer" else 1

    @property
    def norm_options(self) -> dict[str, float]:
        """Options of the norms; each reads those that it knows."""
        return {"ghost_size": min(_GHOST, self.batch_size // 2)}

    @property
    def what(self) -> str:
        """What is timed, in words."""
        return (
            "a training step"
            if self.part == "step"
            else phrase("a hidden layer of the {label}", label=self.net.label)
        )

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together."""
        low, high = self.net.depths
        if not low <= self.depth <= high:
            yield SpecError(
                "Depth",
                self.depth,
                phrase("a whole number from {low} to {high} for the CNN", low=low, high=high),
                field="depth",
            )
        elif self.width not in self.net.widths:
            allowed = ", ".join(map(str, self.net.widths))
            yield SpecError(
                "Width",
                self.width,
                phrase("one of {allowed} for the {label}", allowed=allowed, label=self.net.label),
                field="width",
            )
        if not self.measured:
            yield from unfit(self.norms, self.net.reason)

    # --- what is recorded ---------------------------------------------------------------------------

    def schema(self) -> Schema:
        """Ratios and times of every norm after each round; medians and quartiles of the rounds so far."""
        return schema(self.measured, self.rounds)

    def cost(self) -> Cost:
        """Forward and backward count three times; the network without a norm is timed beside each norm."""
        shape, classes = DATASETS["digits"].shape, DATASETS["digits"].classes
        once = self.net.multiply_adds(shape, classes, self.depth, self.width)
        if self.part == "layer":
            once = self.layers[-1].multiply_adds * self.passes
        work = 3.0 * once * self.batch_size * self.members * (self.rounds + 1) * 4 * len(self.measured)
        return Cost(multiply_adds=work, recording_bytes=float(frame_bytes(len(self.measured)) * self.rounds))

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm: how many times the same without a norm (median, quartiles), and microseconds."""
        return {"part": self.part, **summary(self.measured, recording)}


def schema(norms: Sequence[str], rounds: int) -> Schema:
    """Ratios and times of every norm after each round; medians and quartiles of the rounds so far."""
    n, one = len(norms), ("variant", "mark")
    return Schema(
        (
            Array("ratio", (n, 1), "f4", one, "times the same without a norm"),
            Array("quartiles", (n, 2), "f4", ("variant", "quartile"), "times the same without a norm"),
            Array("microseconds", (n, 1), "f4", one, "µs of processor time for one network"),
        ),
        labels={"variant": tuple(norms)},
        facts={
            "steps": rounds,
            "cursor": {"name": "Round", "label": "round", "values": list(range(rounds + 1))},
        },
    )


def frame_bytes(norms: int) -> int:
    """Of a frame with so many norms and its notes."""
    return 8 + 1 + 4 * NOTE_BYTES + 4 * 4 * norms


def summary(norms: Sequence[str], recording: Recording) -> dict[str, Any]:
    """Rounds; for each norm ratio, quartiles and microseconds."""
    told = {}
    for v, norm in enumerate(norms):
        low, high = (float(one) for one in recording.at("quartiles")[v])
        told[norm] = {
            "ratio": float(recording.at("ratio")[v, 0]),
            "quartiles": [low, high],
            "microseconds": float(recording.at("microseconds")[v, 0]),
        }
    return {"rounds": recording.frame(-1).step, "norms": told}


PASSES = {"cnn": 1, "mlp": 8}
"""Passes that are timed together: one layer of an MLP alone would be too short a time."""
NOTE_BYTES = 140
"""Of one note as JSON, at most."""
LONGEST = 4.0
"""Seconds of processor time after which no further round begins."""
