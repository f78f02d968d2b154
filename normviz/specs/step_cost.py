"""StepCost: what each norm of a race costs in a training step of this very race.

Measured beside the race when a visitor asks; like `normviz.specs.cost` it tells the machine's times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from normviz.catalog.networks import Network
from normviz.frames import Recording, Schema
from normviz.phrases import phrase
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs.cost import LONGEST, NormCost, frame_bytes, schema, summary
from normviz.specs.train import Train


def _of_train(name: str) -> Any:
    """A field as Train declares it: default, bounds, label, help."""
    own = Train.__dataclass_fields__[name]
    return field(default=own.default, metadata=own.metadata)


@dataclass(frozen=True, kw_only=True)
class StepCost(Spec):
    """Processor time of a race's training step with each of its norms and without: paired ratios.

    It has every field of Train that changes what a step computes.  Learning rate, gain and seed change only
    the numbers; length, warm-up and planned changes only what comes later.
    """

    name = "step_cost"
    runner = "normviz.lab.experiments.step_cost:run"
    title = "What does each normalization cost in a step of this race?"
    part = "step"
    what = phrase("a training step")

    seed: int = knob(
        0, label="Seed", choices=(0,), expert=True, help="Time does not depend on what the weights are.",
    )  # fmt: skip
    norms: tuple[str, ...] = _of_train("norms")
    dataset: str = _of_train("dataset")
    network: str = _of_train("network")
    depth: int = _of_train("depth")
    activation: str = _of_train("activation")
    batch_size: int = _of_train("batch_size")
    batches: str = _of_train("batches")
    optimizer: str = _of_train("optimizer")
    placement: str = _of_train("placement")
    width: int = _of_train("width")
    channels: int = _of_train("channels")
    causal: bool = _of_train("causal")
    seeds: int = _of_train("seeds")
    dropout: float = _of_train("dropout")
    eps: float = _of_train("eps")
    momentum: float = _of_train("momentum")
    groups: int = _of_train("groups")
    ghost_size: int = _of_train("ghost_size")
    r_max: float = _of_train("r_max")
    d_max: float = _of_train("d_max")
    rounds: int = knob(
        60, label="Rounds", low=5, high=400, step=5, expert=True,
        help="In each round every norm is timed once, right beside the same network without a norm.",
    )  # fmt: skip

    @classmethod
    def of_step(cls, race: Train) -> StepCost:
        """The step of a race, as it is before any planned change."""
        own = {name for name, _, _ in cls.knobs()} - {"seed"}
        return cls.from_values({name: value for name, value in race.values().items() if name in own})

    # --- what follows from the fields ---------------------------------------------------------------

    @cached_property
    def race(self) -> Train:
        """A race with these settings.

        Raises:
            SpecError: they do not go together.
        """
        theirs = {name for name, _, _ in Train.knobs()}
        return Train(**{name: value for name, value in self.values().items() if name in theirs})  # type: ignore[arg-type]

    @property
    def net(self) -> Network:
        """The catalog's entry of the network."""
        return self.race.net

    @property
    def measured(self) -> tuple[str, ...]:
        """The norms; a race has none that does not apply to its network."""
        return self.norms

    def conflicts(self) -> Iterator[SpecError]:
        """What does not go together in a race."""
        try:
            self.race  # noqa: B018  (made to be checked)
        except SpecError as problem:
            yield problem

    # --- what is recorded ---------------------------------------------------------------------------

    def schema(self) -> Schema:
        """Ratios and times of every norm after each round, as in Cost."""
        return schema(self.norms, self.rounds)

    def cost(self) -> Cost:
        """The rounds, or as many of them as begin before time is up, and the first steps.

        Forward and backward count three times; the network without a norm is timed beside each norm.
        """
        race, n = self.race, len(self.norms)
        once = race.net.multiply_adds(race.data.shape, race.data.classes, self.depth, race.first_width)
        step = 3.0 * once * self.batch_size * self.seeds
        one_round = 4 * n * step
        later = min((self.rounds - 1) * one_round, LONGEST * FASTEST)
        first = TRIES * (n + 1) * step
        return Cost(
            multiply_adds=first + one_round + later, recording_bytes=float(frame_bytes(n) * self.rounds)
        )

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm: how many times the same without a norm (median, quartiles), and microseconds."""
        return {"part": self.part, **summary(self.norms, recording)}


Timed = NormCost | StepCost
"""What is drawn and told alike."""
FASTEST = 1e11
"""Multiply-adds in a second of one thread, at most."""
TRIES = 2
"""How often the networks are made, at most (see `normviz.lab.experiments.step_cost`)."""
