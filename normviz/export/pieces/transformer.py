"""The network: a transformer

Attention and feed-forward blocks around a residual stream, with the norm before each block (pre-norm) or
after the sum of input and block (post-norm).  The last step that exists goes through a plain linear head.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.draws import generator
from normviz.export.pieces.dropout import Dropout
from normviz.export.pieces.initialization import drawn
from normviz.export.pieces.norms import GhostBatchNorm, normalization
from normviz.export.pieces.settings import (
    ACTIVATION,
    CAUSAL,
    CLASSES,
    DEPTH,
    DROPOUT,
    DTYPE,
    GHOST_SIZE,
    HAS_BATCH_NORM,
    HAS_GHOST_BATCHES,
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
            self.blocks.append(Block(attention, 3 * WIDTH, WIDTH, norm, draws, placement=placement))
            self.blocks.append(Block(activation, 2 * WIDTH, 2 * WIDTH, norm, draws, placement=placement))
        if DROPOUT:
            for block in self.blocks:
                block.dropout = Dropout(DROPOUT, masks)
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


Between = Callable[[Tensor, Tensor], Tensor]


class Block(nn.Module):
    """Two linear maps with something between them, a norm, and the residual connection around all that.

    The first map gives what is between them so many channels, the last one takes so many.
    """

    def __init__(
        self,
        between: Between,
        given: int,
        taken: int,
        norm: str,
        draws: torch.Generator,
        placement: str = PLACEMENT,
    ) -> None:
        super().__init__()
        self.inner, self.outer = drawn(nn.Linear(WIDTH, given), draws), drawn(nn.Linear(taken, WIDTH), draws)
        self.between, self.norm, self.placement = between, normalization(norm, (WIDTH,)), placement

    def forward(self, x: Tensor, exists: Tensor) -> Tensor:
        first = self.placement == "before"
        read = normalized(self.norm, x, exists) if first else x
        added: Tensor = self.outer(self.between(self.inner(read), exists))
        if DROPOUT:
            added = self.get_submodule("dropout")(added.flatten(0, 1)).view_as(x)
        return x + added if first else normalized(self.norm, x + added, exists)


def attention(x: Tensor, exists: Tensor) -> Tensor:
    """Multi-head attention of queries, keys and values, side by side in x [N, steps, 3·width]."""
    q, k, v = x.view(*x.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
    if CAUSAL:
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # no step sees its future
    else:
        mixed = F.scaled_dot_product_attention(q, k, v, exists[:, None, None, :])  # none sees the padding
    return mixed.transpose(1, 2).flatten(2)


def activation(x: Tensor, exists: Tensor) -> Tensor:
    """Each step by itself."""
    y: Tensor = ACTIVATION()(x)
    return y


def normalized(norm: nn.Module, x: Tensor, exists: Tensor) -> Tensor:
    """The stream [N, steps, width]: each step by itself, over the batch, or each sample over its steps."""
    if OVER_TIME and isinstance(norm, nn.GroupNorm | nn.InstanceNorm1d):
        by_time: Tensor = norm(x.mT)
        return by_time.mT
    if HAS_GHOST_BATCHES and isinstance(norm, GhostBatchNorm) and norm.training:  # parts of whole sequences
        parts = zip(torch.split(x, GHOST_SIZE), torch.split(exists, GHOST_SIZE), strict=True)
        return torch.cat([normalized(norm.norm, *part) for part in parts])
    if HAS_BATCH_NORM and MASKED:
        over_batch = x.clone()  # the padding stays as it is, and out of the statistics
        over_batch[exists] = norm(x[exists])
        return over_batch
    y: Tensor = norm(x.flatten(0, 1)).view_as(x)
    return y
