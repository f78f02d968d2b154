"""The transformer: attention and feed-forward blocks around a residual stream, pre-norm or post-norm.

Legend: E members, N samples, T steps, R = N·T tokens, D width, H heads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from normviz.catalog.networks import padded
from normviz.catalog.sequences import EXPANSION, HEADS
from normviz.lab import norms
from normviz.lab.nets.layers import ACTIVATIONS, Block, Dropout, Linear, Tape
from normviz.lab.nets.sequences import SequenceNet, existing, tell, token_norm
from normviz.lab.norms import Norm

_OVER_TIME = ("group", "instance")
"""Norms that average each sample over its steps as well."""


class Sublayer(nn.Module):
    r"""One half of a layer, with its norm and the residual connection around it.

    ``placement`` "before" (pre-norm): $x+F(\mathrm{norm}(x))$; "after" (post-norm): $\mathrm{norm}(x+F(x))$.
    ``inner`` is the first linear map of F, ``layer`` the last one.

    Source: Vaswani et al. 2017, arXiv:1706.03762 (post-norm); Xiong et al. 2020, arXiv:2002.04745.
    """

    def __init__(self, inner: Linear, layer: Linear, norm: Norm, placement: str) -> None:
        super().__init__()
        self.inner, self.layer, self.norm, self.placement = inner, layer, norm, placement

    def transform(self, x_ERD: Tensor, steps: int, unseen: Tensor) -> Tensor:
        """F(x), [E, R, D]; ``unseen`` says which steps attention leaves out, see `Transformer.unseen`."""
        raise NotImplementedError

    def forward(
        self,
        x: Tensor,
        steps: int,
        unseen: Tensor,
        exists: Tensor | None,
        tape: Tape | None,
        dropout: Dropout | None,
    ) -> Tensor:
        """[E, R, D] -> [E, R, D]."""
        before = self.placement == "before"
        entering = x
        if before:
            leaving = normalized(self.norm, entering, steps, exists)
            added = self.transform(leaving, steps, unseen)
        else:
            added = self.transform(x, steps, unseen)
        if dropout is not None and dropout.p and self.training:
            added = dropout(added)
        y = x + added
        if not before:
            entering = y
            y = leaving = normalized(self.norm, entering, steps, exists)
        if tape is not None:
            y = _record(tape, steps, added, entering, leaving, y)
        return y


class Attention(Sublayer):
    """Multi-head attention; causal: each step attends to itself and to those before it.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; torch.nn.MultiheadAttention.
    """

    def transform(self, x_ERD: Tensor, steps: int, unseen: Tensor) -> Tensor:
        """softmax(q·kᵀ/√(D/H))·v of each head, then one linear map."""
        members, rows, width = x_ERD.shape
        shape = members, rows // steps, steps, 3, HEADS, width // HEADS
        # [3, E, N, H, T, D/H]; laid out anew, since a batch of products wants its matrices one by one.
        q, k, v = self.inner(x_ERD).view(shape).permute(3, 0, 1, 4, 2, 5).contiguous().flatten(1, 3)
        scores = torch.bmm(q * (width // HEADS) ** -0.5, k.mT)
        mixed = torch.bmm(scores.masked_fill(unseen, -math.inf).softmax(-1), v)
        mixed = mixed.view(members, rows // steps, HEADS, steps, width // HEADS).transpose(2, 3)
        out: Tensor = self.layer(mixed.reshape(members, rows, width))
        return out


class FeedForward(Sublayer):
    """Two linear maps with an activation between them, for each step by itself."""

    activation = "relu"

    def transform(self, x_ERD: Tensor, steps: int, unseen: Tensor) -> Tensor:
        """W₂·φ(W₁·x)."""
        out: Tensor = self.layer(ACTIVATIONS[self.activation](self.inner(x_ERD)))
        return out


class Transformer(SequenceNet):
    """``depth`` layers of attention and feed-forward around a residual stream of ``width`` channels.

    Inputs are embedded by a linear map, with sinusoidal positions added to it.  With pre-norm one more norm
    stands before the head, as usual.  With causal attention no step that exists attends to the padding, which
    stands behind the end; without, attention leaves the padding out (torch's src_key_padding_mask).  Dropout
    acts on what each sublayer adds, with masks [N·T, D].

    Shapes: x [E, N, C, T] -> logits [E, N, classes].
    Source: torch.nn.TransformerEncoderLayer, with ``norm_first`` for pre-norm.
    """

    def __init__(
        self,
        members: int,
        shape: tuple[int, ...],
        classes: int,
        depth: int,
        width: int,
        norm: str,
        activation: str,
        placement: str,
        options: Mapping[str, Any],
        causal: bool = True,
    ) -> None:
        def own_norm() -> Norm:
            return _norm(norm, members, width, shape[1], options)

        sublayers: list[Sublayer] = []
        for _ in range(depth):
            attention = Linear(members, width, 3 * width), Linear(members, width, width)
            hidden = EXPANSION * width
            forward = Linear(members, width, hidden), Linear(members, hidden, width)
            sublayers.append(Attention(*attention, own_norm(), placement))
            sublayers.append(FeedForward(*forward, own_norm(), placement))
            cast(FeedForward, sublayers[-1]).activation = activation
        # A sublayer is to the engine what a block is: a layer, its norm, and an entry on the tape.
        super().__init__(cast(Sequence[Block], sublayers), Linear(members, width, padded(classes)), classes)
        self.causal = causal
        self.embedding = Linear(members, shape[0] - 1, width)
        self.last_norm = own_norm() if placement == "before" else None

    @property
    def layers(self) -> list[Any]:
        """Every layer with weights but the head, from input to output."""
        inner = [one for block in self.blocks for one in (cast(Any, block).inner, block.layer)]
        return [self.embedding, *inner]

    @property
    def norms(self) -> list[Norm]:
        """The norm of each sublayer, and the one before the head."""
        return [*super().norms, *([self.last_norm] if self.last_norm is not None else [])]

    def states(self, x: Tensor, tape: Tape | None = None, dropout: Dropout | None = None) -> Tensor:
        """The residual stream at every step, as the head sees it, [E, N, T, D]."""
        members, samples, _, steps = x.shape
        exists = existing(x).flatten(1) if self.masked else None
        unseen = self.unseen(x)
        tokens = x[:, :, :-1].transpose(2, 3).reshape(members, samples * steps, -1)
        stream = self.embedding(tokens)
        stream = stream + positions(steps, stream.shape[2], x).repeat(samples, 1)
        for sublayer in self.blocks:
            stream = cast(Any, sublayer)(stream, steps, unseen, exists, tape, dropout)
        if self.last_norm is not None:
            stream = normalized(self.last_norm, stream, steps, exists)
        by_step: Tensor = stream.view(members, samples, steps, -1)
        return by_step

    def unseen(self, x: Tensor) -> Tensor:
        """Steps that get no attention: the future of each step, [T, T], or the padding, [E·N·H, 1, T]."""
        if self.causal:
            steps = x.shape[3]
            return torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu_(1)
        return (~existing(x)).flatten(0, 1).repeat_interleave(HEADS, 0).unsqueeze(1)


def positions(steps: int, width: int, like: Tensor) -> Tensor:
    """Sinusoidal positions, [T, D]: sin and cos of t/10000^(2i/D) side by side.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    """
    rates = torch.arange(0, width, 2, dtype=torch.float64).div_(-width).mul_(math.log(1e4)).exp_()
    angles = torch.arange(steps, dtype=torch.float64)[:, None] * rates
    return torch.stack((angles.sin(), angles.cos()), 2).flatten(1).to(like)


def normalized(norm: Norm, x_ERD: Tensor, steps: int, exists: Tensor | None) -> Tensor:
    """Tokens normalized: each by itself, or over the batch, or each sample over its steps."""
    tell(norm, exists, steps)
    if not isinstance(norm, norms.GroupNorm | norms.InstanceNorm):
        y: Tensor = norm(x_ERD)
        return y
    return _tokens(norm(_by_time(x_ERD, steps)))


def _by_time(x_ERD: Tensor, steps: int) -> Tensor:
    """[E, R, D] -> [E, N, D, T]."""
    return x_ERD.view(len(x_ERD), -1, steps, x_ERD.shape[2]).transpose(2, 3)


def _tokens(x_ENDT: Tensor) -> Tensor:
    return x_ENDT.transpose(2, 3).flatten(1, 2).contiguous()


def _record(tape: Tape, steps: int, added: Tensor, entering: Tensor, leaving: Tensor, y: Tensor) -> Tensor:
    """Put a sublayer on the tape (what it adds stands for its activation); returns the output to use."""
    shown = [_by_time(one, steps) for one in (added, entering, added, y)]
    for kept, one in zip((tape.weighted, tape.entering, tape.activated, tape.outputs), shown, strict=True):
        kept.append(one)
    tape.leaving.append(tape.entering[-1] if leaving is entering else _by_time(leaving, steps))
    return _tokens(tape.outputs[-1])


def _norm(name: str, members: int, width: int, steps: int, options: Mapping[str, Any]) -> Norm:
    spatial = (steps,) if name in _OVER_TIME else ()
    return token_norm("transformer", name, members, width, spatial, options)
