"""Claims about what torch does, answered by asking it: 8 (a batch of one), 10 (sequences), 11 (sample code).

Legend: S seeds, N samples, C channels, T steps of a sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from normviz.lab import data, norms
from normviz.lab.experiments.claims.docket import Docket
from normviz.lab.norms.sequences import MaskedBatchNorm
from normviz.lab.randoms import generator, he_normal
from normviz.specs.claims_designs import CHANGES

CHANNELS, PASSES, PASSED = 16, 15, 64
"""Channels of the layers; training batches that settle their running statistics, and their size."""
SAMPLES, LENGTH, CUT = 8, 16, 8
"""Sequences of claim 10, their steps, and the step from which on something else is changed."""

_SAMPLE = "torch.randn(batch_size=32, features=128)"
_CORRECTED = "torch.randn(32, 128)"


def sample_code(docket: Docket) -> Iterator[None]:
    """11: the call as it is written in the article, and the corrected one."""
    for i, code in enumerate((_SAMPLE, _CORRECTED)):
        docket.put("c11_runs", runs(code), (0, i))
    docket.finish(11)
    yield


def runs(code: str) -> bool:
    """Whether one of the two calls above gives a tensor of 32 × 128."""
    try:
        made = eval(code, {"torch": torch})  # two constants above, run as they are printed
    except TypeError:
        return False
    return tuple(made.shape) == (32, 128)


# --- 8: a batch of one ----------------------------------------------------------------------------------


def batch_of_one(docket: Docket) -> Iterator[None]:
    """8: torch's own layers before and after eval(), on one digit."""
    for i, seed in enumerate(docket.spec.seed_values):
        for name, value in one_digit(seed)._asdict().items():
            docket.put(f"c8_{name}", value, i)
    docket.finish(8)
    yield


class OneDigit(NamedTuple):
    """What a batch of one does to torch's layers."""

    raised: bool
    """The MLP's batch norm raises in training mode."""
    works: bool
    """It works after eval()."""
    switched: bool
    """A layer has left training mode by itself."""
    gap: float
    """How far the output of the CNN's batch norm in training mode is from that after eval(), root mean square
    over root mean square."""
    untracked: bool
    """A batch norm that tracks no running statistics raises after eval() as well."""


def one_digit(seed: int) -> OneDigit:
    """Ask layers whose running statistics have settled."""
    split = data.load("digits", seed)
    source = generator(seed, "initialization")
    flat, picture = nn.Linear(64, CHANNELS, bias=False), nn.Conv2d(1, CHANNELS, 3, bias=False)
    with torch.no_grad():
        flat.weight.copy_(he_normal(CHANNELS, 64, 1.0, source))
        picture.weight.copy_(he_normal(CHANNELS, 9, 1.0, source).view_as(picture.weight))
        mlp = nn.Sequential(nn.Flatten(), flat, nn.BatchNorm1d(CHANNELS))
        cnn = nn.Sequential(picture, nn.BatchNorm2d(CHANNELS))
        for start in range(0, PASSES * PASSED, PASSED):
            batch = split.x_train[start : start + PASSED]
            mlp(batch)
            cnn(batch)
        one = split.x_test[:1]
        works = not raises(mlp.eval(), one)
        evaluated = cnn.eval()(one)  # first, since a pass in training mode would move the running statistics
        raised = raises(mlp.train(), one)
        trained = cnn.train()(one)
        switched = not (mlp.training and cnn.training)
        gap = float((trained - evaluated).norm() / evaluated.norm())
        untracked = nn.Sequential(nn.Flatten(), flat, nn.BatchNorm1d(CHANNELS, track_running_stats=False))
        return OneDigit(raised, works, switched, gap, raises(untracked.eval(), one))


def raises(net: nn.Module, x: Tensor) -> bool:
    """Whether a forward pass ends in torch's error about a single value per channel."""
    try:
        net(x)
    except ValueError:
        return True
    return False


# --- 10: sequences --------------------------------------------------------------------------------------


def sequences(docket: Docket) -> Iterator[None]:
    """10: what batch norm in training mode and layer norm make of a sequence when something else changes."""
    for i, seed in enumerate(docket.spec.seed_values):
        for n, normalize in enumerate((batch_norm, layer_norm)):
            for c, change in enumerate(CHANGES):
                docket.put("c10_change", moved(normalize, change, seed), (i, n, c))
        docket.put("c10_masked", moved(masked_batch_norm, "padding", seed), i)
        docket.put("c10_evaluated", max(moved(evaluated_batch_norm, change, seed) for change in CHANGES), i)
    docket.finish(10)
    yield


def batch_norm(x_NTC: Tensor) -> Tensor:
    """Batch norm in training mode, over samples and steps."""
    norm = norms.build("batch", 1, x_NTC.shape[-1], (x_NTC.shape[1],))
    y: Tensor = norm(x_NTC.mT.unsqueeze(0))[0].mT
    return y


def masked_batch_norm(x_NTC: Tensor) -> Tensor:
    """Batch norm in training mode, over samples and their real steps; those behind `LENGTH` are padding."""
    samples, steps, channels = x_NTC.shape
    norm = MaskedBatchNorm(1, channels)
    norm.exists = (torch.arange(steps) < LENGTH).repeat(1, samples)
    y: Tensor = norm(x_NTC.reshape(1, samples * steps, channels))
    return y.reshape(x_NTC.shape)


def evaluated_batch_norm(x_NTC: Tensor) -> Tensor:
    """Batch norm after eval(), its running statistics those of other sequences."""
    channels = x_NTC.shape[-1]
    norm = norms.build("batch", 1, channels, (x_NTC.shape[1],))
    norm(1.0 + 2.0 * torch.randn(1, SAMPLES, channels, LENGTH, generator=generator(0, "trials")))
    y: Tensor = norm.eval()(x_NTC.mT.unsqueeze(0))[0].mT
    return y


def layer_norm(x_NTC: Tensor) -> Tensor:
    """Layer norm of each step."""
    norm = norms.build("layer", 1, x_NTC.shape[-1])
    y: Tensor = norm(x_NTC.unsqueeze(0))[0]
    return y


@torch.no_grad()
def moved(normalize: Callable[[Tensor], Tensor], change: str, seed: int) -> float:
    """Greatest change of what the first sequence's first half becomes, when something else changes.

    ``change``: "future", the second half of that sequence; "sample", all of another one; "padding", zeros
    appended to all.
    """
    source = generator(seed, "trials")
    x = torch.randn(SAMPLES, LENGTH, CHANNELS, generator=source)
    other = x.clone()
    if change == "future":
        other[0, CUT:] = torch.randn(LENGTH - CUT, CHANNELS, generator=source)
    elif change == "sample":
        other[1] = torch.randn(LENGTH, CHANNELS, generator=source)
    else:
        other = torch.nn.functional.pad(x, (0, 0, 0, LENGTH))
    return float((normalize(other)[0, :CUT] - normalize(x)[0, :CUT]).abs().max())
