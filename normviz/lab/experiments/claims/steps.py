"""Claims whose networks train for some steps: 1 (covariate shift), 3 and 4 (rates), 5 (gains), 12 (depth).

All train by plain SGD in batches of `STEP_BATCH` digits.  A network that diverged gets everything wrong.

Legend: S seeds, R learning rates, G gains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments import signal
from normviz.lab.experiments.claims.docket import Docket
from normviz.lab.randoms import generator
from normviz.specs import claims_designs as designs
from normviz.specs.signal import Signal
from normviz.specs.signal_frames import growth

Values = NDArray[np.float64]

REACHED, TARGET = 0.9, 0.94
"""Share of right answers that claims 1 (of the training batch) and 3 (of the test digits) wait for."""
SMOOTHED = 5
"""Training batches over which claim 1 takes the mean."""


def accuracies(stack: Stack, *shape: int) -> Values:
    """Share of test digits that are right, variants first in ``shape``, with the seeds moved to the front."""
    right = 1.0 - np.nan_to_num(stack.test_error(), nan=1.0)
    return np.asarray(np.moveaxis(right.reshape(*shape, -1), -1, 0))


# --- 1: covariate shift ---------------------------------------------------------------------------------


def covariate_shift(docket: Docket) -> Iterator[None]:
    """1: gradients of fresh networks; then training with a shift put back behind batch norm."""
    spec = docket.spec
    docket.put("c1_growth", fresh_growth(spec.seed_values))
    yield
    seeds, most = spec.seed_values, spec.steps
    plain = shallow(spec.width, seeds, designs.PAIR)
    noisy = shallow(spec.width, seeds, ("batch",))
    for layer, norm in enumerate(noisy.groups[0].net.norms):
        norm.register_forward_hook(Shift(seeds, layer))
    history = np.zeros((0, len(designs.NOISES), len(seeds)))
    for step in range(1, most + 1):
        plain.step()
        noisy.step()
        now = np.concatenate((plain.accuracy, noisy.accuracy)).reshape(1, len(designs.NOISES), -1)
        history = np.concatenate((history, np.nan_to_num(now)))
        if step % designs.NOISY_EVERY == 0 or step == most:
            docket.put("c1_steps", first_reached(history, REACHED, most if step == most else None))
            if step == most:
                docket.finish(1)
            yield


def fresh_growth(seeds: Sequence[int]) -> Values:
    """Growth of the squared activation gradient per layer, without and with batch norm, [S, 2].

    The same as on the page Signal.
    """
    spec = Signal(
        norms=designs.PAIR, seed=seeds[0], seeds=1, depth=designs.GROWTH_DEPTH,
        width=designs.GROWTH_WIDTH, batch_size=designs.GROWTH_BATCH,
    )  # fmt: skip
    rows = []
    for seed in seeds:
        own = spec.replace(seed=seed)
        x, y = signal.batch(own, seed)
        seen = signal.look(own, range(1), x.unsqueeze(0), y.unsqueeze(0))["grad_activation"][:, 0]
        rows.append([growth(row, "activation") for row in seen])
    return np.array(rows)


def shallow(width: int, seeds: Sequence[int], norms: Sequence[str]) -> Stack:
    """The networks of claim 1."""
    members = [Member(norm, seed, designs.NOISY_RATE) for norm in norms for seed in seeds]
    return Stack(Plan(depth=designs.NOISY_DEPTH, width=width), members, batch_size=designs.STEP_BATCH)


class Shift:
    """A forward hook that shifts and scales what leaves a norm, each unit anew in every step.

    For each unit a mean m ~ U(-0.5, 0.5) and a scale s ~ U(1, 1.25) are drawn in every step; each sample is
    then scaled by N(s, 0.1) and shifted by U(m - 0.1, m + 0.1).

    Source: Santurkar et al. 2018, arXiv:1805.11604, section 2.1 and appendix (noise of non-zero mean and
    non-unit variance after batch norm).
    """

    def __init__(self, seeds: Sequence[int], layer: int) -> None:
        self._sources = [generator(seed, "trials") for seed in seeds]
        for source in self._sources:  # each layer has its own stream
            source.manual_seed(source.initial_seed() + 1_000_003 * (layer + 1))

    def __call__(self, norm: torch.nn.Module, inputs: object, y_ENC: Tensor) -> Tensor | None:
        """The shifted output in training mode; nothing, which leaves it as it is, in eval mode."""
        if not norm.training:
            return None
        _, n, c = y_ENC.shape
        drawn = [self._drawn(n, c, source) for source in self._sources]
        scale, shift = (torch.stack(one) for one in zip(*drawn, strict=True))
        return y_ENC * scale + shift

    def _drawn(self, n: int, c: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
        mean, scale = torch.rand(c, generator=source) - 0.5, 1.0 + 0.25 * torch.rand(c, generator=source)
        own = 0.2 * torch.rand(n, c, generator=source) - 0.1
        return scale + 0.1 * torch.randn(n, c, generator=source), mean + own


def first_reached(history_TVS: Values, target: float, never: int | None) -> Values:
    """The first step at which the mean of the last `SMOOTHED` batches reaches ``target``, [S, V].

    Who never does gets ``never``, or NaN while that is open.
    """
    sums = np.cumsum(np.concatenate((np.zeros_like(history_TVS[:1]), history_TVS)), 0)
    means = (sums[SMOOTHED:] - sums[:-SMOOTHED]) / SMOOTHED
    reached = means >= target - 1e-9
    steps = np.where(reached.any(0), reached.argmax(0) + SMOOTHED, np.nan if never is None else never)
    return np.asarray(steps.T, np.float64)


# --- 3 and 4: learning rates ----------------------------------------------------------------------------


def learning_rates(docket: Docket) -> Iterator[None]:
    """3 and 4: every rate without and with batch norm; when 94% are right, and what is at the end."""
    spec, seeds = docket.spec, docket.spec.seed_values
    shape = len(designs.PAIR), len(designs.RATES)
    members = [Member(norm, seed, lr) for norm in designs.PAIR for lr in designs.RATES for seed in seeds]
    stack = Stack(Plan(depth=designs.RATE_DEPTH, width=spec.width), members, batch_size=designs.STEP_BATCH)
    taken = np.full((len(seeds), *shape), np.nan)
    for start in range(0, spec.rate_steps, designs.RATE_EVERY):
        stop = min(start + designs.RATE_EVERY, spec.rate_steps)
        pace = designs.FINE_EVERY if stop <= designs.FINE_UNTIL else designs.RATE_EVERY
        for step in range(start, stop, pace):
            stack.step(min(pace, stop - step))
            right = accuracies(stack, *shape)
            taken[np.isnan(taken) & (right >= TARGET)] = min(step + pace, stop)
        if stop == spec.rate_steps:
            taken = np.where(np.isnan(taken), spec.rate_steps, taken)
            docket.finish(3, 4)
        docket.put("c3_steps", taken)
        docket.put("c3_median", median_if_known(taken))
        docket.put("c4_accuracy", right)
        yield


def median_if_known(values_S: Values) -> Values:
    """Median over the seeds once more than half of them have a value, else NaN."""
    known = np.where(np.isnan(values_S), np.inf, values_S)
    median = np.median(np.where(np.isinf(known), 1e9, known), 0)
    return np.asarray(np.where(median < 1e8, median, np.nan))


# --- 5 and 12: gains and depths -------------------------------------------------------------------------


def gains(docket: Docket) -> Iterator[None]:
    """5: every gain of the initialization at two learning rates."""
    spec = docket.spec
    shape = len(designs.PAIR), len(designs.GAINS), len(designs.GAIN_RATES)
    members = [
        Member(norm, seed, lr, gain)
        for norm in designs.PAIR
        for gain in designs.GAINS
        for lr in designs.GAIN_RATES
        for seed in spec.deep_seeds
    ]
    stack = Stack(Plan(depth=designs.GAIN_DEPTH, width=spec.width), members, batch_size=designs.STEP_BATCH)
    for start in range(0, spec.steps, designs.GAIN_EVERY):
        stack.step(min(designs.GAIN_EVERY, spec.steps - start))
        right = accuracies(stack, *shape)
        docket.put("c5_accuracy", right)
        docket.put("c5_best", at_better_rate(right))
        if start + designs.GAIN_EVERY >= spec.steps:
            docket.finish(5)
        yield


def depths(docket: Docket) -> Iterator[None]:
    """12: plain networks of every depth at two learning rates, in turn."""
    spec = docket.spec
    stacks = [deep(spec.width // 2, depth, spec.deep_seeds) for depth in designs.DEPTHS]
    for start in range(0, spec.steps, designs.DEPTH_EVERY):
        for d, stack in enumerate(stacks):
            stack.step(min(designs.DEPTH_EVERY, spec.steps - start))
            right = accuracies(stack, len(designs.PAIR), len(designs.DEPTH_RATES))
            docket.put("c12_accuracy", right, (slice(None), slice(None), d))
            docket.put("c12_best", at_better_rate(right), (..., d))
            if start + designs.DEPTH_EVERY >= spec.steps and d == len(stacks) - 1:
                docket.finish(12)
            yield


def deep(width: int, depth: int, seeds: Sequence[int]) -> Stack:
    """The networks of claim 12 of one depth."""
    members = [
        Member(norm, seed, lr) for norm in designs.PAIR for lr in designs.DEPTH_RATES for seed in seeds
    ]
    return Stack(Plan(depth=depth, width=width), members, batch_size=designs.STEP_BATCH)


def at_better_rate(right: Values) -> Values:
    """Of every variant (and gain) at the learning rate that is better in the mean over the seeds.

    Shapes: [S, ..., R] -> [S, ...].
    """
    better = right.mean(0).argmax(-1)
    return np.asarray(np.take_along_axis(right, better[None, ..., None], -1)[..., 0])
