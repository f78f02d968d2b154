"""The network: a transformer

Attention and feed-forward blocks around a residual stream, with the norm before each block (pre-norm) or
after the sum of input and block (post-norm).  The last step that exists goes through a plain linear head.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.norms import normalization
from normviz.export.pieces.sequence_norms import SequenceBatchNorm
from normviz.export.pieces.settings import (
    ACTIVATION,
    CAUSAL,
    CLASSES,
    DEPTH,
    DROPOUT,
    DTYPE,
    HAS_BATCH_NORM,
    HEADS,
    MASKED,
    OVER_TIME,
    PLACEMENT,
    SHAPE,
    WIDTH,
)
from normviz.lab.nets.transformer import positions


def network(norm: str, seed: int, placement: str = PLACEMENT, depth: int = DEPTH) -> Transformer:
    """The network of one variant, initialized."""
    return Transformer(norm, seed, placement=placement, depth=depth).to(DTYPE)


class Transformer(nn.Module):
    """x [N, channels, steps], its last channel says which steps exist."""

    def __init__(self, norm: str, seed: int, placement: str = PLACEMENT, depth: int = DEPTH) -> None:
        super().__init__()
        draws = generator(seed, "initialization")
        if DROPOUT:
            masks = generator(seed, "dropout")
        self.embedding = drawn(nn.Linear(SHAPE[0] - 1, WIDTH), draws)
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            for block, inner, hidden in ((Attention, 3 * WIDTH, WIDTH), (FeedForward, 2 * WIDTH, 2 * WIDTH)):
                first = drawn(nn.Linear(WIDTH, inner), draws)
                last = drawn(nn.Linear(hidden, WIDTH), draws)
                self.blocks.append(block(first, last, normalization(norm, (WIDTH,)), placement))
                if DROPOUT:
                    self.blocks[-1].dropout = Dropout(DROPOUT, masks)
        self.head = drawn(nn.Linear(WIDTH, CLASSES), draws)
        self.last_norm = normalization(norm, (WIDTH,)) if placement == "before" else None

    def states(self, x: Tensor) -> Tensor:
        """The residual stream at every step, [N, steps, width]."""
        exists = x[:, -1] > 0.5
        stream: Tensor = self.embedding(x[:, :-1].mT)
        stream = stream + positions(x.shape[2], stream.shape[2], x)
        for block in self.blocks:
            stream = block(stream, exists)
        return stream if self.last_norm is None else normalized(self.last_norm, stream, exists)

    def forward(self, x: Tensor) -> Tensor:
        last = (x[:, -1] > 0.5).sum(1) - 1
        logits: Tensor = self.head(self.states(x)[torch.arange(len(x)), last])
        return logits


class Block(nn.Module):
    """What both kinds of block share: two linear maps, a norm, and the residual connection around them."""

    def __init__(self, inner: nn.Module, outer: nn.Module, norm: nn.Module, placement: str) -> None:
        super().__init__()
        self.inner, self.outer, self.norm, self.placement = inner, outer, norm, placement

    def added(self, x: Tensor, exists: Tensor) -> Tensor:
        """What the block adds to the stream."""
        raise NotImplementedError

    def forward(self, x: Tensor, exists: Tensor) -> Tensor:
        first = self.placement == "before"
        added = self.added(normalized(self.norm, x, exists) if first else x, exists)
        if DROPOUT:
            added = self.get_submodule("dropout")(added.flatten(0, 1)).view_as(x)
        return x + added if first else normalized(self.norm, x + added, exists)


class Attention(Block):
    """Multi-head attention."""

    def added(self, x: Tensor, exists: Tensor) -> Tensor:
        n, steps, width = x.shape
        q, k, v = self.inner(x).view(n, steps, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        scores = (q * (width // HEADS) ** -0.5) @ k.mT
        if CAUSAL:
            unseen = torch.ones(steps, steps, dtype=torch.bool).triu(1)  # the future of each step
        else:
            unseen = ~exists[:, None, None, :]  # the padding
        mixed = scores.masked_fill(unseen, -math.inf).softmax(-1) @ v
        y: Tensor = self.outer(mixed.transpose(1, 2).reshape(n, steps, width))
        return y


class FeedForward(Block):
    """Two linear maps with an activation between them, for each step by itself."""

    def added(self, x: Tensor, exists: Tensor) -> Tensor:
        y: Tensor = self.outer(ACTIVATION()(self.inner(x)))
        return y


def normalized(norm: nn.Module, x: Tensor, exists: Tensor) -> Tensor:
    """The stream [N, steps, width]: each step by itself, over the batch, or each sample over its steps."""
    if OVER_TIME and isinstance(norm, nn.GroupNorm | nn.InstanceNorm1d):
        by_time: Tensor = norm(x.mT)
        return by_time.mT
    tokens = x.flatten(0, 1)
    if HAS_BATCH_NORM and isinstance(norm, SequenceBatchNorm):
        if not MASKED:
            exists = torch.ones_like(exists)
        over_batch: Tensor = norm(tokens, exists.flatten(), 0).view_as(x)
        return over_batch
    y: Tensor = norm(tokens).view_as(x)
    return y
