"""Train: the race.  The same network, with one normalization after the other, from the same start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from normviz.catalog.datasets import DATASETS, Dataset
from normviz.catalog.networks import ACTIVATIONS, NETWORKS, OPTIMIZERS, Layer, Network
from normviz.catalog.norms import NORMS, reason
from normviz.frames import Recording, Schema
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import train_frames

_RENORM, _GHOST = NORMS["batch_renorm"].options, NORMS["ghost_batch"].options
_GROUPED = ("group", "weight_standardization")
"""Norms that normalize groups of channels (weight standardization is followed by group norm)."""

EVALUATE_EVERY = 10
"""Fewest steps between two evaluations on the whole test split."""


@dataclass(frozen=True, kw_only=True)
class Train(Spec):
    """Norms x seeds in one stack; variants of one seed share initialization, data and batch order."""

    name = "train"
    runner = "normviz.lab.experiments.train:run"
    title = "What does normalization change while a network trains?"

    norms: tuple[str, ...] = knob(
        ("none", "batch", "layer", "group"), label="Normalizations", most=6,
        choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="Which variants of the network train side by side.",
    )  # fmt: skip
    dataset: str = knob(
        "digits", label="Data", choices=tuple(DATASETS), names=tuple(one.label for one in DATASETS.values()),
        help="Points in the plane also show the decision surface.",
    )  # fmt: skip
    network: str = knob(
        "mlp", label="Network", choices=tuple(NETWORKS), names=tuple(one.label for one in NETWORKS.values()),
        help="An MLP of equal hidden layers, or a CNN of ConvBlocks (needs pictures).",
    )  # fmt: skip
    depth: int = knob(
        8, label="Depth", low=1, high=50, step=1, unit="layers",
        help="Hidden layers of the MLP, or ConvBlocks of the CNN (at most 8).",
    )  # fmt: skip
    lr: float = knob(
        0.3, label="Learning rate", low=1e-4, high=10.0, log=True,
        help="The same for every variant. Each has its own best rate; try several.",
    )  # fmt: skip
    activation: str = knob(
        "relu", label="Activation", choices=ACTIVATIONS, expert=True,
        names=("ReLU", "tanh", "Sigmoid", "GELU"),
        help="Filter response norm brings its own activation (TLU) and ignores this.",
    )  # fmt: skip
    batch_size: int = knob(
        64, label="Batch size", choices=(2, 4, 8, 16, 32, 64, 128, 256), expert=True, unit="samples",
        help="Samples in each training step. The incomplete last batch of an epoch is dropped.",
    )  # fmt: skip
    optimizer: str = knob(
        "sgd", label="Optimizer", choices=OPTIMIZERS, expert=True,
        names=("SGD", "SGD with momentum 0.9", "Adam"),
        help="Adam wants learning rates a hundred times smaller than SGD.",
    )  # fmt: skip
    gain: float = knob(
        1.0, label="Gain of the initialization", low=0.1, high=10.0, log=True, expert=True,
        help="Multiplies the standard deviation of all initial weights; 1 is He initialization.",
    )  # fmt: skip
    placement: str = knob(
        "before", label="Place of the norm", choices=("before", "after"), expert=True,
        names=("before the activation", "after the activation"),
    )  # fmt: skip
    width: int = knob(
        64, label="Width of the MLP", low=16, high=256, step=16, expert=True, unit="units",
        help="Units in each hidden layer of the MLP.",
    )  # fmt: skip
    channels: int = knob(
        16, label="Channels of the CNN", choices=NETWORKS["cnn"].widths, expert=True,
        help="Of the CNN's first block; the second has twice, the later ones four times as many.",
    )  # fmt: skip
    steps: int = knob(400, label="Training steps", low=50, high=2000, step=50, expert=True)
    seeds: int = knob(
        3, label="Seeds", low=1, high=5, step=1, expert=True,
        help="Each variant trains once from each seed: the chosen one and those that follow it.",
    )  # fmt: skip
    every: int = knob(
        5, label="Record every", low=1, high=50, step=1, expert=True, unit="steps",
        help="Steps between two recorded ones.",
    )  # fmt: skip
    dropout: float = knob(
        0.0, label="Dropout", low=0.0, high=0.9, expert=True,
        help="Share of activations set to zero while training, in every hidden layer of every variant.",
    )  # fmt: skip
    eps: float = knob(
        _GHOST["eps"], label="Epsilon", low=1e-8, high=1.0, log=True, expert=True,
        help="Added to the variance (or the mean square) before the square root.",
    )  # fmt: skip
    momentum: float = knob(
        _GHOST["momentum"], label="Momentum of the running statistics", low=0.001, high=1.0, log=True,
        expert=True,
        help="Weight of the new value, as in torch. (Keras counts the other way: its 0.99 is 0.01 here.)",
    )  # fmt: skip
    groups: int = knob(
        NORMS["group"].options["groups"], label="Groups", choices=(1, 2, 4, 8, 16, 32, 64), expert=True,
        help="Groups of channels for group norm, also behind weight standardization.",
    )  # fmt: skip
    ghost_size: int = knob(
        _GHOST["ghost_size"], label="Ghost batch size", choices=(2, 4, 8, 16, 32, 64, 128), expert=True,
        unit="samples",
        help="Ghost batch norm takes its statistics over parts of the batch of this size.",
    )  # fmt: skip
    r_max: float = knob(
        _RENORM["r_max"], label="Batch renorm: greatest r", low=1.0, high=10.0, expert=True,
        help="Bound of the correction of the scale; 1 with d = 0 is batch norm.",
    )  # fmt: skip
    d_max: float = knob(
        _RENORM["d_max"], label="Batch renorm: greatest d", low=0.0, high=10.0, expert=True,
        help="Bound of the correction of the mean, in running standard deviations.",
    )  # fmt: skip

    # --- what follows from the fields ---------------------------------------------------------------

    @property
    def net(self) -> Network:
        """The catalog's entry of the network."""
        return NETWORKS[self.network]

    @property
    def data(self) -> Dataset:
        """The catalog's entry of the data set."""
        return DATASETS[self.dataset]

    @property
    def first_width(self) -> int:
        """Channels of the first layer, whichever network it is."""
        return self.width if self.network == "mlp" else self.channels

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are followed by a norm."""
        return self.net.hidden(self.data.shape, self.depth, self.first_width)

    @property
    def values_per_layer(self) -> tuple[int, ...]:
        """Values of one training batch in each of these layers."""
        return tuple(self.batch_size * layer.channels * prod(layer.spatial) for layer in self.layers)

    @property
    def norm_options(self) -> dict[str, float]:
        """Options of the norms; each reads those that it knows."""
        names = ("eps", "momentum", "groups", "ghost_size", "r_max", "d_max")
        return {name: getattr(self, name) for name in names}

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def recorded_steps(self) -> tuple[int, ...]:
        """Steps taken when a frame is recorded: none, every k-th, and all."""
        return tuple(sorted({*range(0, self.steps + 1, self.every), self.steps}))

    @property
    def evaluated_steps(self) -> tuple[int, ...]:
        """Recorded steps at which the whole test split is evaluated."""
        pace = self.every * -(-EVALUATE_EVERY // self.every)
        return tuple(step for step in self.recorded_steps if step % pace == 0 or step == self.steps)

    def schema(self) -> Schema:
        """What the run records."""
        return train_frames.schema(self)

    # --- checks -------------------------------------------------------------------------------------

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together."""
        refusal = self.net.refusal(self.data.shape)
        if refusal:
            yield SpecError("Data", self.dataset, "a set of pictures", refusal, field="dataset")
            return
        low, high = self.net.depths
        if not low <= self.depth <= high:
            yield SpecError(
                "Depth", self.depth, f"a whole number from {low} to {high} for the {self.net.label}",
                "Choose fewer layers, or the MLP.", field="depth",
            )  # fmt: skip
            return
        if self.batch_size > self.data.n_train:
            yield SpecError(
                "Batch size",
                self.batch_size,
                f"at most the {self.data.n_train} training samples",
                field="batch_size",
            )
        for norm in self.norms:
            why = reason(norm, self.net.form)
            if why:
                fitting = [one for one in NORMS if not reason(one, self.net.form)]
                yield SpecError("Normalizations", NORMS[norm].label, ", ".join(fitting), why, field="norms")
        yield from self._sizes()

    def _sizes(self) -> Iterator[SpecError]:
        """Groups and ghost batches that do not come out even."""
        narrowest = min(layer.channels for layer in self.layers)
        if any(norm in self.norms for norm in _GROUPED):
            # A group of a single value would be normalized to zero: an MLP needs two channels in each.
            most = narrowest // 2 if self.net.form == "mlp" else narrowest
            if self.groups > most or narrowest % self.groups:
                yield SpecError(
                    "Groups", self.groups, f"a divisor of the {narrowest} channels, at most {most}",
                    "Choose fewer groups or a wider network.",
                    field=self._changed("groups", "width", "channels"),
                )  # fmt: skip
        if "ghost_batch" in self.norms and self.batch_size % self.ghost_size:
            yield SpecError(
                "Ghost batch size", self.ghost_size, f"a divisor of the batch size {self.batch_size}",
                "Choose smaller ghost batches or larger batches.",
                field=self._changed("ghost_size", "batch_size"),
            )  # fmt: skip

    def _changed(self, *names: str) -> str:
        """The first of these fields that is not at its default: the one to put back."""
        defaults = {name: default for name, _, default in self.knobs()}
        return next((name for name in names if getattr(self, name) != defaults[name]), names[0])

    def cost(self) -> Cost:
        """Training (forward and backward count three times) and evaluations; all frames."""
        once = self.net.multiply_adds(self.data.shape, self.data.classes, self.depth, self.first_width)
        evaluated = self.data.n_test + (train_frames.GRID**2 if self.data.planar else 0)
        samples = 3 * self.batch_size * self.steps + evaluated * len(self.evaluated_steps)
        members = len(self.norms) * self.seeds
        return Cost(multiply_adds=float(once * samples * members), recording_bytes=train_frames.nbytes(self))

    # --- the answer ---------------------------------------------------------------------------------

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm: test accuracy, steps to 90% and 94%, final loss, and which seeds diverged."""
        return {"norms": {norm: train_frames.answer(self, recording, v) for v, norm in enumerate(self.norms)}}
