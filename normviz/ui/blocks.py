"""The building blocks that the article names, each with the page on which it runs here."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from normviz.specs.anatomy import Anatomy
from normviz.specs.batch_size import BatchSize
from normviz.specs.sequences import Sequences
from normviz.specs.train import Train
from normviz.ui.doors import Door
from normviz.ui.words import _


@dataclass(frozen=True)
class Block:
    """One building block, in the visitor's language (Markdown), and where it is."""

    words: str
    door: Door


CONVOLUTIONS = Train(
    network="cnn", dataset="shapes", depth=3, channels=64, lr=0.1, batch_size=32, steps=50, seeds=1,
    norms=("none", "batch"),
)  # fmt: skip
"""The article's three ConvBlocks on colour pictures; wide as they are, for a few steps alone."""


def blocks() -> tuple[Block, ...]:
    """All of them, in the article's order."""
    return (
        Block(
            _("`ConvBlock`: convolution, norm, ReLU; three in a row, 3 → 64 → 128 → 256 channels"),
            Door("train", _("Train: three ConvBlocks on colour pictures"), CONVOLUTIONS),
        ),
        Block(
            _("`MLPBlock`: linear layer, norm, activation"),
            Door("train", _("Train: an MLP of such blocks"), Train()),
        ),
        Block(
            _("`BatchNorm1d` and `BatchNorm2d`"),
            Door("anatomy", _("Anatomy: batch norm, in 1d as well"), Anatomy(norm="batch")),
        ),
        Block("`LayerNorm`", Door("anatomy", _("Anatomy: layer norm"), Anatomy(norm="layer"))),
        Block("`GroupNorm`", Door("anatomy", _("Anatomy: group norm"), Anatomy(norm="group"))),
        Block(
            _("Batch renormalization"),
            Door("batch-size", _("Batch size: down to two samples"), BatchSize()),
        ),
        Block(
            _("Filter response norm"),
            Door("batch-size", _("Batch size: in a CNN"), BatchSize(network="cnn")),
        ),
        Block(
            _("Dropout, as the comparison"),
            Door("train", _("Train: with dropout 0.3"), Train(dropout=0.3)),
        ),
        Block(
            _("Blocks of an RNN and of a transformer"),
            Door("sequences", _("Sequences: both of them"), Sequences()),
        ),
    )


def draw() -> None:
    """A row for each."""
    for block in blocks():
        told, door = st.columns(2, vertical_alignment="center")
        told.markdown(block.words)
        with door:
            block.door.draw()
