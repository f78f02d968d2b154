"""Small experiments for the tests of the player: each misbehaves in its own way, none needs torch.

Loaded into the engine host as an operator's own would be (NORMVIZ_EXPERIMENTS).
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from normviz.frames import Array, Frame, Schema
from normviz.lab import processes
from normviz.lab.dealt import dealt
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import EXPERIMENTS

SCHEMA = Schema((Array("start", (), "f8"), Array("walk", (1000,), "f4", ("place",))), facts={"of": "walks"})


@dataclass(frozen=True, kw_only=True)
class Walk(Spec):
    """A random walk of many places, one frame a step."""

    name = "walk"
    runner = "tests.player.small_experiments:walk"
    title = "Where does it go?"

    steps: int = knob(50, label="Steps", low=1, high=100_000)
    pause: int = knob(0, label="Pause before each frame", low=0, high=10_000, unit="ms")

    effort: int = knob(1000, label="Claimed multiply-adds of each step", low=1, high=10**9)

    def cost(self) -> Cost:
        """Proportional to the steps."""
        return Cost(multiply_adds=1.0 * self.effort * self.steps, recording_bytes=4010.0 * self.steps)


def walk(spec: Walk) -> Iterator[Schema | Frame]:
    """Frames of 4 kB, the same ones for one spec."""
    yield SCHEMA
    rng = np.random.default_rng(spec.seed)
    place = np.zeros(1000, np.float32)
    for step in range(spec.steps):
        time.sleep(spec.pause / 1000)
        place = place + rng.standard_normal(1000, np.float32)
        arrays: dict[str, np.ndarray] = {"walk": place}
        if step == 0:
            arrays["start"] = np.float64(spec.seed) * np.ones(())
        yield Frame(step, arrays)


@dataclass(frozen=True, kw_only=True)
class Crew(Walk):
    """Two random walks, dealt to two workers where a fork is possible."""

    name = "crew"
    runner = "tests.player.small_experiments:crew"


def crew(spec: Crew) -> Iterator[Schema | Frame]:
    """The first walk's places, changed by the second."""
    yield SCHEMA
    parts = [partial(_places, spec, spec.seed), partial(_places, spec, spec.seed + 1)]
    for step, (one, other) in enumerate(dealt(parts, 2 if processes.can_fork() else 1)):
        arrays: dict[str, np.ndarray] = {"walk": one + other}
        if step == 0:
            arrays["start"] = np.float64(spec.seed) * np.ones(())
        yield Frame(step, arrays)


def _places(spec: Crew, seed: int) -> Iterator[np.ndarray]:
    for frame in itertools.islice(walk(Walk(seed=seed, steps=spec.steps, pause=spec.pause)), 1, None):
        assert isinstance(frame, Frame)
        yield frame.arrays["walk"]


HOWS = (
    "refuses", "raises", "allocates", "no schema", "two schemas", "wrong shape", "frame first", "nothing",
    "hoards", "exits", "crashes", "spins", "calls", "sleeps", "prints", "unsteady",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Fault(Spec):
    """Three good frames, then something."""

    name = "fault"
    runner = "tests.player.small_experiments:fault"
    title = "What goes wrong?"

    how: str = knob("raises", label="How", choices=HOWS)
    pause: int = knob(0, label="Pause before each frame", low=0, high=10_000, unit="ms")

    def cost(self) -> Cost:
        """Nothing to speak of."""
        return Cost(multiply_adds=1e4, recording_bytes=1e5)


def fault(spec: Fault) -> Iterator[Schema | Frame]:
    """Misbehave as the spec says."""
    if spec.how == "nothing":
        return
    if spec.how not in ("no schema", "frame first"):
        yield SCHEMA
    nonce = int.from_bytes(os.urandom(4), "little") if spec.how == "unsteady" else 0
    for step in range(3 if spec.how != "unsteady" else 100):
        time.sleep(spec.pause / 1000)
        if spec.how != "no schema":
            yield Frame(step, {"start": np.array(float(nonce)), "walk": np.full(1000, step, np.float32)})
    yield from _misbehave(spec.how)


def _misbehave(how: str) -> Iterator[Schema | Frame]:
    if how == "refuses":
        raise SpecError("How", how, "anything else", "Choose another one.", field="how")
    if how == "raises":
        raise ZeroDivisionError("the inner secret")
    if how == "allocates":
        np.ones(10**11)  # 800 GB
    hoard = []
    while how == "hoards":
        hoard.append(np.ones(10**7))  # 80 MB
    if how == "two schemas":
        yield SCHEMA
    if how == "wrong shape":
        yield Frame(3, {"walk": np.zeros(999, np.float32)})
    if how == "exits":
        os._exit(3)
    if how == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    while how == "spins":  # in the interpreter
        pass
    while how == "calls":  # in C, seconds without returning to the interpreter
        np.linalg.svd(np.ones((1500, 1500)))
    while how == "sleeps":  # uses nothing and says nothing
        time.sleep(1000)
    if how == "prints":
        print("not a message")
        os.write(1, b"\xff" * 100)


for _spec in (Walk, Crew, Fault):
    EXPERIMENTS[_spec.name] = _spec
