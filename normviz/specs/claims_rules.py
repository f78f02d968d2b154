"""How a claim is judged: pure functions from measured numbers to a verdict.

The rules are stated in words in `normviz.catalog.claims`; the verdicts are `VERDICTS` there.  Nothing here
knows where the numbers come from, so other numbers would get other verdicts.

Legend: arrays have the seeds first, then what `normviz.specs.claims_frames.evidence` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.specs.claims_designs import DEPTHS, GAINS, PAIR, RATES, SIZES, SMALL
from normviz.specs.mean_field import batch_norm_growth
from normviz.specs.spreads import spread

Values = NDArray[Any]
Evidence = Mapping[str, Values]

TRAINED, LEARNED = 0.9, 0.8
"""Share of right answers from which on a network is trained (claims 4 and 5), a depth learned (12)."""
FASTER = 2.0
"""How many times fewer steps claim 3 promises at least."""
ROUNDING = 1e-5
"""Change of a normalized value below which it is rounding (claim 10, of sums with padding and without)."""
UNSTABLE = 5.0
"""Percentage points above the better of group and layer norm at which batch norm fails (claim 7)."""

_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5% quantiles of Student's t for 1 to 9 degrees of freedom."""


@dataclass(frozen=True)
class Judgement:
    """A verdict, the finding behind it (the name of a sentence), and the numbers that both rest on.

    ``evidence``: numbers and texts by name; what is statistical as {"mean", "sd", "seeds"}.
    """

    verdict: str
    finding: str
    evidence: dict[str, Any] = field(default_factory=dict)
    counter: str = ""
    """Name of the sentence that says what speaks against the verdict, or where it ends; "" for none."""
    doubts: tuple[str, ...] = ()
    """Names of the sentences that say where the spread of the seeds reaches over the line of the rule."""


@dataclass(frozen=True)
class Interval:
    """Mean and 95% confidence interval of the mean, of independent values that are about normal."""

    mean: float
    low: float
    high: float


def interval(values: Values) -> Interval:
    """Student's interval of the mean: mean ± t·SD/√n.

    Shapes: [S], 2 to 10 of them.
    """
    wide = np.asarray(values, np.float64)
    mean, n = float(wide.mean()), len(wide)
    half = _T[n - 2] * float(wide.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def judge(number: int, values: Evidence) -> Judgement:
    """The verdict on a claim from its complete arrays; a settled one says if nothing speaks against it."""
    judged = RULES[number](values)
    if judged.counter or judged.verdict == "inconclusive":
        return judged
    return replace(judged, counter="none")


# --- one rule for each claim ----------------------------------------------------------------------------


def covariate_shift(values: Evidence) -> Judgement:
    """1: the cause of exploding gradients, and their cure."""
    growth, taken, shift = values["c1_growth"], values["c1_steps"], values["c1_shift"]
    steeper = interval(np.log(growth[:, 1] / growth[:, 0]))
    noisy_faster = interval(np.log(taken[:, 0] / taken[:, 2]))
    noisy_moves = interval(np.log(shift[:, 2] / shift[:, 0]))
    evidence = {
        "growth_none": spread(growth[:, 0]),
        "growth_batch": spread(growth[:, 1]),
        "growth_predicted": batch_norm_growth("relu", 32),
        "steps_none": spread(taken[:, 0]),
        "steps_batch": spread(taken[:, 1]),
        "steps_noisy": spread(taken[:, 2]),
        "shift_none": spread(shift[:, 0]),
        "shift_batch": spread(shift[:, 1]),
        "shift_noisy": spread(shift[:, 2]),
    }
    grows, faster, moves = steeper.low > 0, noisy_faster.low > 0, noisy_moves.low > 0
    counter = _steadier(taken, shift)
    if faster and moves:
        return Judgement("not_supported", "both" if grows else "noise", evidence, counter)
    if grows:
        return Judgement("not_supported", "grows_faster" if faster else "grows", evidence, counter)
    if faster:
        return Judgement("inconclusive", "faster", evidence, counter)
    if steeper.high < 0 and noisy_faster.high < 0:
        return Judgement("supported", "calmer", evidence)
    return Judgement("inconclusive", "overlap", evidence)


def _steadier(taken: Values, shift: Values) -> str:
    """Claim 1: without noise batch norm moves less than no norm does, and is quicker than with noise."""
    if interval(np.log(shift[:, 0] / shift[:, 1])).low <= 0:
        return ""
    return "steadier_quicker" if interval(np.log(taken[:, 2] / taken[:, 1])).low > 0 else "steadier"


def place(values: Evidence) -> Judgement:
    """2: before or after the activation; the history does not depend on numbers."""
    error = values["c2_error"]
    difference = interval(error[:, 1] - error[:, 0])
    evidence = {
        "error_before": spread(error[:, 0]), "error_after": spread(error[:, 1]),
        "difference": difference.mean, "difference_low": difference.low, "difference_high": difference.high,
    }  # fmt: skip
    evidence |= {"worst_before": float(error[:, 0].max()), "worst_after": float(error[:, 1].max())}
    finding = "before" if difference.low > 0 else "after" if difference.high < 0 else "alike"
    either = (error <= 100 * (1 - TRAINED)).all()
    return Judgement("checked", finding, evidence, "either" if either else "")


def best_rates(taken_SVR: Values) -> NDArray[np.int64]:
    """Of each variant the place of the learning rate at which the median network is there first."""
    best: NDArray[np.int64] = np.median(taken_SVR, 0).argmin(1)
    return best


def not_there(number: int, values: Evidence, most: int) -> int:
    """Networks behind the evidence on claims 1 and 3 that never get there and count with ``most`` steps."""
    if number == 1:
        return int((values["c1_steps"] >= most).sum())
    if number == 3:
        taken = values["c3_steps"]
        none, batch = best_rates(taken)
        return int(
            sum((one >= most).sum() for one in (taken[:, 0, none], taken[:, 1, batch], taken[:, :, 0]))
        )
    return 0


def fewer_epochs(values: Evidence) -> Judgement:
    """3: steps to 94% at each variant's best learning rate, and at the lowest one."""
    taken = values["c3_steps"]
    best = best_rates(taken)
    none, batch = taken[:, 0, best[0]], taken[:, 1, best[1]]
    at_best = interval(np.log(none / batch))
    slow = interval(np.log(taken[:, 0, 0] / taken[:, 1, 0]))
    evidence = {
        "rate_none": RATES[best[0]],
        "rate_batch": RATES[best[1]],
        "steps_none": spread(none),
        "steps_batch": spread(batch),
        "times": math.exp(at_best.mean),
        "times_low": math.exp(at_best.low),
        "times_high": math.exp(at_best.high),
        "rate_slow": RATES[0],
        "slow_none": spread(taken[:, 0, 0]),
        "slow_batch": spread(taken[:, 1, 0]),
        "slow_times": math.exp(slow.mean),
        "slow_low": math.exp(slow.low),
        "slow_high": math.exp(slow.high),
    }
    line = math.log(FASTER)
    doubts = ("best_below",) if at_best.low < line else ()
    if at_best.high < line:
        return Judgement("not_supported", "not_faster", evidence)
    if at_best.mean < line or at_best.low <= 0:
        return Judgement("inconclusive", "unclear", evidence)
    if slow.mean < line:
        return Judgement("conditional", "at_best", evidence, "slow", doubts)
    return Judgement("supported", "everywhere", evidence, doubts=doubts + ("slow_below",) * (slow.low < line))


def learning_rates(values: Evidence) -> Judgement:
    """4: the highest learning rate that trains."""
    accuracy = values["c4_accuracy"]
    highest = np.where(accuracy >= TRAINED, np.array(RATES), 0.0).max(-1)
    (low_none, low_batch), (high_none, high_batch) = highest.min(0), highest.max(0)
    evidence = {
        "highest_none": float(np.median(highest[:, 0])), "highest_batch": float(np.median(highest[:, 1])),
        "low_none": float(low_none), "high_none": float(high_none),
        "low_batch": float(low_batch), "high_batch": float(high_batch),
        "seeds": len(highest), "higher": int((highest[:, 1] > highest[:, 0]).sum()),
        "at_highest_none": spread(_at(accuracy[:, 0], RATES, np.median(highest[:, 1]))),
        "at_highest_batch": spread(_at(accuracy[:, 1], RATES, np.median(highest[:, 1]))),
    }  # fmt: skip
    counter = "limit" if np.median(highest[:, 1]) < RATES[-1] else ""
    doubts = ("overlap",) if high_none >= low_batch else ()
    return _for_every_seed(highest[:, 1] > highest[:, 0], evidence, counter, doubts)


def initialization(values: Evidence) -> Judgement:
    """5: the gains of the initialization at which a network trains."""
    best = values["c5_best"]
    trained = (best >= TRAINED).sum(-1)
    lowest = best[:, 1].mean(0)
    evidence = {
        "gains": len(GAINS),
        "low": GAINS[0],
        "high": GAINS[-1],
        "trained_none": spread(trained[:, 0]),
        "trained_batch": spread(trained[:, 1]),
        "seeds": len(best),
        "higher": int((trained[:, 1] > trained[:, 0]).sum()),
        "worst_gain": GAINS[int(lowest.argmin())],
        "best_gain": GAINS[int(lowest.argmax())],
        "at_worst": spread(best[:, 1, int(lowest.argmin())]),
        "at_best": spread(best[:, 1, int(lowest.argmax())]),
    }
    varies = interval(best[:, 1, int(lowest.argmax())] - best[:, 1, int(lowest.argmin())]).low > 0
    return _for_every_seed(trained[:, 1] > trained[:, 0], evidence, "dependent" if varies else "")


def dropout(values: Evidence) -> Judgement:
    """6: what dropout gains without batch norm, and what it gains with it."""
    error = values["c6_error"]
    without, beside = error[:, 0] - error[:, 1], error[:, 2] - error[:, 3]
    gain, less = interval(without), interval(without - beside)
    still, alone = interval(beside), interval(error[:, 0] - error[:, 2])
    names = ("none", "none_dropout", "batch", "batch_dropout")
    evidence = {f"error_{name}": spread(error[:, i]) for i, name in enumerate(names)}
    for name, one in (("gain", gain), ("still", still), ("alone", alone)):
        evidence |= {name: one.mean, f"{name}_low": one.low, f"{name}_high": one.high}  # type: ignore[dict-item]
    if gain.low > 0 and less.low > 0:
        return Judgement("supported", "replaced", evidence, "still" if still.low > 0 else "")
    counter = "alone" if alone.low > 0 else "not_alone"
    if gain.low <= 0:
        return Judgement("inconclusive", "no_gain", evidence, counter)
    if less.high < 0:
        return Judgement("not_supported", "gains_more", evidence, counter)
    return Judgement("inconclusive", "overlap", evidence, counter)


def small_batches(values: Evidence) -> Judgement:
    """7: batch norm over few samples against group and layer norm."""
    error = dict(zip(SMALL, values["c7_error"].T, strict=True))
    better = min(("group", "layer"), key=lambda norm: float(error[norm].mean()))
    behind = {size: interval(error[f"batch_{size}"] - error[better]) for size in SIZES}
    evidence = {f"error_{name}": spread(values) for name, values in error.items()}
    evidence |= {f"behind_{size}": one.mean for size, one in behind.items()}  # type: ignore[misc]
    two, four = behind[2], behind[4]
    evidence |= {"behind_4_low": four.low, "behind_4_high": four.high}  # type: ignore[dict-item]
    if two.high < UNSTABLE:
        return Judgement("not_supported", "stable", evidence)
    if two.low <= UNSTABLE:
        return Judgement("inconclusive", "unclear", evidence)
    if four.low > UNSTABLE:
        return Judgement("conditional", "also_four", evidence)
    return Judgement("supported", "two", evidence, "four", ("four",) if four.high > UNSTABLE else ())


def batch_of_one(values: Evidence) -> Judgement:
    """8: what a batch of one does in training mode."""
    raised, gap = values["c8_raised"], values["c8_gap"]
    evidence = {
        "seeds": len(raised), "raised": int((raised == 1).sum()), "gap": spread(gap),
        "works": int((values["c8_works"] == 1).sum()), "switched": int((values["c8_switched"] == 1).sum()),
        "untracked": int((values["c8_untracked"] == 1).sum()),
    }  # fmt: skip
    if (raised == 0).all() and (gap == 0).all():
        return Judgement("supported", "by_itself", evidence)
    if (values["c8_works"] == 1).all() and ((raised == 1) | (gap > 0)).all():
        untracked = (values["c8_untracked"] == 1).all()
        return Judgement("false", "only_eval", evidence, "untracked" if untracked else "after_eval")
    return Judgement("inconclusive", "mixed", evidence)


def last_batch(values: Evidence) -> Judgement:
    """9: on which batch the answers in training mode depend."""
    changed, before, moved = values["c9_changed"], values["c9_before"], values["c9_moved"]
    evidence = {
        "changed": spread(changed), "before": float(before.max()), "moved": spread(moved),
    }  # fmt: skip
    current, last = bool((changed > 0).all()), bool((before > 0).any())
    if current and not last:
        return Judgement("false", "current", evidence, counter="moves" if (moved > 0).all() else "")
    if last and not (changed > 0).any():
        return Judgement("supported", "last", evidence)
    if last:
        return Judgement("conditional", "both", evidence)
    return Judgement("inconclusive", "neither", evidence)


def sequences(values: Evidence) -> Judgement:
    """10: what changes in a sequence when something else changes; a single layer cannot show more."""
    change, masked, evaluated = values["c10_change"], values["c10_masked"], values["c10_evaluated"]
    names = ("future", "sample", "padding")
    evidence = {
        f"{norm}_{name}": spread(change[:, n, i])
        for n, norm in enumerate(("batch", "layer"))
        for i, name in enumerate(names)
    }
    evidence |= {"masked": float(masked.max()), "evaluated": float(evaluated.max())}  # type: ignore[dict-item]
    if (change[:, 1] != 0).any():
        return Judgement("not_supported", "layer_moves", evidence)
    if not (change[:, 0] > 0).all():
        return Judgement("inconclusive", "batch_keeps", evidence)
    avoidable = (masked <= ROUNDING).all() and (evaluated == 0).all()
    return Judgement("conditional", "kept", evidence, "avoidable" if avoidable else "")


def sample_code(values: Evidence) -> Judgement:
    """11: whether the code runs."""
    runs, corrected = (bool(one) for one in values["c11_runs"][0])
    evidence = {"runs": runs, "corrected_runs": corrected}
    if runs:
        return Judgement("supported", "runs", evidence)
    return Judgement("checked", "raises", evidence, "impossible")


def depth(values: Evidence) -> Judgement:
    """12: the greatest depth that is learned."""
    best = values["c12_best"]
    learned = np.where(np.median(best, 0) >= LEARNED, np.array(DEPTHS), 0).max(-1)
    evidence: dict[str, Any] = {
        "seeds": len(best), "deepest_none": int(learned[0]), "deepest_batch": int(learned[1]),
        "deepest": DEPTHS[-1], **shares_by_depth(best),
    }  # fmt: skip
    divided = ((best >= LEARNED).any(0) & (best < LEARNED).any(0)).astype(int)
    doubts = tuple(f"divided_{norm}" for norm, own in zip(PAIR, divided, strict=True) if own.any())
    evidence |= {
        f"divided_{norm}": DEPTHS[int(own.argmax())] for norm, own in zip(PAIR, divided, strict=True)
    }
    if not learned.any():
        return Judgement("inconclusive", "neither", evidence, doubts=doubts)
    if learned[1] <= learned[0]:
        return Judgement("not_supported", "no_deeper", evidence, doubts=doubts)
    if learned[1] == DEPTHS[-1]:
        return Judgement("supported", "deepest", evidence, doubts=doubts)
    return Judgement("conditional", "deeper", evidence, "limit", doubts)


def shares_by_depth(best_SVD: Values) -> dict[str, float]:
    """Claim 12: share of right answers with either variant at each depth; median, lowest and highest seed."""
    told = {}
    for v, norm in enumerate(PAIR):
        for d, deep in enumerate(DEPTHS):
            own = best_SVD[:, v, d]
            told[f"{norm}_{deep}"] = float(np.median(own))
            told |= {f"{norm}_{deep}_low": float(own.min()), f"{norm}_{deep}_high": float(own.max())}
    return told


RULES: dict[int, Callable[[Evidence], Judgement]] = dict(
    enumerate(
        (
            covariate_shift, place, fewer_epochs, learning_rates, initialization, dropout,
            small_batches, batch_of_one, last_batch, sequences, sample_code, depth,
        ),
        start=1,
    )
)  # fmt: skip
"""The rule of every claim by its number."""


def _for_every_seed(
    better: Values, evidence: dict[str, Any], counter: str, doubts: tuple[str, ...] = ()
) -> Judgement:
    """Supported if so for every seed, not if for none; ``doubts`` are about the first."""
    if better.all():
        return Judgement("supported", "every_seed", evidence, counter, doubts)
    if not better.any():
        return Judgement("not_supported", "no_seed", evidence)
    return Judgement("inconclusive", "some_seeds", evidence)


def _at(accuracy_SR: Values, grid: tuple[float, ...], value: float) -> Values:
    """The column of a value of the grid; of the nearest one if it is between two."""
    column: Values = accuracy_SR[:, int(np.abs(np.array(grid) - value).argmin())]
    return column
