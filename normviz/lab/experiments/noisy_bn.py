"""Noisy batch norm: a race on the training samples, and how the activations wander meanwhile.

Everything in a frame belongs to the weights after ``step`` updates.  The accuracy is that of the first
training samples in train mode, by batches of the training's size, noise included; the moments are those of
the batch that is trained on next, as it passes.

Legend: V variants, S seeds, M = V·S members, L hidden layers, C units.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Frame, Schema
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.moments import Moments
from normviz.lab.experiments.noisy_bn_notes import Notes
from normviz.lab.experiments.seeds import over_seeds
from normviz.lab.norms import Noise
from normviz.specs import noisy_bn_frames as recorded
from normviz.specs.noisy_bn import SAMPLES, NoisyBN

Arrays = dict[str, NDArray[Any]]


def run(spec: NoisyBN) -> Iterator[Schema | Frame]:
    """Race the variants of ``spec``."""
    yield spec.schema()
    torch.set_num_threads(1)
    race, evaluated = Race(spec), set(spec.evaluated_steps)
    for step in range(spec.steps + 1):
        yield race.frame(step, step in evaluated)


class Race:
    """The stack of a run, and the frames made from it."""

    def __init__(self, spec: NoisyBN) -> None:
        self.spec = spec
        self.shape = len(recorded.VARIANTS), spec.seeds
        self.stack = stack(spec)
        self.moments = Moments(self.stack)
        self.notes = Notes(spec)
        splits = [self.stack.data(member) for member in range(len(self.stack.members))]
        self._x = torch.stack([split.x_train[:SAMPLES] for split in splits])
        self._y = torch.stack([split.y_train[:SAMPLES] for split in splits])
        self._before: Arrays = {}
        self._reached = np.full(self.shape, np.nan)

    def frame(self, step: int, evaluated: bool) -> Frame:
        """The frame of the weights after ``step`` updates; takes the next update as well."""
        accuracy = self._accuracy() if evaluated else None
        seen = self.stack.recorded_step(self.moments)
        diverged_at = self.stack.diverged_at.reshape(self.shape)
        alive = ~((diverged_at >= 0) & (diverged_at <= step))
        arrays = self._moments(seen, alive)
        arrays["diverged_at"] = np.where(alive, np.nan, diverged_at).astype("<f4")
        if accuracy is None:
            self.notes.see(arrays)
            return Frame(step, arrays)
        self._reached[np.isnan(self._reached) & alive & (accuracy >= recorded.TARGET)] = step
        arrays |= {
            "accuracy": np.where(alive, accuracy, np.nan).astype("<f4"),
            "accuracy_median": over_seeds(np.median, accuracy, alive),
            "reached": self._reached.astype("<f4"),
        }
        if step == self.spec.steps:
            arrays |= ended(self._reached, self.spec.steps)
        self.notes.see(arrays)
        return Frame(step, arrays, self.notes.at(step, arrays))

    def _accuracy(self) -> NDArray[np.float64]:
        """Share of the training samples that each member gets right in train mode, [V, S]."""
        logits = self.stack.logits(self._x, "train", self.spec.batch_size)
        right = (logits.argmax(-1) == self._y[:, : logits.shape[1]]).double().mean(1)
        shares: NDArray[np.float64] = right.numpy().reshape(self.shape)
        return shares

    def _moments(self, seen: Arrays, alive: NDArray[np.bool_]) -> Arrays:
        mean_VSLC, sd_VSLC = (
            seen[name].reshape(*self.shape, *seen[name].shape[1:]) for name in ("mean", "sd")
        )
        first_mean = np.where(alive[:, :1, None], mean_VSLC[:, 0, :, : recorded.UNITS].swapaxes(1, 2), np.nan)
        first_mean = first_mean.swapaxes(1, 2)
        first_sd = sd_VSLC[:, 0, :, 0]
        shift = np.full((*self.shape, self.spec.depth), np.nan)
        if self._before:
            shift = moved(self._before["mean"], mean_VSLC, self._before["sd"])
        self._before = {"mean": mean_VSLC, "sd": sd_VSLC}
        return {
            "unit_mean": first_mean.astype("<f4"),
            "unit_low": (first_mean[:, :, 0] - first_sd).astype("<f4"),
            "unit_high": (first_mean[:, :, 0] + first_sd).astype("<f4"),
            "shift": over_seeds(np.median, shift, alive),
        }


def ended(reached_VS: NDArray[Any], steps: int) -> Arrays:
    """Who was first at the target, with every seed before every one of the other, and the median arrivals."""
    arrived = np.where(np.isfinite(reached_VS), reached_VS, np.inf)
    noisy, plain = (arrived[recorded.VARIANTS.index(name)] for name in ("noisy_batch", "none"))
    first = 0 if noisy.max() < plain.min() else 1 if plain.max() < noisy.min() else 2
    medians = np.median(np.minimum(arrived, steps), 1)
    return {"first": np.array([first], "<f4"), "arrival": medians.astype("<f4")}


def moved(before: NDArray[Any], after: NDArray[Any], sd: NDArray[Any]) -> NDArray[np.float64]:
    """How far the units' means moved in one step, in standard deviations: √Σ(Δmean)² / √Σ sd².

    Shapes: each [..., C] -> [...].
    """
    change = np.square(after.astype(np.float64) - before).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift: NDArray[np.float64] = np.sqrt(change / np.square(sd.astype(np.float64)).sum(-1))
    return shift


def stack(spec: NoisyBN) -> Stack:
    """The members of a spec, variant by variant."""
    plan = Plan(depth=spec.depth, width=spec.width, activation=spec.activation)
    noise = Noise(spec.shift, spec.stretch, spec.spread)
    kinds = {"none": ("none", None), "batch": ("batch", None), "noisy_batch": ("batch", noise)}
    members = [
        Member(norm, seed, spec.lr, spec.gain, noise=own)
        for norm, own in (kinds[variant] for variant in recorded.VARIANTS)
        for seed in spec.seed_values
    ]
    return Stack(plan, members, batch_size=spec.batch_size)
