"""Train: the race.  The same network, with one normalization after the other, from the same start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import BATCHES, Dataset
from normviz.catalog.networks import ACTIVATIONS, NETWORKS, OPTIMIZERS, PLACEMENTS, Layer, Network
from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_DATASETS, ALL_NETWORKS
from normviz.frames import Recording, Schema
from normviz.phrases import joined, phrase
from normviz.spec import Cost, Spec, SpecError, Value, knob
from normviz.specs import norm_knobs, train_changes, train_frames, train_sizes
from normviz.specs.fits import ATTENDS
from normviz.specs.train_changes import Change

EVALUATE_EVERY = 10
"""Fewest steps between two evaluations on the whole test split."""


@dataclass(frozen=True, kw_only=True)
class Train(Spec):
    """Norms x seeds in one stack; variants of one seed share initialization, data and batch order."""

    name = "train"
    runner = "normviz.lab.experiments.train:run"
    title = "What does normalization change while a network trains?"
    leader = "network"

    norms: tuple[str, ...] = knob(
        ("none", "batch", "layer", "group"), label="Normalizations", most=6,
        choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="Which variants of the network train side by side.",
    )  # fmt: skip
    dataset: str = knob(
        "digits", label="Data", choices=tuple(ALL_DATASETS),
        names=tuple(one.label for one in ALL_DATASETS.values()),
        help="Points in the plane also show the decision surface. Sequences are for the transformer, the RNN "
        "and the GRU.",
    )  # fmt: skip
    network: str = knob(
        "mlp", label="Network", choices=tuple(ALL_NETWORKS),
        names=tuple(one.label for one in ALL_NETWORKS.values()),
        help="An MLP of equal hidden layers; a CNN of ConvBlocks or a ResNet of basic blocks with skip "
        "connections (both need pictures); a transformer, an RNN or a GRU (they read sequences).",
    )  # fmt: skip
    depth: int = knob(
        8, label="Depth", low=1, high=50, step=1, unit="layers",
        help="Layers with a norm: hidden layers of the MLP, ConvBlocks of the CNN (at most 8), convolutions "
        "of the ResNet (3 to 20), layers of the transformer (at most 48), the RNN or the GRU (at most 8). A "
        "transformer's layer has two norms, a GRU's too.",
    )  # fmt: skip
    lr: float = knob(
        0.3, label="Learning rate", low=1e-4, high=10.0, log=True,
        help="The same for every variant. Each has its own best rate; try several.",
    )  # fmt: skip
    activation: str = knob(
        "relu", label="Activation", choices=ACTIVATIONS, expert=True,
        names=("ReLU", "tanh", "Sigmoid", "GELU"),
        help="Of the hidden layers, of the transformer's feed-forward blocks, of the GRU's new state. Filter "
        "response norm brings its own activation (TLU) and ignores this.",
    )  # fmt: skip
    batch_size: int = knob(
        64, label="Batch size", choices=(2, 4, 8, 16, 32, 64, 128, 256), expert=True, unit="samples",
        help="Samples in each training step. The incomplete last batch of an epoch is dropped.",
    )  # fmt: skip
    batches: str = knob(
        "shuffled", label="Batches", choices=BATCHES, expert=True, names=("shuffled", "two classes each"),
        help="Shuffled: from all samples, each once in an epoch. Two classes each: every batch draws two "
        "classes, and its samples from these alone; so the batches differ in what they hold.",
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
        "before", label="Place of the norm", choices=PLACEMENTS, expert=True,
        names=("before the activation", "after the activation"),
        help="Transformer: before each block (pre-norm), or after the sum of input and block (post-norm). "
        "GRU: before.",
    )  # fmt: skip
    width: int = knob(
        64, label="Width", low=16, high=256, step=16, expert=True, unit="units",
        help="Units in each layer of the MLP, the RNN or the GRU; channels of the transformer.",
    )  # fmt: skip
    channels: int = knob(
        16, label="Channels", choices=NETWORKS["cnn"].widths, expert=True,
        help="Of the first layer of the CNN or the ResNet; later ones have two and four times as many.",
    )  # fmt: skip
    causal: bool = knob(
        True, label="Causal attention", expert=True,
        help="Whether a step of the transformer attends only to itself and those before it, or to all that "
        "exist.",
    )  # fmt: skip
    steps: int = knob(400, label="Training steps", low=50, high=2000, step=50, expert=True)
    seeds: int = knob(
        3, label="Seeds", low=1, high=10, step=1, expert=True,
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
    eps: float = norm_knobs.eps()
    momentum: float = norm_knobs.momentum()
    groups: int = norm_knobs.groups(most=64)
    ghost_size: int = norm_knobs.ghost_size(most=128)
    r_max: float = norm_knobs.r_max()
    d_max: float = norm_knobs.d_max()
    warm_up: float = norm_knobs.warm_up()
    changes: str = knob(
        "", label="Changes during the run", expert=True, form=train_changes.FORM,
        words=train_changes.in_words,
        help="From a step on another learning rate, batch size or norm: 200:lr=0.03; 300:norm.batch=none. "
        "“Change from here” in the bar of the charts writes this.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if isinstance(self.changes, str) and len(self.changes) <= 200:
            object.__setattr__(self, "changes", train_changes.write(train_changes.read(self.changes)))
        super().__post_init__()

    # --- what follows from the fields ---------------------------------------------------------------

    @property
    def net(self) -> Network:
        """The catalog's entry of the network."""
        return ALL_NETWORKS[self.network]

    @property
    def data(self) -> Dataset:
        """The catalog's entry of the data set."""
        return ALL_DATASETS[self.dataset]

    @property
    def first_width(self) -> int:
        """Channels of the first layer, whichever network it is."""
        return self.channels if self.net.form == "cnn" else self.width

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that are followed by a norm; what is recorded by layer has one entry for each."""
        return self.net.hidden(self.data.shape, self.depth, self.first_width)

    def layer_name(self, place: int) -> int | str:
        """How sentences call the layer of the norm at ``place`` (from 0): 3, or "2 (attention)"."""
        parts = self.net.parts
        return f"{place // len(parts) + 1} ({parts[place % len(parts)]})" if parts else place + 1

    @property
    def norm_options(self) -> dict[str, Any]:
        """Options of the norms; each reads those that it knows."""
        return norm_knobs.options(self)

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

    @property
    def planned(self) -> tuple[Change, ...]:
        """The changes during the run, in the order of their steps."""
        return train_changes.read(self.changes)

    def norms_at(self, step: int) -> tuple[str, ...]:
        """Each variant's norm in the update after ``step``."""
        now = {one.variant: str(one.value) for one in self.planned if one.what == "norm" and one.step <= step}
        return tuple(now.get(norm, norm) for norm in self.norms)

    def norms_of(self, variant: str) -> tuple[str, ...]:
        """Every norm that a variant has during the run."""
        return (variant, *(str(one.value) for one in self.planned if one.variant == variant))

    @property
    def norms_used(self) -> tuple[str, ...]:
        """Every norm of the run, once."""
        return tuple(dict.fromkeys(norm for variant in self.norms for norm in self.norms_of(variant)))

    def lr_at(self, step: int) -> float:
        """The learning rate of the update after ``step``."""
        rates = [float(one.value) for one in self.planned if one.what == "lr" and one.step <= step]
        return rates[-1] if rates else self.lr

    @property
    def batch_sizes(self) -> tuple[tuple[int, int], ...]:
        """(batch size, steps trained with it), one after the other."""
        changed = [(one.step, int(one.value)) for one in self.planned if one.what == "batch_size"]
        starts = [(0, self.batch_size), *changed]
        ends = [step for step, _ in changed] + [self.steps]
        return tuple((size, end - start) for (start, size), end in zip(starts, ends, strict=True))

    def batch_size_at(self, step: int) -> int:
        """Samples of the update after ``step``."""
        sizes = [int(one.value) for one in self.planned if one.what == "batch_size" and one.step <= step]
        return sizes[-1] if sizes else self.batch_size

    def schema(self) -> Schema:
        """What the run records."""
        return train_frames.schema(self)

    @classmethod
    def suited(cls, choice: Value) -> Mapping[str, Value]:
        """The network's data, depth, learning rate …: each field for which some network has its own value.

        Also the two that do not go with every network: the place of the norm, and attention.
        """
        defaults = {name: default for name, _, default in cls.knobs()}
        fields = {"placement", "causal"}.union(*(network.own for network in ALL_NETWORKS.values()))
        own = ALL_NETWORKS[str(choice)].own
        return {name: own.get(name, defaults[name]) for name in defaults if name in fields}

    # --- checks -------------------------------------------------------------------------------------

    def idle(self) -> Mapping[str, str]:
        """Settings that no norm of the run reads, or that its network has not."""
        told = dict(norm_knobs.idle(self, self.norms_used))
        if self.net.form == "cnn":
            told["width"] = phrase("The CNN and the ResNet have channels instead.")
        else:
            told["channels"] = phrase("Only the CNN and the ResNet have channels.")
        if self.net.causal is None:
            told["causal"] = ATTENDS
        return told

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together."""
        refusal = self.net.refusal(self.data.shape)
        if refusal:
            fitting = [one.label for one in ALL_DATASETS.values() if not self.net.refusal(one.shape)]
            pair = ("dataset", "network")
            field = train_sizes.changed(self, *pair)
            yield SpecError(
                "Data", self.data.label, phrase(
                    "{listed} for the {label}",
                    listed=joined(", ", fitting), label=self.net.label,
                ), refusal,
                field=field, other=next(one for one in pair if one != field),
            )  # fmt: skip
            return
        low, high = self.net.depths
        if not low <= self.depth <= high:
            yield SpecError(
                "Depth", self.depth, phrase(
                    "a whole number from {low} to {high} for the {label}",
                    low=low, high=high, label=self.net.label,
                ),
                "Choose another depth, or another network.", field="depth",
            )  # fmt: skip
            return
        yield from self._misplaced()
        if self.batch_size > self.data.n_train:
            yield SpecError(
                "Batch size",
                self.batch_size,
                phrase("at most the {n_train} training samples", n_train=self.data.n_train),
                field="batch_size",
            )
        yield from train_changes.unplanned(self)
        for norm in self.norms_used:
            why = self.net.reason(norm)
            if why:
                fitting = [one.label for name, one in NORMS.items() if not self.net.reason(name)]
                field = "norms" if norm in self.norms else "changes"
                yield SpecError("Normalizations", NORMS[norm].label, joined(", ", fitting), why, field=field)
        yield from train_sizes.uneven(self)
        yield from train_sizes.two_classes(self)

    def _misplaced(self) -> Iterator[SpecError]:
        """A place that the network's norms cannot have, or attention that it has not."""
        if self.placement not in self.net.placements:
            yield SpecError(
                "Place of the norm", self.placement, phrase(
                    "{listed} for the {label}",
                    listed=joined(", ", self.net.placements), label=self.net.label,
                ), "Choose another network to put it elsewhere.", field="placement",
            )  # fmt: skip
        if not self.causal and self.net.causal is None:
            yield SpecError(
                "Causal attention", "no", phrase("yes for the {label}", label=self.net.label),
                ATTENDS, field="causal",
            )  # fmt: skip

    def cost(self) -> Cost:
        """Training (forward and backward count three times) and evaluations; all frames."""
        once = self.net.multiply_adds(self.data.shape, self.data.classes, self.depth, self.first_width)
        evaluated = self.data.n_test + (train_frames.GRID**2 if self.data.planar else 0)
        trained = sum(size * steps for size, steps in self.batch_sizes)
        samples = 3 * trained + evaluated * len(self.evaluated_steps)
        members = len(self.norms) * self.seeds
        return Cost(multiply_adds=float(once * samples * members), recording_bytes=train_frames.nbytes(self))

    def smaller(self, multiply_adds: float) -> Train:
        """A race of the same kind that costs no more, as far as fewer seeds, layers and steps allow."""
        spec = self
        for name, values in (
            ("seeds", range(self.seeds - 1, 0, -1)),
            ("depth", range(self.depth - 1, 3, -1)),
            ("batch_size", (32,) if self.batch_size > 32 else ()),
            ("steps", range(self.steps - 50, 99, -50)),
        ):
            for value in values:
                if spec.cost().multiply_adds <= multiply_adds:
                    return spec
                try:
                    spec = spec.replace(**{name: value})
                except SpecError:
                    break  # something else of the settings needs it as it is
        return spec

    # --- the answer ---------------------------------------------------------------------------------

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm: test accuracy, steps to 90% and 94% (mean, median), final loss, diverged seeds."""
        return {"norms": {norm: train_frames.answer(self, recording, v) for v, norm in enumerate(self.norms)}}
