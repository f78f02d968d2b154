"""What can be said of a claim while it is being measured: its numbers so far, and no verdict.

Where the numbers of the verdict mean nothing before the end (steps that nobody has taken yet, the end of a
training), there are others.

Legend: S seeds, V variants, R learning rates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from normviz.specs.claims_designs import NOISES, PAIR, RATES
from normviz.specs.claims_rules import Evidence, judge, shares_by_depth
from normviz.specs.spreads import spread

Numbers = dict[str, Any]


def so_far(number: int, values: Evidence) -> tuple[str, Numbers] | None:
    """The sentence that holds now ("evidence", or "evidence.open"), and its numbers; None for nothing yet."""
    if number in _OPEN:
        found = _OPEN[number](values)
        return None if found is None else ("evidence.open", found)
    if not all(np.isfinite(one).all() for one in values.values()):
        return None
    return "evidence", judge(number, values).evidence


def covariate_shift(values: Evidence) -> Numbers | None:
    """1: the growth of the gradients, and how many networks have reached the target."""
    growth, taken = values["c1_growth"], values["c1_steps"]
    if not np.isfinite(growth).all():
        return None
    reached = np.isfinite(taken).sum(0)
    return {
        "growth_none": spread(growth[:, 0]),
        "growth_batch": spread(growth[:, 1]),
        **{f"reached_{name}": int(count) for name, count in zip(NOISES, reached, strict=True)},
    }


def fewer_epochs(values: Evidence) -> Numbers | None:
    """3: how many seeds have reached the target at some learning rate."""
    taken = values["c3_steps"]
    reached = np.isfinite(taken).any(-1).sum(0)
    return {
        "seeds": len(taken),
        **{f"reached_{name}": int(count) for name, count in zip(PAIR, reached, strict=True)},
    }


def learning_rates(values: Evidence) -> Numbers | None:
    """4: how many test digits are right at the rate that is best so far."""
    accuracy = values["c4_accuracy"]
    if not np.isfinite(accuracy).all():
        return None
    told: Numbers = {}
    for v, name in enumerate(PAIR):
        best = int(accuracy[:, v].mean(0).argmax())
        told |= {f"rate_{name}": RATES[best], f"right_{name}": spread(accuracy[:, v, best])}
    return told


def depth(values: Evidence) -> Numbers | None:
    """12: how many test digits are right at each depth."""
    best = values["c12_best"]
    if not np.isfinite(best).all():
        return None
    return {"seeds": len(best), **shares_by_depth(best)}


_OPEN: dict[int, Callable[[Evidence], Numbers | None]] = {
    1: covariate_shift,
    3: fewer_epochs,
    4: learning_rates,
    12: depth,
}
