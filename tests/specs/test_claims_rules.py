"""The rules of the claims, each on made-up numbers for every one of its outcomes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from normviz.catalog.claims import CLAIMS, VERDICTS
from normviz.readings import TEMPLATES
from normviz.specs import claims_rules as rules
from normviz.specs.claims_designs import DEPTHS, GAINS, RATES

SEEDS = 5
JITTER = np.array([-0.02, -0.01, 0.0, 0.01, 0.02])
"""Small differences between the seeds."""


def rows(*means: float, relative: bool = True) -> np.ndarray[Any, np.dtype[np.float64]]:
    """[S, V] with these means; the seeds of a column differ by up to 2%, alike in no two columns."""
    columns = [np.roll(JITTER, v) * (mean if relative else 1.0) + mean for v, mean in enumerate(means)]
    return np.stack(columns, 1)


FAR, ALIKE = (0.3, 0.02, 0.5), (0.3, 0.02, 0.3)
"""Claim 1: how far the means move where the noise moves them more than they move by themselves, and not."""


def shift(
    growth: tuple[float, float],
    taken: tuple[float, float, float],
    moved: tuple[float, float, float] = FAR,
) -> dict[str, Any]:
    return {"c1_growth": rows(*growth), "c1_steps": rows(*taken), "c1_shift": rows(*moved)}


def epochs(
    best: tuple[float, float], slow: tuple[float, float], wild: tuple[float, ...] = ()
) -> dict[str, Any]:
    """Claim 3: steps at the best rates (0.3 and 1) and at the lowest; 300 elsewhere."""
    taken = np.full((SEEDS, 2, len(RATES)), 300.0)
    taken[:, :, 0] = rows(*slow)
    taken[:, 0, 2], taken[:, 1, 3] = rows(*best).T
    if wild:
        taken[:, 1, 3] = wild
    return {"c3_steps": taken}


def highest(none: list[float], batch: list[float]) -> dict[str, Any]:
    """Claim 4: every rate up to this one trains, for each seed."""
    below = np.array(RATES) <= np.stack([none, batch], 1)[..., None]
    return {"c4_accuracy": np.where(below, 0.96, 0.3)}


def trained(none: list[int], batch: list[int], worst: float = 0.85) -> dict[str, Any]:
    """Claim 5: so many of the gains train, for each seed."""
    below = np.arange(len(GAINS)) < np.stack([none, batch], 1)[..., None]
    return {"c5_best": np.where(below, 0.97, worst) + JITTER[: len(none), None, None] / 10}


def dropped(*means: float) -> dict[str, Any]:
    return {"c6_error": rows(*means)}


def small(*means: float) -> dict[str, Any]:
    return {"c7_error": rows(*means)}


def one(raised: int, works: int, gap: float, switched: int = 0, untracked: int = 1) -> dict[str, Any]:
    told = {"raised": raised, "works": works, "switched": switched, "gap": gap, "untracked": untracked}
    return {f"c8_{name}": np.full(SEEDS, value, float) for name, value in told.items()}


def last(changed: float, before: float, moved: float = 0.1) -> dict[str, Any]:
    told = {"changed": changed, "before": before, "moved": moved}
    return {f"c9_{name}": np.full(SEEDS, value) for name, value in told.items()}


def changes(
    batch: tuple[float, ...], layer: tuple[float, ...], masked: float = 1e-7, evaluated: float = 0.0
) -> dict[str, Any]:
    return {
        "c10_change": np.broadcast_to(np.array([batch, layer]), (SEEDS, 2, 3)),
        "c10_masked": np.full(SEEDS, masked),
        "c10_evaluated": np.full(SEEDS, evaluated),
    }


def depths(none: list[float], batch: list[float], apart: float = 0.0) -> dict[str, Any]:
    """Claim 12: shares right at each depth; the seeds are ``apart`` from the one in the middle."""
    middle = np.broadcast_to(np.array([none, batch]), (3, 2, len(DEPTHS)))
    return {"c12_best": middle + apart * np.array([-1.0, 0.0, 1.0])[:, None, None]}


CASES: list[tuple[int, dict[str, Any], str, str, str]] = [
    (1, shift((1.0, 1.5), (60, 20, 25)), "not_supported", "both", "steadier_quicker"),
    (1, shift((1.0, 1.5), (60, 20, 60)), "not_supported", "grows", "steadier_quicker"),
    (1, shift((1.0, 1.5), (60, 25, 25), ALIKE), "not_supported", "grows_faster", "steadier"),
    (1, shift((1.0, 1.5), (60, 20, 25), (0.3, 0.3, 0.5)), "not_supported", "both", "none"),
    (1, shift((1.5, 1.0), (60, 20, 25)), "not_supported", "noise", "steadier_quicker"),
    (1, shift((1.5, 1.0), (60, 20, 25), ALIKE), "inconclusive", "faster", "steadier_quicker"),
    (1, shift((1.5, 1.0), (60, 20, 90)), "supported", "calmer", "none"),
    (1, shift((1.5, 1.5), (60, 20, 60)), "inconclusive", "overlap", ""),
    (2, {"c2_error": rows(2.0, 2.0)}, "checked", "alike", "either"),
    (2, {"c2_error": rows(2.0, 3.0)}, "checked", "before", "either"),
    (2, {"c2_error": rows(3.0, 2.0)}, "checked", "after", "either"),
    (2, {"c2_error": rows(30.0, 2.0)}, "checked", "after", "none"),
    (3, epochs((60, 20), (180, 175)), "conditional", "at_best", "slow"),
    (3, epochs((60, 20), (180, 60)), "supported", "everywhere", "none"),
    (3, epochs((60, 40), (180, 175)), "not_supported", "not_faster", "none"),
    (3, epochs((60, 20), (180, 175), (10, 10, 30, 90, 200)), "inconclusive", "unclear", ""),
    (4, highest([0.3] * 5, [3.0] * 5), "supported", "every_seed", "limit"),
    (4, highest([0.3] * 5, [10.0] * 5), "supported", "every_seed", "none"),
    (4, highest([0.3] * 5, [0.3] * 4 + [1.0]), "inconclusive", "some_seeds", ""),
    (4, highest([0.3] * 5, [0.3] * 5), "not_supported", "no_seed", "none"),
    (5, trained([1] * 3, [4] * 3), "supported", "every_seed", "dependent"),
    (5, trained([1] * 3, [5] * 3), "supported", "every_seed", "none"),
    (5, trained([1, 1, 4], [4] * 3), "inconclusive", "some_seeds", ""),
    (5, trained([4] * 3, [4] * 3), "not_supported", "no_seed", "none"),
    (6, dropped(3.0, 3.5, 2.0, 2.5), "inconclusive", "no_gain", "alone"),
    (6, dropped(3.0, 3.5, 3.0, 3.5), "inconclusive", "no_gain", "not_alone"),
    (6, dropped(3.0, 2.0, 2.0, 1.99), "supported", "replaced", "none"),
    (6, dropped(3.0, 2.0, 2.0, 1.7), "supported", "replaced", "still"),
    (6, dropped(3.0, 2.5, 3.0, 1.5), "not_supported", "gains_more", "not_alone"),
    (6, dropped(3.0, 2.0, 3.0, 2.0), "inconclusive", "overlap", "not_alone"),
    (7, small(50, 4, 2, 2, 2.1), "supported", "two", "four"),
    (7, small(50, 12, 2, 2, 2.1), "conditional", "also_four", "none"),
    (7, small(5, 4, 2, 2, 2.1), "not_supported", "stable", "none"),
    (7, small(7.05, 4, 2, 2, 2.1), "inconclusive", "unclear", ""),
    (8, one(1, 1, 0.2), "false", "only_eval", "untracked"),
    (8, one(1, 1, 0.2, untracked=0), "false", "only_eval", "after_eval"),
    (8, one(0, 1, 0.2), "false", "only_eval", "untracked"),
    (8, one(0, 1, 0.0, 1), "supported", "by_itself", "none"),
    (8, one(1, 0, 0.2), "inconclusive", "mixed", ""),
    (9, last(30, 0.0), "false", "current", "moves"),
    (9, last(30, 0.0, 0.0), "false", "current", "none"),
    (9, last(0, 0.5), "supported", "last", "none"),
    (9, last(30, 0.5), "conditional", "both", "none"),
    (9, last(0, 0.0), "inconclusive", "neither", ""),
    (10, changes((0.1, 0.2, 1.0), (0.0, 0.0, 0.0)), "conditional", "kept", "avoidable"),
    (10, changes((0.1, 0.2, 1.0), (0.0, 0.0, 0.0), masked=0.1), "conditional", "kept", "none"),
    (10, changes((0.1, 0.2, 1.0), (0.0, 0.0, 0.0), evaluated=0.1), "conditional", "kept", "none"),
    (10, changes((0.1, 0.0, 1.0), (0.0, 0.0, 0.0)), "inconclusive", "batch_keeps", ""),
    (10, changes((0.1, 0.2, 1.0), (0.0, 1e-9, 0.0)), "not_supported", "layer_moves", "none"),
    (11, {"c11_runs": np.array([[0.0, 1.0]])}, "checked", "raises", "impossible"),
    (11, {"c11_runs": np.array([[1.0, 1.0]])}, "supported", "runs", "none"),
    (12, depths([0.9, 0.4, 0.3, 0.2], [0.9, 0.85, 0.4, 0.2]), "conditional", "deeper", "limit"),
    (12, depths([0.9, 0.4, 0.3, 0.2], [0.9, 0.9, 0.9, 0.9]), "supported", "deepest", "none"),
    (12, depths([0.9, 0.9, 0.3, 0.2], [0.9, 0.9, 0.3, 0.2]), "not_supported", "no_deeper", "none"),
    (12, depths([0.2] * 4, [0.3] * 4), "inconclusive", "neither", ""),
]


WILD = (24, 21, 35, 30, 25)
"""Steps of claim 3 whose seeds differ so much that an interval reaches below twice."""
DOUBTS: list[tuple[int, dict[str, Any], str, tuple[str, ...]]] = [
    (3, epochs((60, 20), (180, 175)), "at_best", ()),
    (3, epochs((60, 20), (180, 175), WILD), "at_best", ("best_below",)),
    (3, epochs((60, 20), (180, 60), WILD), "everywhere", ("best_below",)),
    (3, epochs((60, 20), (180, 89)), "everywhere", ("slow_below",)),
    (3, epochs((60, 20), (180, 60)), "everywhere", ()),
    (4, highest([0.3] * 5, [3.0] * 5), "every_seed", ()),
    (4, highest([0.3] * 4 + [1.0], [1.0] * 4 + [3.0]), "every_seed", ("overlap",)),
    (7, small(50, 4, 2, 2, 2.1), "two", ()),
    (7, small(50, 7, 2, 2, 2.1), "two", ("four",)),
    (12, depths([0.9, 0.4, 0.3, 0.2], [0.9, 0.85, 0.4, 0.2], 0.04), "deeper", ()),
    (12, depths([0.9, 0.4, 0.3, 0.2], [0.9, 0.85, 0.4, 0.2], 0.06), "deeper", ("divided_batch",)),
    (12, depths([0.85, 0.4, 0.3, 0.2], [0.9, 0.9, 0.4, 0.2], 0.06), "deeper", ("divided_none",)),
    (12, depths([0.78] * 4, [0.78] * 4, 0.06), "neither", ("divided_none", "divided_batch")),
]
"""What the verdict says of the spread over the seeds where this reaches over the line, and only there."""


@pytest.mark.parametrize(("number", "values", "finding", "doubts"), DOUBTS)
def test_where_the_spread_reaches_over_the_line_the_verdict_says_so(
    number: int, values: dict[str, Any], finding: str, doubts: tuple[str, ...]
) -> None:
    judged = rules.judge(number, values)
    assert (judged.finding, judged.doubts) == (finding, doubts)


def test_the_depth_at_which_the_seeds_are_divided_is_named() -> None:
    judged = rules.judge(12, depths([0.9, 0.4, 0.3, 0.2], [0.9, 0.85, 0.4, 0.2], 0.06))
    assert judged.evidence["divided_batch"] == 20
    assert judged.evidence["batch_20"] == pytest.approx(0.85)
    assert judged.evidence["batch_20_low"] == pytest.approx(0.79)
    assert judged.evidence["batch_20_high"] == pytest.approx(0.91)


@pytest.mark.parametrize(("number", "values", "verdict", "finding", "counter"), CASES)
def test_every_outcome(number: int, values: dict[str, Any], verdict: str, finding: str, counter: str) -> None:
    judged = rules.judge(number, values)
    assert (judged.verdict, judged.finding, judged.counter) == (verdict, finding, counter)


def test_every_sentence_has_a_case_that_leads_to_it() -> None:
    """No finding is written that no numbers can bring about, and none is missing."""
    reached = {f"claims.{number}.found.{finding}" for number, _, _, finding, _ in CASES}
    reached |= {f"claims.{number}.found.doubt_{doubt}" for number, *_, doubts in DOUBTS for doubt in doubts}
    assert reached == {name for name in TEMPLATES if name.startswith("claims.") and ".found." in name}
    countered = {f"claims.{number}.counter.{counter}" for number, *_, counter in CASES if counter}
    assert countered == {name for name in TEMPLATES if name.startswith("claims.") and ".counter." in name}


def test_every_claim_has_a_rule_and_every_verdict_a_name() -> None:
    assert set(rules.RULES) == set(CLAIMS) == set(range(1, 13))
    assert {verdict for _, _, verdict, _, _ in CASES} == set(VERDICTS)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_interval_covers_the_mean_as_often_as_it_says(n: int) -> None:
    """95% of the intervals of normal samples hold the true mean."""
    draws = np.random.default_rng(0).normal(3.0, 2.0, (4000, n))
    held = [one.low < 3.0 < one.high for one in map(rules.interval, draws)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)


def test_a_spread_is_mean_and_sample_standard_deviation() -> None:
    told = rules.spread(np.array([1.0, 2.0, 6.0]))
    assert told == {"mean": 3.0, "sd": pytest.approx(math.sqrt(7.0)), "seeds": 3}
    assert rules.spread(np.array([4.0]))["sd"] == 0.0


def test_only_networks_behind_the_evidence_count_as_late() -> None:
    """Of claim 3 those at the best rates and at the lowest one; at a rate of 10 nobody is ever there."""
    values = epochs((60, 20), (180, 175))
    assert rules.not_there(3, values, 300) == 0
    values["c3_steps"][0, 0, 0] = values["c3_steps"][1, 1, 3] = 300.0
    assert rules.not_there(3, values, 300) == 2
    assert rules.not_there(1, shift((1.0, 1.5), (60, 20, 25)), 200) == 0
    assert rules.not_there(1, {"c1_steps": np.array([[50.0, 20, 50]])}, 50) == 2
    assert rules.not_there(7, small(50, 4, 2, 2, 2.1), 50) == 0
