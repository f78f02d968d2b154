"""Sequences as facts: the data that are read step by step, and the networks that read them.  Free of torch.

A sample is [C, T] as in torch's Conv1d.  Its last channel says which steps exist: 1 there, 0 in the padding
behind the end of a short sequence, where all other channels are 0 too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from normviz.catalog.datasets import DATASETS, Dataset
from normviz.catalog.networks import NETWORKS, Layer, Network
from normviz.phrases import phrase

SYMBOLS = 4
"""Different symbols of the marked sequences; which of them is marked is the class."""
LENGTHS = (4, 16)
"""Shortest and longest marked sequence."""
EXPANSION = 2
"""Hidden units of a transformer's feed-forward block, as a multiple of its width."""
HEADS = 2
"""Heads of its attention."""

SEQUENCE_DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="marked",
            label="The marked symbol",
            description=phrase(
                "Sequences of {shortest} to {longest} symbols; one of them carries a mark. Which symbol is "
                "it? The answer is asked for at the end.",
                shortest=LENGTHS[0],
                longest=LENGTHS[1],
            ),
            shape=(SYMBOLS + 2, LENGTHS[1]),
            classes=SYMBOLS,
            n_train=1000,
            n_test=500,
            loader="normviz.lab.data.sequences:marked",
            padded=True,
        ),
        Dataset(
            name="digits_rows",
            label="Digits, row by row",
            description="1,797 handwritten digits, read from top to bottom: 8 steps of 8 numbers.",
            shape=(9, 8),
            classes=10,
            n_train=1000,
            n_test=797,
            loader="normviz.lab.data.sequences:digits_rows",
            source=DATASETS["digits"].source,
        ),
    )
}
"""All data sets of sequences by name, in the order in which they are offered."""


@dataclass(frozen=True)
class SequenceNetwork(Network):
    """A network that reads a sequence, and answers at its end (or, when asked, at every step)."""

    further: Callable[[tuple[int, ...], int, int], tuple[Layer, ...]] = field(repr=False, kw_only=True)
    """(shape of a sample, depth, width) -> the layers with weights that no norm follows."""
    mixing: Callable[[tuple[int, ...], int, int], int] = field(repr=False, kw_only=True)
    """(shape of a sample, depth, width) -> multiply-adds of a sample that belong to no weights: attention."""

    def multiply_adds(self, shape: tuple[int, ...], classes: int, depth: int, width: int) -> int:
        """Of the forward pass of one sample."""
        more = sum(layer.multiply_adds for layer in self.further(shape, depth, width))
        return super().multiply_adds(shape, classes, depth, width) + more + self.mixing(shape, depth, width)

    def parameters(self, shape: tuple[int, ...], classes: int, depth: int, width: int) -> int:
        """Weights and biases."""
        more = sum(layer.parameters for layer in self.further(shape, depth, width))
        return super().parameters(shape, classes, depth, width) + more

    def refusal(self, shape: tuple[int, ...]) -> str:
        """Why samples of this shape do not fit, as a sentence; empty if they do."""
        return (
            ""
            if len(shape) in self.inputs
            else phrase("{label} reads sequences; these samples are none.", label=self.label)
        )


def _recurrent(shape: tuple[int, ...], depth: int, width: int) -> tuple[Layer, ...]:
    channels, steps = shape[0] - 1, shape[1:]
    first = Layer(channels + width, width, steps)
    return (first, *(Layer(2 * width, width, steps) for _ in range(depth - 1)))


def _gated(shape: tuple[int, ...], depth: int, width: int) -> tuple[Layer, ...]:
    """The gates of each layer, and its candidate as far as it comes from the input."""
    steps = shape[1:]
    reads = (shape[0] - 1, *(width,) * (depth - 1))
    return tuple(
        layer for one in reads for layer in (Layer(one + width, 2 * width, steps), Layer(one, width, steps))
    )


def _residual(shape: tuple[int, ...], depth: int, width: int) -> tuple[Layer, ...]:
    """The projections whose output is added to the residual stream: of attention, of feed-forward."""
    steps = shape[1:]
    return depth * (Layer(width, width, steps), Layer(EXPANSION * width, width, steps))


def _inner(shape: tuple[int, ...], depth: int, width: int) -> tuple[Layer, ...]:
    """The embedding; queries, keys and values; the first half of each feed-forward block."""
    steps = shape[1:]
    each = (Layer(width, 3 * width, steps), Layer(width, EXPANSION * width, steps))
    return (Layer(shape[0] - 1, width, steps), *(depth * each))


def _one_step(norm: str) -> str:
    return phrase(
        "Inside a recurrence a norm sees one step, and there each channel of a sample is a single value: "
        "{norm} would have nothing to average.",
        norm=norm,
    )


def _two_matrices(norm: str) -> str:
    return phrase(
        "A GRU's new state comes from two matrices, with a gate between them; {norm} acts on one layer's "
        "weights.",
        norm=norm,
    )


def _on_stream(norm: str) -> str:
    return phrase(
        "A transformer's norms stand on its residual stream, not behind one layer's weights, on which {norm} "
        "acts.",
        norm=norm,
    )


SEQUENCE_NETWORKS: dict[str, SequenceNetwork] = {
    network.name: network
    for network in (
        SequenceNetwork(
            name="transformer",
            label="Transformer",
            description="Each step attends to itself and to those before it (causal; to all steps that "
            "exist if asked), then passes through "
            "two linear layers; each of the two is added to what came before, with a norm before it or "
            "after the sum. The last step's output goes through a plain linear head.",
            form="sequence",
            depths=(1, 48),
            widths=tuple(range(16, 257, 16)),
            inputs=(2,),
            builder="normviz.lab.nets.transformer:Transformer",
            hidden=_residual,
            further=_inner,
            mixing=lambda shape, depth, width: 2 * depth * width * shape[1] ** 2,
            parts=("attention", "feed-forward"),
            enters=("its block", "the next block"),
            healths=False,
            causal=True,
            own={
                "dataset": "marked",
                "depth": 2,
                "width": 32,
                "optimizer": "adam",
                "lr": 0.003,
                "steps": 150,
            },
            unfit={
                "frn": "Filter response norm replaces the activation function after it; after a "
                "transformer's norms there is none.",
                "weight_norm": _on_stream("weight norm"),
                "weight_standardization": _on_stream("weight standardization"),
            },
        ),
        SequenceNetwork(
            name="rnn",
            label="RNN",
            description="Elman network: each step computes a new state from the input and the last state, "
            "with the norm inside the recurrence. The last state goes through a plain linear head.",
            form="sequence",
            depths=(1, 8),
            widths=tuple(range(16, 257, 16)),
            inputs=(2,),
            builder="normviz.lab.nets.rnn:RNN",
            hidden=_recurrent,
            further=lambda *_: (),
            mixing=lambda *_: 0,
            lone=True,
            own={"dataset": "digits_rows", "depth": 1, "optimizer": "adam", "lr": 0.003, "steps": 200},
            unfit={
                "instance": _one_step("instance norm"),
                "frn": _one_step("filter response norm"),
            },
        ),
        SequenceNetwork(
            name="gru",
            label="GRU",
            description="Gated recurrent units: two gates decide how much of the last state stays. Norms for "
            "the gates and for the new state, inside the recurrence. The last state goes through a plain "
            "linear head.",
            form="sequence",
            depths=(1, 8),
            widths=tuple(range(16, 257, 16)),
            inputs=(2,),
            builder="normviz.lab.nets.gru:GRU",
            hidden=_gated,
            further=lambda shape, depth, width: depth * (Layer(width, width, shape[1:]),),
            mixing=lambda *_: 0,
            parts=("gates", "candidate"),
            placements=("before",),
            lone=True,
            healths=False,
            own={"dataset": "digits_rows", "depth": 1, "optimizer": "adam", "lr": 0.005, "steps": 150},
            unfit={
                "instance": _one_step("instance norm"),
                "frn": _one_step("filter response norm"),
                "weight_norm": _two_matrices("weight norm"),
                "weight_standardization": _two_matrices("weight standardization"),
            },
        ),
    )
}
"""All networks that read sequences by name, in the order in which they are offered."""

ALL_NETWORKS: dict[str, Network] = {**NETWORKS, **SEQUENCE_NETWORKS}
ALL_DATASETS: dict[str, Dataset] = {**DATASETS, **SEQUENCE_DATASETS}
