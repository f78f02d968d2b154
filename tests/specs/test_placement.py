"""The spec of the experiment Placement: what it accepts and costs, and when intervals overlap."""

import numpy as np
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS
from normviz.specs.placement import PLACED, Placement
from normviz.specs.placement_frames import interval, overlap


def test_it_is_registered_and_round_trips():
    assert EXPERIMENTS["placement"] is Placement
    assert Placement.from_query(Placement().to_query(full=True)) == (Placement(), [])


def test_every_norm_with_a_place_is_one_of_an_mlp():
    for norm in PLACED:
        assert reason(norm, "mlp") is None
        Placement(norms=(norm,))
    assert "none" not in PLACED
    for norm in set(NORMS) - set(PLACED):
        with pytest.raises(SpecError) as refused:
            Placement(norms=(norm,))
        assert refused.value.remedy.endswith(".")
        assert refused.value.allowed == ", ".join(NORMS[one].label for one in NORMS if one in PLACED)


@pytest.mark.parametrize("values", [{"norms": ("none",)}, {"seeds": 1}, {"width": 60}, {"norms": PLACED[:5]}])
def test_what_does_not_work_is_refused(values):
    with pytest.raises(SpecError):
        Placement(**values)


def test_cost_counts_both_places():
    spec = Placement(norms=("batch",), depth=2, width=16, batch_size=16, steps=50, every=50, seeds=2)
    forward = 64 * 16 + 16 * 16 + 16 * 16
    assert spec.cost().multiply_adds == 2 * 2 * forward * (3 * 16 * 50 + 797 * 2)


def test_the_interval_is_students():
    # By hand: mean 3, SD √2.5, t(4) = 2.776; and t(1) = 12.706 for two values.
    mean, margin = interval(np.array([[1.0, 2, 3, 4, 5]]))
    assert mean.item() == 3
    assert margin.item() == pytest.approx(2.776 * (2.5 / 5) ** 0.5)
    assert interval(np.array([0.0, 2.0]))[1].item() == pytest.approx(12.706)
    assert np.isnan(interval(np.array([1.0, np.nan]))[0]).all()


def test_the_interval_holds_its_promise():
    draws = np.random.default_rng(0).normal(5, 2, (20_000, 5))
    mean, margin = interval(draws)
    assert (np.abs(mean - 5) <= margin).mean() == pytest.approx(0.95, abs=0.006)


@pytest.mark.parametrize(
    ("means", "margins", "expected"),
    [((1, 2), (0.6, 0.5), True), ((1, 2), (0.4, 0.5), False), ((2, 1), (0.4, 0.5), False),
     ((1, np.nan), (0.1, 0.1), None)],
)  # fmt: skip
def test_overlap(means, margins, expected):
    assert overlap(np.array([means]).T, np.array([margins]).T) is expected
