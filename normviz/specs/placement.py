"""Placement: the same networks with the norm before the activation, and after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import ACTIVATIONS, NETWORKS, OPTIMIZERS
from normviz.catalog.norms import NORMS, reason
from normviz.frames import Recording, Schema
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import norm_knobs, placement_frames
from normviz.specs.fits import uneven, unfit

PLACED = ("batch", "layer", "group", "rms", "batch_renorm", "ghost_batch", "dyt")
"""Norms that have a place: they act on activations and leave the activation function alone."""
_PLACELESS = {
    "none": "Without a norm there is nothing to place.",
    "weight_norm": "Weight norm acts on the weights; it stands neither before the activation nor after it.",
    "weight_standardization": "Weight standardization acts on the weights. The group norm that follows it "
    "here has a place: choose group norm.",
}


@dataclass(frozen=True, kw_only=True)
class Placement(Spec):
    """Norms x places x seeds on the digits; everything else is the same."""

    name = "placement"
    runner = "normviz.lab.experiments.placement:run"
    title = "Does the norm belong before the activation or after it?"

    norms: tuple[str, ...] = knob(
        ("batch", "layer", "group"), label="Normalizations", most=4, choices=tuple(NORMS),
        names=tuple(norm.label for norm in NORMS.values()), help="Each is trained in both places.",
    )  # fmt: skip
    activation: str = knob(
        "relu", label="Activation", choices=ACTIVATIONS, names=("ReLU", "tanh", "Sigmoid", "GELU"),
    )  # fmt: skip
    lr: float = knob(
        0.1, label="Learning rate", low=1e-4, high=10.0, log=True, help="The same for every network."
    )  # fmt: skip
    depth: int = knob(5, label="Depth", low=1, high=20, step=1, unit="layers")
    seeds: int = knob(
        5, label="Seeds", low=2, high=10, step=1,
        help="Networks of each norm in each place: from the chosen seed and those that follow it. The "
        "intervals are over these.",
    )  # fmt: skip
    steps: int = knob(200, label="Training steps", low=50, high=1000, step=50, expert=True)
    every: int = knob(
        5, label="Evaluate every", low=1, high=50, step=1, unit="steps", expert=True,
        help="Steps between two evaluations on the test samples.",
    )  # fmt: skip
    width: int = knob(64, label="Width", low=16, high=128, step=16, unit="units", expert=True)
    batch_size: int = knob(
        64, label="Batch size", choices=(16, 32, 64, 128, 256), unit="samples", expert=True
    )  # fmt: skip
    optimizer: str = knob(
        "sgd", label="Optimizer", choices=OPTIMIZERS, expert=True,
        names=("SGD", "SGD with momentum 0.9", "Adam"),
        help="Adam wants learning rates a hundred times smaller than SGD.",
    )  # fmt: skip
    eps: float = norm_knobs.eps()
    momentum: float = norm_knobs.momentum()
    groups: int = norm_knobs.groups(most=64)
    ghost_size: int = norm_knobs.ghost_size(most=128)
    r_max: float = norm_knobs.r_max()
    d_max: float = norm_knobs.d_max()
    warm_up: float = norm_knobs.warm_up()

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def evaluated_steps(self) -> tuple[int, ...]:
        """Steps at which the test samples are evaluated; one frame each."""
        return tuple(sorted({*range(0, self.steps + 1, self.every), self.steps}))

    @property
    def norm_options(self) -> dict[str, Any]:
        """Options of the norms; each reads those that it knows."""
        return norm_knobs.options(self)

    def schema(self) -> Schema:
        """What the run records."""
        return placement_frames.schema(self)

    def idle(self) -> Mapping[str, str]:
        """Settings that none of the norms reads."""
        return norm_knobs.idle(self, self.norms)

    def conflicts(self) -> Iterator[SpecError]:
        """Norms without a place, or that do not apply to an MLP; groups or ghost batches of uneven size."""
        yield from unfit(self.norms, lambda norm: _PLACELESS.get(norm) or reason(norm, "mlp"))
        yield from uneven(self)

    def cost(self) -> Cost:
        """Training (forward and backward count three times) and evaluations."""
        data = DATASETS["digits"]
        once = NETWORKS["mlp"].multiply_adds(data.shape, data.classes, self.depth, self.width)
        samples = 3 * self.batch_size * self.steps + data.n_test * len(self.evaluated_steps)
        members = len(self.norms) * len(placement_frames.PLACES) * self.seeds
        return Cost(float(once * samples * members), placement_frames.nbytes(self))

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm and place: steps to the target, final accuracy, and whether the intervals overlap."""
        return {norm: placement_frames.answer(recording, v) for v, norm in enumerate(self.norms)}
