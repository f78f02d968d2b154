"""The spec of the maps: its grids, the run behind a cell, its limits and its cost."""

from __future__ import annotations

import math

import numpy as np
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.player import Settings
from normviz.player.costs import check_cost
from normviz.spec import SpecError
from normviz.specs.lr_init import LrInit
from normviz.specs.train import Train


@pytest.mark.parametrize("grid", [5, 7, 12])
def test_grids_are_even_in_the_logarithm_and_end_where_the_spec_says(grid: int) -> None:
    spec = LrInit(grid=grid, lr_low=1e-3, lr_high=10.0, gain_low=0.1, gain_high=10.0)
    for values, low, high in ((spec.rates, 1e-3, 10.0), (spec.gains, 0.1, 10.0)):
        assert (values[0], values[-1], len(values)) == (low, high, grid)
        np.testing.assert_allclose(np.diff(np.log(values)), math.log(high / low) / (grid - 1), rtol=0.02)
        assert all(len(f"{value:.15g}".replace(".", "").strip("0")) <= 3 for value in values)


def test_an_odd_grid_has_he_initialization_in_its_middle() -> None:
    assert LrInit(grid=7).gains[3] == 1.0
    assert LrInit(grid=7).rates[3] == 0.1


def test_the_run_of_a_cell_differs_from_the_default_race_by_the_cell_alone() -> None:
    spec = LrInit(depth=6, steps=150, batch_size=32, seed=5)
    cell = spec.cell("batch", 0.0215, 4.64)
    assert cell == Train(
        norms=("batch",), lr=0.0215, gain=4.64, depth=6, steps=150, batch_size=32, seed=5, seeds=1,
        optimizer="sgd", width=64, network="mlp", dataset="digits", activation="relu", placement="before",
    )  # fmt: skip


@pytest.mark.parametrize("norm", [norm for norm in NORMS if not reason(norm, "mlp")])
@pytest.mark.parametrize("edges", [{}, {"depth": 20, "batch_size": 256}, {"depth": 1, "batch_size": 16}])
def test_every_cell_has_a_run(norm: str, edges: dict[str, int]) -> None:
    spec = LrInit(norms=(norm,), grid=12, lr_low=1e-4, **edges)
    for rate in spec.rates:
        for gain in spec.gains:
            cell, problems = Train.from_query(spec.cell(norm, rate, gain).to_query())
            assert not problems
            assert (cell.lr, cell.gain, cell.norms) == (rate, gain, (norm,))


def test_norms_that_belong_to_convolutions_are_refused_with_the_reason() -> None:
    with pytest.raises(SpecError, match=r"“Filter response norm” does not work.*belongs to convolutions"):
        LrInit(norms=("frn",))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"lr_low": 0.5, "lr_high": 0.5}, "lr_high"),
        ({"gain_low": 5.0, "gain_high": 0.2}, "gain_high"),
    ],
)
def test_a_range_needs_a_width(values: dict[str, float], field: str) -> None:
    with pytest.raises(SpecError, match="at least twice the lowest") as refused:
        LrInit(**values)
    assert refused.value.field == field


@pytest.mark.parametrize("steps", [50, 200, 250, 400])
def test_maps_are_measured_before_the_first_step_and_after_the_last(steps: int) -> None:
    recorded = LrInit(steps=steps).recorded_steps
    assert recorded[0] == 0
    assert recorded[-1] == steps
    assert list(recorded) == sorted(set(recorded))
    assert max(np.diff(recorded)) <= 20


def test_the_cost_is_that_of_all_networks() -> None:
    small, large = LrInit(grid=5, norms=("none",)), LrInit(grid=10, norms=("none", "batch"))
    assert large.cost().multiply_adds == pytest.approx(8 * small.cost().multiply_adds)
    check_cost(LrInit(grid=12, norms=("none", "batch", "layer", "group", "rms", "dyt"), depth=20), Settings())
