"""Claims: the script of each claim measures what the lab's verdict rests on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from normviz.catalog.claims import CLAIMS
from normviz.export import ExportError, chapters, script
from normviz.frames import Frame
from normviz.lab.engine import Member
from normviz.lab.experiments.claims import run
from normviz.lab.experiments.claims.jobs import race
from normviz.lab.experiments.claims.steps import job
from normviz.specs import claims_designs as designs
from normviz.specs.claims import Claims
from tests.export.exported import loaded


def measured(number: int, **settings: Any) -> tuple[Any, dict[str, np.ndarray[Any, Any]]]:
    """What the script tells, with some settings replaced, and the evidence of the lab."""
    spec = Claims(claim=str(number), seeds=2, steps=50, epochs=1, width=32)
    arrays: dict[str, Any] = {}
    for one in run(spec, workers=1):
        if isinstance(one, Frame):
            arrays |= one.arrays
    return loaded(spec, **settings).main(), arrays


def test_covariate_shift() -> None:
    (growths, steps, shifts), arrays = measured(1)
    np.testing.assert_allclose(np.array(list(growths.values())).T, arrays["c1_growth"], rtol=1e-3)
    np.testing.assert_allclose(np.array(list(steps.values())).T, arrays["c1_steps"], atol=1)
    moved = np.array(list(shifts.values())).T
    np.testing.assert_allclose(moved[:, 1:], arrays["c1_shift"][:, 1:], rtol=0.01)


def test_without_a_norm_the_units_move_as_in_the_lab_until_rounding_tells() -> None:
    """At this rate a difference of rounding becomes another course after some 15 steps."""
    spec = Claims(claim="1", seeds=2, steps=50, epochs=1, width=32)
    members = [Member("none", seed, designs.NOISY_RATE) for seed in spec.seed_values]
    ((_, theirs),) = race(job(designs.NOISY_DEPTH, spec.width, members), [15])
    for seed, shifts in zip(spec.seed_values, theirs.T, strict=True):
        _, moves = loaded(spec).race("none", seed)
        np.testing.assert_allclose(moves[:14], shifts[1:], rtol=1e-3)


@pytest.mark.parametrize("number", [2, 6, 7])
def test_variants_side_by_side(number: int) -> None:
    told, arrays = measured(number)
    apart = np.abs(np.array(list(told.values())).T - arrays[f"c{number}_error"])
    assert np.median(apart) < 0.5
    assert apart.max() < (6.0 if number == 7 else 1.5)  # batches of two amplify rounding


@pytest.mark.slow
def test_learning_rates() -> None:
    told, _ = measured(3)
    _, arrays = measured(4)
    accuracy = np.array([[one[1] for one in told[norm, lr]] for norm in designs.PAIR for lr in designs.RATES])
    theirs = arrays["c4_accuracy"].reshape(2, -1).T
    assert np.median(np.abs(accuracy - theirs)) < 0.02
    np.testing.assert_allclose(accuracy[:3], theirs[:3], atol=0.02)  # small rates: nothing is amplified


@pytest.mark.slow
@pytest.mark.parametrize("number", [5, 12])
def test_rows(number: int) -> None:
    name, rows = (
        ("c5", designs.GAINS) if number == 5 else ("c12", designs.DEPTHS[:2])
    )  # deeper ones take long
    told, arrays = measured(number, DEPTHS=rows)
    ours = np.array([[told[norm, row] for row in rows] for norm in designs.PAIR])  # [V, rows, rates, seeds]
    theirs = np.moveaxis(arrays[f"{name}_accuracy"], 0, -1)[:, : len(rows)]
    assert np.median(np.abs(ours - theirs)) < 0.02


def test_a_batch_of_one() -> None:
    told, arrays = measured(8)
    for i, name in enumerate(("raised", "works", "switched", "gap", "untracked")):
        np.testing.assert_allclose([one[i] for one in told], arrays[f"c8_{name}"], rtol=1e-5)


def test_the_last_batch() -> None:
    told, arrays = measured(9)
    changed, before, moved = told.values()
    np.testing.assert_allclose(changed, arrays["c9_changed"], atol=1.5)
    np.testing.assert_allclose(before, arrays["c9_before"], atol=1e-6)
    np.testing.assert_allclose(moved, arrays["c9_moved"], rtol=0.02)


def test_sequences() -> None:
    told, arrays = measured(10)
    ours = np.array([[told[norm, change] for change in designs.CHANGES] for norm in ("batch", "layer")])
    np.testing.assert_allclose(np.moveaxis(ours, 2, 0), arrays["c10_change"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(told["masked batch", "padding"], arrays["c10_masked"], atol=1e-5)
    evaluated = np.max([told["evaluated batch", change] for change in designs.CHANGES], 0)
    assert evaluated.tolist() == arrays["c10_evaluated"].tolist() == [0.0, 0.0]


def test_sample_code() -> None:
    told, arrays = measured(11)
    assert told == arrays["c11_runs"][0].astype(bool).tolist() == [False, True]


def test_of_all_at_once_each_is_a_chapter() -> None:
    every = chapters(Claims())
    assert list(every) == [str(number) for number in CLAIMS]
    assert script(Claims(), "7") == script(Claims(claim="7"))
    with pytest.raises(ExportError, match="no chapter “13”; it has the chapters 1, 2"):
        script(Claims(), "13")
    with pytest.raises(ExportError, match="without chapters"):
        script(Claims(claim="7"), "6")
