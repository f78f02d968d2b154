"""Claims: the twelve statements of an introductory article, each judged by a small experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from normviz.catalog.claims import CLAIMS
from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS
from normviz.frames import Recording, Schema
from normviz.spec import Cost, Spec, knob
from normviz.specs import claims_frames as frames
from normviz.specs.claims_designs import EPOCH_BATCH


@dataclass(frozen=True, kw_only=True)
class Claims(Spec):
    """Small trainings on digits, and a few calls of torch, for all of the claims or one of them."""

    name = "claims"
    runner = "normviz.lab.experiments.claims:run"
    title = "Twelve claims about batch norm: which of them hold?"

    claim: str = knob(
        "all", label="Claim", choices=("all", *map(str, CLAIMS)),
        names=("All twelve", *(f"{one.number}: {one.short}" for one in CLAIMS.values())),
        help="Judge one claim alone, and sooner.",
    )  # fmt: skip
    seeds: int = knob(
        5, label="Seeds", low=2, high=10, step=1,
        help="Networks of each variant, each with its own data split, initialization and batches.",
    )  # fmt: skip
    steps: int = knob(
        200, label="Training steps", low=50, high=600, step=50, expert=True,
        help="Of the claims about initialization and depth; those about learning rates take a quarter more. "
        "The one about noise ends after half of them, but not before 100.",
    )  # fmt: skip
    epochs: int = knob(
        10, label="Epochs", low=1, high=30, step=1, expert=True,
        help="Of the claims about the norm's place, dropout, small batches and the last batch.",
    )  # fmt: skip
    width: int = knob(
        64, label="Width", low=32, high=128, step=32, expert=True, unit="units",
        help="Units in each hidden layer; half of it in the deep networks of the last claim.",
    )  # fmt: skip

    # --- what follows from the fields ---------------------------------------------------------------

    @property
    def numbers(self) -> tuple[int, ...]:
        """The claims that are judged."""
        return tuple(CLAIMS) if self.claim == "all" else (int(self.claim),)

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def noisy_steps(self) -> int:
        """Training steps of the claim about noise, which counts only until the slowest network is there."""
        return min(self.steps, max(100, self.steps // 2))

    @property
    def rate_steps(self) -> int:
        """Training steps of the claims about learning rates: the lowest of them needs its time."""
        return self.steps * 5 // 4

    @property
    def steps_per_epoch(self) -> int:
        """Training steps in an epoch."""
        return DATASETS["digits"].n_train // EPOCH_BATCH

    def schema(self) -> Schema:
        """What the run records."""
        return frames.schema(self)

    def cost(self) -> Cost:
        """Trainings (forward and backward count three times) and evaluations of all the claims chosen."""
        return Cost(self._multiply_adds(), frames.nbytes(self))

    def _multiply_adds(self) -> float:
        total = 0.0
        for networks, depth, width, batch, steps, evaluations in frames.trainings(self):
            once = NETWORKS["mlp"].multiply_adds(
                DATASETS["digits"].shape, DATASETS["digits"].classes, depth, width
            )
            total += networks * once * (3 * batch * steps + DATASETS["digits"].n_test * evaluations)
        return total

    # --- the answer ---------------------------------------------------------------------------------

    def summary(self, recording: Recording) -> dict[str, Any]:
        """Every claim with its verdict, recomputed from the numbers of the recording."""
        return {"claims": [frames.answer(self, recording, number) for number in self.numbers]}
