"""Claims whose networks train for some steps: 1 (covariate shift), 3 and 4 (rates), 5 (gains), 12 (depth).

All train by plain SGD in batches of `STEP_BATCH` digits.

Legend: S seeds, V variants, T steps, R learning rates, G gains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.lab import devices
from normviz.lab.dealt import Lot
from normviz.lab.engine import Member, Plan
from normviz.lab.experiments import signal
from normviz.lab.experiments.claims.docket import Docket
from normviz.lab.experiments.claims.jobs import Job, lot, race, right_after, rounds_of
from normviz.lab.norms import Noise
from normviz.specs import claims_designs as designs
from normviz.specs.claims import Claims
from normviz.specs.signal import Signal
from normviz.specs.signal_frames import growth

Values = NDArray[np.float64]

REACHED, TARGET = 0.9, 0.94
"""Share of right answers that claims 1 (of the training batch) and 3 (of the test digits) wait for."""
SMOOTHED = 5
"""Training batches over which claim 1 takes the mean."""


def job(depth: int, width: int, members: Sequence[Member]) -> Job:
    """Members of an MLP, in batches of `STEP_BATCH`."""
    return Job(Plan(depth=depth, width=width), members, designs.STEP_BATCH)


# --- 1: covariate shift ---------------------------------------------------------------------------------


def covariate_shift(docket: Docket) -> Iterator[None]:
    """1: gradients of fresh networks; then training with a random shift put back behind batch norm.

    Of the training: when it gets there, and how far the units' means move from step to step until then.
    """
    spec, seeds = docket.spec, docket.spec.seed_values
    docket.put("c1_growth", fresh_growth(seeds))
    docket.reach(0, spec.noisy_steps, 1)
    yield
    most = spec.noisy_steps
    seen = np.zeros((2, 0, len(designs.NOISES), len(seeds)))
    for told in docket.told:
        new = np.concatenate(told, 2)
        seen = np.concatenate((seen, new.reshape(2, -1, *seen.shape[2:])), 1)
        hits, shifts = seen
        taken = first_reached(hits, REACHED, most if len(hits) == most else None)
        docket.put("c1_steps", taken)
        docket.put("c1_shift", shift_until(shifts, taken[:, 0]))
        docket.reach(len(hits), most, 1)
        yield


def noisy_jobs(spec: Claims) -> Lot:
    """What trains for claim 1: the variants of `claims_designs.NOISES`."""
    noise = Noise(designs.NOISE.shift, designs.NOISE.stretch, designs.NOISE.spread)
    jobs = [
        job(
            designs.NOISY_DEPTH,
            spec.width,
            [Member(norm, seed, designs.NOISY_RATE, noise=own) for seed in spec.seed_values],
        )
        for norm, own in (("none", None), ("batch", None), ("batch", noise))
    ]
    return lot(jobs, rounds_of(spec.noisy_steps, designs.NOISY_EVERY), race)


def fresh_growth(seeds: Sequence[int]) -> Values:
    """Growth of the squared activation gradient per layer, without and with batch norm, [S, 2].

    The same as on the page Signal.
    """
    spec = Signal(
        norms=designs.PAIR, depth=designs.GROWTH_DEPTH, width=designs.GROWTH_WIDTH,
        batch_size=designs.GROWTH_BATCH,
    )  # fmt: skip
    batches = [signal.batch(spec, seed) for seed in seeds]
    x, y = (torch.stack(one) for one in zip(*batches, strict=True))
    x, y = x.to(devices.here()), y.to(devices.here())
    net = signal.network(spec, seeds)
    columns = []
    for norm in designs.PAIR:
        signal.normalize(net, norm, spec)
        seen = signal.measure(spec, net, x, y, histograms=False)["grad_activation"]
        columns.append([growth(row, "activation") for row in seen])
    return np.array(columns).T


def first_reached(hits_TVS: Values, target: float, never: int | None) -> Values:
    """The first step at which the mean of the last `SMOOTHED` batches reaches ``target``, [S, V].

    Who never does gets ``never``, or NaN while that is open.
    """
    sums = np.cumsum(np.concatenate((np.zeros_like(hits_TVS[:1]), hits_TVS)), 0)
    means = (sums[SMOOTHED:] - sums[:-SMOOTHED]) / SMOOTHED
    reached = means >= target - 1e-9
    steps = np.where(reached.any(0), reached.argmax(0) + SMOOTHED, np.nan if never is None else never)
    return np.asarray(steps.T, np.float64)


def shift_until(shifts_TVS: Values, taken_S: Values) -> Values:
    """Mean over the steps until the network without a norm is there, the same steps for all, [S, V].

    Later ones would make its own shift look small, since a network that has learned hardly moves.
    """
    steps = np.arange(len(shifts_TVS))[:, None, None]
    counted = np.isfinite(shifts_TVS) & ~(steps >= taken_S)
    sums = np.where(counted, shifts_TVS, 0.0).sum(0)
    return np.asarray((sums / np.maximum(counted.sum(0), 1)).T)


# --- 3 and 4: learning rates ----------------------------------------------------------------------------


def learning_rates(docket: Docket) -> Iterator[None]:
    """3 and 4: every rate without and with batch norm; when 94% are right, and how many at the end."""
    spec = docket.spec
    shape = len(designs.PAIR), len(designs.RATES), spec.seeds
    taken, step = np.full((shape[-1], *shape[:-1]), np.nan), 0
    for steps, told in zip(_rate_rounds(spec), docket.told, strict=True):
        step += steps
        right_SVR = np.moveaxis(np.concatenate(told).reshape(shape), -1, 0)
        taken[np.isnan(taken) & (right_SVR >= TARGET)] = step
        if step == spec.rate_steps:
            taken = np.where(np.isnan(taken), step, taken)
        docket.reach(step, spec.rate_steps, 3, 4)
        docket.put("c3_steps", taken)
        docket.put("c3_median", median_if_known(taken))
        docket.put("c4_accuracy", right_SVR)
        if step % designs.RATE_EVERY == 0 or step == spec.rate_steps:
            yield


def rate_jobs(spec: Claims) -> Lot:
    """What trains for claims 3 and 4."""
    members = [Member(norm, s, lr) for norm in designs.PAIR for lr in designs.RATES for s in spec.seed_values]
    jobs = [job(designs.RATE_DEPTH, spec.width, part) for part in _parts(members, 4)]
    return lot(jobs, _rate_rounds(spec), right_after)


def _rate_rounds(spec: Claims) -> list[int]:
    """Steps between two looks: fewer while the fast ones learn."""
    fine = rounds_of(min(designs.FINE_UNTIL, spec.rate_steps), designs.FINE_EVERY)
    return fine + rounds_of(spec.rate_steps - sum(fine), designs.RATE_EVERY)


def _parts(members: Sequence[Member], count: int) -> list[Sequence[Member]]:
    """Parts in their order, so that two or four cores have equally much to do."""
    cuts = [len(members) * i // count for i in range(count + 1)]
    return [members[start:stop] for start, stop in pairwise(cuts)]


def median_if_known(values_S: Values) -> Values:
    """Median over the seeds, those without a value after all others; NaN while that decides."""
    open_ = np.finfo(np.float64).max / 4
    median = np.median(np.where(np.isnan(values_S), open_, values_S), 0)
    return np.asarray(np.where(median < open_ / 4, median, np.nan))


# --- 5 and 12: gains and depths -------------------------------------------------------------------------


def gains(docket: Docket) -> Iterator[None]:
    """5: every gain of the initialization at two learning rates."""
    spec = docket.spec
    shape = len(designs.PAIR), len(designs.GAINS), len(designs.GAIN_RATES), spec.seeds
    for step, told in zip(np.cumsum(_gain_rounds(spec)), docket.told, strict=True):
        right_SVGR = np.moveaxis(np.concatenate(told).reshape(shape), -1, 0)
        docket.put("c5_accuracy", right_SVGR)
        docket.put("c5_best", at_better_rate(right_SVGR))
        docket.reach(int(step), spec.steps, 5)
        yield


def gain_jobs(spec: Claims) -> Lot:
    """What trains for claim 5."""
    none, batch = (
        [
            [Member(norm, seed, lr, gain) for lr in designs.GAIN_RATES for seed in spec.seed_values]
            for gain in designs.GAINS
        ]
        for norm in designs.PAIR
    )
    halves = _parts([member for own in batch for member in own], 2)
    # Without a norm each gain by itself: at high ones all diverge at once, and nothing is left to train.
    jobs = [job(designs.GAIN_DEPTH, spec.width, part) for part in (*none, *halves)]
    return lot(jobs, _gain_rounds(spec), right_after)


def _gain_rounds(spec: Claims) -> list[int]:
    return rounds_of(spec.steps, designs.GAIN_EVERY)


def depths(docket: Docket) -> Iterator[None]:
    """12: plain networks of every depth at two learning rates."""
    spec = docket.spec
    shape = len(designs.DEPTHS), len(designs.PAIR), len(designs.DEPTH_RATES), spec.seeds
    for step, told in zip(np.cumsum(_depth_rounds(spec)), docket.told, strict=True):
        right_SVDR = np.moveaxis(np.concatenate(told).reshape(shape), (0, -1), (2, 0))
        docket.put("c12_accuracy", right_SVDR)
        docket.put("c12_best", at_better_rate(right_SVDR))
        docket.reach(int(step), spec.steps, 12)
        yield


def depth_jobs(spec: Claims) -> Lot:
    """What trains for claim 12."""
    jobs = [
        job(
            depth,
            spec.width // 2,
            [Member(norm, seed, lr) for lr in designs.DEPTH_RATES for seed in spec.seed_values],
        )
        for depth in designs.DEPTHS
        for norm in designs.PAIR
    ]
    return lot(jobs, _depth_rounds(spec), right_after)


def _depth_rounds(spec: Claims) -> list[int]:
    return rounds_of(spec.steps, designs.DEPTH_EVERY)


def at_better_rate(right: Values) -> Values:
    """Of every variant (and gain or depth) at the learning rate that is better in the mean over the seeds.

    Shapes: [S, ..., R] -> [S, ...].
    """
    better = right.mean(0).argmax(-1)
    return np.asarray(np.take_along_axis(right, better[None, ..., None], -1)[..., 0])
