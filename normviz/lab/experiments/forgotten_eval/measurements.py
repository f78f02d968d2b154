"""Measurements on trained networks: what they answer in either mode.

Everything here leaves the stack as it found it, except `damage` and what its name says.

Legend: S members (one for each seed), N test samples, L layers, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.lab.engine import Mode, Stack
from normviz.lab.randoms import generator
from normviz.specs.forgotten_eval_frames import CHANNELS, DRAWS

Values = NDArray[np.float64]
Labels = NDArray[np.int64]

Order = Labels | str | None
"""Indices of test samples for each member [S, N], "sorted" (by class), or nothing: as they were split."""

UNKNOWN = -1
"""In place of a label that was not predicted: the sample was in an incomplete batch."""
SURE = 0.9
"""Probability from which on the network counts as nearly sure."""


class Orders:
    """Random orders of every member's test samples, each seed's from its own generator."""

    def __init__(self, stack: Stack) -> None:
        self._sources = [generator(member.seed, "trials") for member in stack.members]
        self._n = stack.test_labels().shape[1]

    def next(self) -> Labels:
        """A fresh order for each member, [S, N]."""
        return np.stack([torch.randperm(self._n, generator=source).numpy() for source in self._sources])

    def draw(self, count: int, without: int) -> Labels:
        """``count`` different test samples, never ``without``, for each member, [S, count]."""
        return np.stack([order[order != without][:count] for order in self.next()])


def error(stack: Stack, mode: Mode = "eval", batch_size: int | None = None, order: Order = None) -> Values:
    """Test error of every member in percent, [S]."""
    return 100 * np.asarray(stack.test_error(mode, batch_size, order))


def error_on(
    stack: Stack,
    domain: Callable[[torch.Tensor], torch.Tensor],
    mode: Mode = "eval",
    batch_size: int | None = None,
) -> Values:
    """Test error in percent, [S], on the test samples as ``domain`` changes them; NaN once diverged."""
    x = torch.stack([stack.data(member).x_test for member in range(len(stack.members))])
    logits = stack.logits(domain(x), mode, batch_size)
    chosen = logits.argmax(-1).cpu().numpy()
    errors = 100 * (chosen != stack.test_labels()[:, : chosen.shape[1]]).mean(1)
    finite = np.isfinite(logits.sum((1, 2)).cpu().numpy())
    return np.where(finite, errors, np.nan)


def refusal(stack: Stack) -> str:
    """What torch says to a batch of one in training mode; empty if it says nothing."""
    try:
        stack.logits([0], "train", batch_size=1)
    except ValueError as error:
        return str(error)
    return ""


# --- labels that change --------------------------------------------------------------------------


@dataclass(frozen=True)
class Flips:
    """Labels of every test sample in several random batches.

    Shapes: evaluated, sureness [S, N]; drawn [DRAWS, S, N], `UNKNOWN` where the batch was incomplete.
    """

    evaluated: Labels
    """Labels in eval mode."""
    sureness: Values
    """Probability of that label."""
    drawn: Labels

    @property
    def changing(self) -> NDArray[np.bool_]:
        """Samples that got more than one label, of those that got one in every draw, [S, N]."""
        changes: NDArray[np.bool_] = (self.drawn != self.drawn[0]).any(0)
        return changes & self.complete

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Samples with a label in every draw, [S, N]."""
        complete: NDArray[np.bool_] = (self.drawn != UNKNOWN).all(0)
        return complete

    @property
    def share(self) -> Values:
        """Share of the samples whose label depends on the draw, in percent, [S]."""
        return np.asarray(100 * self.changing.sum(1) / self.complete.sum(1))

    def chosen(self, member: int, count: int) -> Labels:
        """The first ``count`` test samples of a member whose label changes; fewer if there are fewer."""
        return np.flatnonzero(self.changing[member])[:count]

    def unsteadiest(self, member: int, true: Labels) -> int:
        """The test sample to which a member gives the most different labels.

        Only samples that it gets right in eval mode; those of which it is then nearly sure go before others.
        The first of several; the first of all where no label changes.  ``true`` are the right labels, [N].
        """
        right = [
            one for one in np.flatnonzero(self.changing[member]) if self.evaluated[member, one] == true[one]
        ]

        def unsteady(one: int) -> tuple[bool, int]:
            return bool(self.sureness[member, one] > SURE), len(set(self.drawn[:, member, one]))

        return max(map(int, right), key=unsteady, default=0)


def flips(stack: Stack, batch_size: int, orders: Orders) -> Flips:
    """Predict every test sample in `DRAWS` random batches of ``batch_size``, in training mode."""
    sureness, evaluated = (one.cpu().numpy() for one in stack.logits().double().softmax(-1).max(-1))
    drawn = np.full((DRAWS, *evaluated.shape), UNKNOWN, np.int64)
    for labels in drawn:
        order = orders.next()
        predicted = stack.logits(order, "train", batch_size).argmax(-1).cpu().numpy()
        np.put_along_axis(labels, order[:, : predicted.shape[1]], predicted, 1)
    return Flips(evaluated, sureness, drawn)


def probabilities(stack: Stack, sample: int, mates: Labels) -> Values:
    """Probabilities [classes] of one test sample of the first member among its ``mates`` [S, n]."""
    batch = np.concatenate((np.full((len(mates), 1), sample), mates), 1)
    logits = stack.logits(batch, "train", batch.shape[1])[0, 0]
    return np.asarray(logits.double().softmax(0).cpu().numpy())


# --- statistics ----------------------------------------------------------------------------------


def batch_statistics(stack: Stack, order: Labels) -> tuple[Values, Values]:
    """Mean and biased variance by which each layer of the first member normalizes a batch, [L, C] each.

    They are those of the first `CHANNELS` channels, over the batch and the picture.
    """
    entering = [layer[0].double() for layer in stack.trace(order, "train").entering]
    channels = [layer.transpose(0, 1).flatten(1)[:CHANNELS] for layer in entering]
    mean = np.stack([layer.mean(1).cpu().numpy() for layer in channels])
    var = np.stack([layer.var(1, correction=0).cpu().numpy() for layer in channels])
    return mean, var


def running_statistics(stack: Stack) -> tuple[Values, Values]:
    """Running mean and variance of the first member's first `CHANNELS` channels, [L, C] each."""
    layers = stack.statistics()
    return (
        np.stack([layer["mean"][0, :CHANNELS] for layer in layers]),
        np.stack([layer["var"][0, :CHANNELS] for layer in layers]),
    )


def damage(stack: Stack, batch_size: int, order: Order) -> None:
    """One pass over the test samples in training mode: nothing learns, the running statistics move."""
    stack.logits(stack.test_order(order), "train", batch_size, update=True)
