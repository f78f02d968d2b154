"""The maps: each cell is the network that Train would train, however the cells are dealt."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from normviz.frames import Frame, Recording, Schema
from normviz.lab.experiments import lr_init
from normviz.lab.experiments import train as race
from normviz.readings import TEMPLATES
from normviz.specs.lr_init import LrInit
from normviz.specs.lr_init_frames import LEARNED, NOTE_BYTES
from normviz.specs.train import Train
from tests.lab import two_workers

SMALL = LrInit(norms=("none", "batch"), depth=4, grid=5, steps=50)


def record(run) -> Recording:
    """All frames of a run."""
    schema = next(run)
    assert isinstance(schema, Schema)
    return Recording(schema, [schema.encode(frame) for frame in run if isinstance(frame, Frame)])


@pytest.fixture(scope="module")
def small() -> Recording:
    return record(lr_init.run(SMALL, workers=1))


def test_a_cell_is_the_run_that_it_opens(small: Recording) -> None:
    maps = small.at("test_accuracy")
    for v, row, column in ((0, 2, 2), (0, 0, 4), (1, 2, 3), (1, 4, 1), (0, 4, 4)):
        cell = SMALL.cell(SMALL.norms[v], SMALL.rates[column], SMALL.gains[row])
        told, problems = Train.from_query(cell.to_query())
        assert not problems
        alone = record(race.run(told)).at("test_accuracy")
        np.testing.assert_array_equal(maps[v, row, column], alone[0, 0])


@pytest.mark.parametrize(
    ("norm", "more"),
    [
        ("batch_renorm", {"momentum": 0.3}),
        ("rms", {"eps": 0.01}),
        ("group", {"groups": 8}),
        ("ghost_batch", {"ghost_size": 32}),
    ],
)
def test_a_cell_has_the_map_s_settings_of_its_norm(norm: str, more: dict[str, float]) -> None:
    spec = LrInit(norms=(norm,), depth=2, grid=5, steps=50, **more)
    maps = record(lr_init.run(spec, workers=1)).at("test_accuracy")
    cell = spec.cell(norm, spec.rates[3], spec.gains[2])
    assert {name: value for name, value in cell.values().items() if name in more} == more
    told, problems = Train.from_query(cell.to_query())
    assert not problems
    alone = record(race.run(told)).at("test_accuracy")
    np.testing.assert_array_equal(maps[0, 2, 3], alone[0, 0])


def test_the_first_map_is_that_of_fresh_networks(small: Recording) -> None:
    first = small.frame(0)
    assert first.step == 0
    for v, row, column in ((0, 0, 4), (1, 4, 0)):
        cell = SMALL.cell(SMALL.norms[v], SMALL.rates[column], SMALL.gains[row])
        alone = record(race.run(cell.replace(steps=50))).at("test_accuracy", 0)
        assert first.arrays["test_accuracy"][v, row, column] == alone[0, 0]


def test_every_cell_is_in_one_chunk_whose_members_share_rates() -> None:
    for grid in range(5, 13):
        parts = lr_init.chunks(grid)
        assert sorted(np.concatenate(parts).tolist()) == list(range(grid**2))
        assert len(parts) % 2 == 0
        assert max(map(len, parts)) <= 48
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        for one, other in pairwise(parts):  # sorted by rate, so a rate is cut at most between two parts
            assert (one % grid).max() <= (other % grid).min()


def test_frames_are_the_same_with_one_worker_and_with_two(small: Recording, tmp_path: Path) -> None:
    dealt, forks = two_workers.recorded(SMALL, tmp_path / "frames")
    assert forks == 2
    assert [dealt.data(k) for k in range(len(dealt))] == [small.data(k) for k in range(len(small))]


def test_counts_marks_and_best_choices_are_those_of_the_map(small: Recording) -> None:
    gains = np.repeat(SMALL.gains, SMALL.grid)
    for k in range(len(small)):
        arrays = small.frame(k).arrays
        maps = arrays["test_accuracy"].astype(float)
        flat = maps.reshape(len(SMALL.norms), -1)
        for v in range(len(SMALL.norms)):
            over = [value > LEARNED for value in flat[v]]
            assert arrays["learned"][v] == sum(over)
            np.testing.assert_array_equal(np.isfinite(arrays["learned_at"][v]), over)
            np.testing.assert_array_equal(np.isfinite(arrays["diverged_at"][v]), np.isnan(flat[v]))
            for name in ("learned_at", "diverged_at"):
                marked = np.isfinite(arrays[name][v])
                np.testing.assert_array_equal(arrays[name][v][marked], gains[marked])
            for i in range(SMALL.grid):
                for name, values in (("best_by_rate", maps[v, :, i]), ("best_by_gain", maps[v, i])):
                    fine = values[np.isfinite(values)]
                    assert arrays[name][v, i] == (
                        max(fine) if len(fine) else pytest.approx(np.nan, nan_ok=True)
                    )
    last = small.frame(-1).arrays
    assert last["learned"].max() > 0
    assert np.isnan(last["test_accuracy"]).any()


def test_a_diverged_cell_says_when(small: Recording) -> None:
    gone = small.at("diverged_step")[0].reshape(SMALL.grid, SMALL.grid)
    cell = SMALL.cell("none", SMALL.rates[4], SMALL.gains[4])
    assert gone[4, 4] == record(race.run(cell)).at("diverged_at")[0, 0]


def test_the_cells_positions_are_where_the_map_puts_them(small: Recording) -> None:
    arrays = small.frame(0).arrays
    assert tuple(arrays["rates"]) == SMALL.rates
    assert tuple(arrays["gains"]) == SMALL.gains
    assert arrays["cell_rates"].reshape(SMALL.grid, -1).tolist() == [list(SMALL.rates)] * SMALL.grid


def test_notes_hold_only_what_the_maps_bear_out(small: Recording) -> None:
    seen = set()
    for k in range(len(small)):
        frame = small.frame(k)
        maps = frame.arrays["test_accuracy"]
        for note in frame.notes:
            seen.add(note.id)
            TEMPLATES[note.id].format(**note.numbers)
            assert len(note.id) + len(str(dict(note.numbers))) < NOTE_BYTES
            if note.id == "lr_init.counts":
                counts = (maps > LEARNED).sum((1, 2))
                assert (note.numbers["most"], note.numbers["fewest"]) == (counts.max(), counts.min())
                assert "Batch norm" in (note.numbers["best"], note.numbers["worst"])
            if note.id == "lr_init.nowhere":
                assert not (maps > LEARNED).any()
            if note.id == "lr_init.diverged":
                assert note.numbers["n"] == np.isnan(maps).sum((1, 2)).max()
            if note.id == "lr_init.reach":
                v = ["No normalization", "Batch norm"].index(note.numbers["norm"])
                rates = np.array(SMALL.rates)[(maps[v] > LEARNED).any(0)]
                told = (note.numbers["rate_low"], note.numbers["rate_high"])
                assert told == pytest.approx((rates.min(), rates.max()), rel=1e-3)
    assert {"lr_init.start", "lr_init.nowhere", "lr_init.counts", "lr_init.diverged"} <= seen


def test_the_recording_is_no_larger_than_said(small: Recording) -> None:
    assert small.nbytes <= SMALL.cost().recording_bytes
    assert small.schema.facts["frames"] == len(small) == len(SMALL.recorded_steps)


def test_the_summary_counts_what_the_last_map_shows(small: Recording) -> None:
    told = SMALL.summary(small)["norms"]
    maps = small.at("test_accuracy")
    for v, norm in enumerate(SMALL.norms):
        assert told[norm]["over_90"] == (maps[v] > LEARNED).sum()
        assert told[norm]["diverged"] == np.isnan(maps[v]).sum()
        best = told[norm]["best"]
        row, column = SMALL.gains.index(best["gain"]), SMALL.rates.index(best["lr"])
        assert maps[v, row, column] == np.float32(best["test_accuracy"]) == np.nanmax(maps[v])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_more_choices_work_with_batch_norm(seed: int) -> None:
    spec = LrInit(norms=("none", "batch"), grid=5, seed=seed)
    assert (spec.depth, spec.steps, spec.batch_size) == (10, 200, 64)
    none, batch = record(lr_init.run(spec)).at("learned")
    assert none <= 3
    assert batch >= 8
