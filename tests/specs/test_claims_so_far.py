"""The numbers of a claim that is still being measured, each on made-up ones."""

from __future__ import annotations

import numpy as np
import pytest

from normviz.specs.claims_designs import DEPTHS, RATES
from normviz.specs.claims_so_far import so_far

NAN = np.nan


def test_nothing_is_told_before_there_is_a_number() -> None:
    assert so_far(7, {"c7_error": np.full((3, 5), NAN)}) is None
    assert so_far(1, {"c1_growth": np.full((3, 2), NAN), "c1_steps": np.full((3, 3), NAN)}) is None
    assert so_far(4, {"c4_accuracy": np.full((3, 2, len(RATES)), NAN)}) is None
    assert so_far(12, {"c12_best": np.full((3, 2, len(DEPTHS)), NAN)}) is None


def test_errors_of_an_epoch_are_the_evidence_as_it_is_now() -> None:
    error = np.array([[50.0, 5, 2, 2, 2], [40, 4, 2, 2, 2], [60, 3, 2, 2, 2]])
    name, told = so_far(7, {"c7_error": error}) or ("", {})
    assert name == "evidence"
    assert told["error_batch_2"] == {"mean": 50.0, "sd": 10.0, "seeds": 3}


def test_who_has_reached_the_target_is_counted_and_the_others_have_no_number() -> None:
    steps = np.array([[NAN, 20, NAN], [NAN, 30, 40], [NAN, 25, NAN]])
    name, told = so_far(1, {"c1_growth": np.array([[1.0, 1.5]] * 3), "c1_steps": steps}) or ("", {})
    assert name == "evidence.open"
    assert (told["reached_none"], told["reached_batch"], told["reached_noisy"]) == (0, 3, 1)
    taken = np.full((3, 2, len(RATES)), NAN)
    taken[0, 0, 2] = taken[:2, 1, 3] = taken[1, 1, 4] = 40
    _, told = so_far(3, {"c3_steps": taken}) or ("", {})
    assert told == {"seeds": 3, "reached_none": 1, "reached_batch": 2}


def test_the_best_rate_so_far_is_that_of_the_mean_over_the_seeds() -> None:
    accuracy = np.full((2, 2, len(RATES)), 0.1)
    accuracy[:, 0, 1], accuracy[:, 1, 3] = [0.5, 0.7], [0.9, 0.8]
    accuracy[0, 1, 4] = 0.95
    _, told = so_far(4, {"c4_accuracy": accuracy}) or ("", {})
    assert (told["rate_none"], told["rate_batch"]) == (RATES[1], RATES[3])
    assert told["right_none"]["mean"] == pytest.approx(0.6)
    assert told["right_batch"]["sd"] == pytest.approx(np.std([0.9, 0.8], ddof=1))


def test_every_depth_has_its_share() -> None:
    best = np.linspace(0.1, 0.9, 2 * 2 * len(DEPTHS)).reshape(2, 2, len(DEPTHS))
    _, told = so_far(12, {"c12_best": best, "c12_accuracy": np.full((2, 2, 4, 2), 0.5)}) or ("", {})
    assert told["seeds"] == 2
    assert told["batch_50"] == pytest.approx(np.median(best[:, 1, -1]))
    assert (told["none_10_low"], told["none_10_high"]) == (best[:, 0, 0].min(), best[:, 0, 0].max())
