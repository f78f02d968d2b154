"""Sequences: RNN and transformer with and without normalization; who sees the future, who the batch-mates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import Dataset
from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import SEQUENCE_DATASETS, SEQUENCE_NETWORKS, SequenceNetwork
from normviz.frames import Recording, Schema
from normviz.phrases import joined, phrase
from normviz.spec import Cost, Spec, SpecError, Value, knob
from normviz.specs import norm_knobs
from normviz.specs import sequences_frames as recorded
from normviz.specs.fits import ATTENDS, uneven_ghosts, uneven_groups, unfit

_DEPTHS = {"transformer": 4, "rnn": 1, "gru": 1}
_STEPS = {"transformer": 100, "rnn": 300, "gru": 200}
_ACTIVATIONS = {"transformer": "relu", "rnn": "tanh", "gru": "tanh"}


@dataclass(frozen=True, kw_only=True)
class Sequences(Spec):
    """Norms x seeds of one network that reads sequences, trained; then looked into, in training mode."""

    name = "sequences"
    runner = "normviz.lab.experiments.sequences:run"
    title = "Which normalization suits sequences?"
    leader = "network"

    network: str = knob(
        "transformer", label="Network", choices=tuple(SEQUENCE_NETWORKS),
        names=tuple(net.label for net in SEQUENCE_NETWORKS.values()),
        help="A transformer (causal, unless Expert says otherwise), or an RNN or GRU with the norm inside "
        "its recurrence.",
    )  # fmt: skip
    norms: tuple[str, ...] = knob(
        ("none", "batch", "layer", "rms"), label="Normalizations", most=6,
        choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="Which variants of the network train side by side.",
    )  # fmt: skip
    dataset: str = knob(
        "marked", label="Data", choices=tuple(SEQUENCE_DATASETS),
        names=tuple(data.label for data in SEQUENCE_DATASETS.values()),
        help="Sequences of 4 to 16 symbols, padded, of which one is marked; or digits of 8 rows.",
    )  # fmt: skip
    placement: str = knob(
        "before", label="Place of the norm", choices=("before", "after"),
        names=("before (pre-norm)", "after (post-norm)"),
        help="Transformer: before each block, or after the sum of input and block. RNN: before or after the "
        "activation function. GRU: before.",
    )  # fmt: skip
    lr: float = knob(
        0.01, label="Learning rate", low=1e-4, high=1.0, log=True,
        help="Of Adam, without warm-up, the same for every variant.",
    )  # fmt: skip
    depth: int = knob(
        0, label="Depth", choices=(0, 1, 2, 3, 4, 6, 8), expert=True,
        names=("4 (RNN, GRU: 1)", "1", "2", "3", "4", "6", "8"),
        help="Layers of the network that trains; 0 stands for 4 with the transformer and 1 with the others.",
    )  # fmt: skip
    width: int = knob(
        32, label="Width", choices=(16, 32, 48, 64, 96, 128), expert=True, unit="channels",
        help="Channels of the transformer's residual stream, or units of an RNN's layer.",
    )  # fmt: skip
    masked: bool = knob(
        True, label="Leave the padding out", expert=True,
        help="Whether norms over the batch take their statistics over the steps that exist, or over the "
        "padding too.",
    )  # fmt: skip
    causal: bool = knob(
        True, label="Causal attention", expert=True,
        help="Whether a step of the transformer attends only to itself and those before it, or to all that "
        "exist. Then attention itself sees the future, whatever the norm.",
    )  # fmt: skip
    batch_size: int = knob(
        32, label="Batch size", choices=(8, 16, 32, 64), expert=True, unit="sequences",
        help="Sequences in a training step, and in the batches that are looked into.",
    )  # fmt: skip
    steps: int = knob(
        0, label="Training steps", choices=(0, 50, 100, 200, 300, 500, 1000), expert=True,
        names=("100 (RNN: 300, GRU: 200)", "50", "100", "200", "300", "500", "1,000"),
    )  # fmt: skip
    deepest: int = knob(
        32, label="Deepest transformer", choices=(8, 16, 32, 48), expert=True, unit="layers",
        help="Up to which depth the gradient at initialization is measured, pre-norm against post-norm.",
    )  # fmt: skip
    deep_width: int = knob(
        32, label="Width of the deep transformers", choices=(16, 32, 64, 128), expert=True, unit="channels",
        help="Of the transformers whose gradient is measured. The wider, the closer to theory.",
    )  # fmt: skip
    eps: float = norm_knobs.own_eps()
    momentum: float = norm_knobs.momentum()
    groups: int = norm_knobs.groups(most=16)
    ghost_size: int = norm_knobs.ghost_size(8, least=8, most=32, more="A sample is a whole sequence.")
    r_max: float = norm_knobs.r_max()
    d_max: float = norm_knobs.d_max()
    warm_up: float = norm_knobs.warm_up()
    seeds: int = knob(
        3, label="Seeds", low=1, high=5, step=1, expert=True,
        help="Each variant trains once from each seed: the chosen one and those that follow it.",
    )  # fmt: skip

    # --- what follows from the fields ---------------------------------------------------------------

    @property
    def net(self) -> SequenceNetwork:
        """The network's facts."""
        return SEQUENCE_NETWORKS[self.network]

    @property
    def data(self) -> Dataset:
        """The data set's facts."""
        return SEQUENCE_DATASETS[self.dataset]

    @property
    def length(self) -> int:
        """Steps of a sequence, padding included."""
        return self.data.shape[1]

    @property
    def changed_from(self) -> int:
        """The step, counted from 0, from which on the future is changed."""
        return self.length // 2

    @property
    def layers(self) -> int:
        """Layers of the network that trains."""
        return self.depth or _DEPTHS[self.network]

    @property
    def training_steps(self) -> int:
        """Steps of the training."""
        return self.steps or _STEPS[self.network]

    @property
    def activation(self) -> str:
        """The activation function: tanh in the recurrence, ReLU in the feed-forward blocks."""
        return _ACTIVATIONS[self.network]

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def deep_norms(self) -> tuple[str, ...]:
        """The variants of which there are transformers, whatever network trains."""
        return tuple(norm for norm in self.norms if not SEQUENCE_NETWORKS["transformer"].reason(norm))

    @property
    def depths(self) -> tuple[int, ...]:
        """Depths at which the gradient at initialization is measured."""
        return tuple(one for one in recorded.DEPTHS if one <= self.deepest)

    @property
    def norm_options(self) -> dict[str, Any]:
        """Options of the norms; each reads those that it knows."""
        return norm_knobs.options(self)

    def schema(self) -> Schema:
        """What the run records."""
        return recorded.schema(self)

    @classmethod
    def suited(cls, choice: Value) -> Mapping[str, Value]:
        """What every network has; only one of them attends to what comes later, or stands some depths."""
        defaults = {name: default for name, _, default in cls.knobs()}
        return {name: defaults[name] for name in ("placement", "depth", "causal")}

    # --- checks -------------------------------------------------------------------------------------

    def idle(self) -> Mapping[str, str]:
        """Settings that none of the norms reads, or that the network has not."""
        told = dict(norm_knobs.idle(self, self.norms))
        return told if self.net.causal is not None else {**told, "causal": ATTENDS}

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together."""
        low, high = self.net.depths
        if not low <= self.layers <= high:
            yield SpecError(
                "Depth", self.depth, phrase(
                    "at most {high} layers for the {label}",
                    high=high, label=self.net.label,
                ),
                "Choose fewer layers, or the transformer.", field="depth",
            )  # fmt: skip
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
        yield from unfit(self.norms, self.net.reason)
        # The width of the deep transformers is a multiple of every number of groups.
        yield from uneven_groups(self.norms, self.groups, self.width, lone=self.net.lone)
        yield from uneven_ghosts(self.norms, self.batch_size, self.ghost_size)

    def cost(self) -> Cost:
        """Training, evaluations, the passes that look into it, and the deep transformers."""
        shape, classes = self.data.shape, self.data.classes
        once = self.net.multiply_adds(shape, classes, self.layers, self.width)
        looks = (recorded.WATCHED + 1) * self.batch_size * len(recorded.leak_steps(self))
        ends = 10 * self.batch_size * (1 + recorded.APPENDED[-1] / self.length) ** 2
        evaluated = recorded.TESTED * len(recorded.evaluated_steps(self))
        samples = 3 * self.batch_size * self.training_steps + evaluated + looks + ends
        deep = sum(
            SEQUENCE_NETWORKS["transformer"].multiply_adds(shape, classes, depth, self.deep_width)
            for depth in self.depths
        )
        passes = 3 * recorded.DEEP_BATCH * 2 * deep * len(self.deep_norms) * self.seeds
        members = len(self.norms) * self.seeds
        return Cost(float(once * samples * members + passes), recorded.nbytes(self))

    # --- the answer ---------------------------------------------------------------------------------

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm: accuracy, what the future and the batch-mates move, and gradients by depth."""
        return {"norms": {norm: recorded.answer(self, recording, v) for v, norm in enumerate(self.norms)}}
