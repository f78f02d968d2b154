"""Placement and the maps: the exported scripts train what the lab trains."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.frames import Frame
from normviz.lab.experiments import lr_init as map_lab
from normviz.lab.experiments import placement as placement_lab
from normviz.specs.lr_init import LrInit
from normviz.specs.placement import PLACED, Placement
from normviz.specs.placement_frames import PLACES
from tests.export.exported import loaded


@pytest.mark.parametrize("norm", PLACED)
def test_both_places(norm: str) -> None:
    spec = Placement(norms=(norm,), depth=2, width=32, seeds=2, steps=50, every=5)
    script, frames = loaded(spec), list(islice(placement_lab.run(spec), 1, 4))
    for p, place in enumerate(PLACES):
        for s, seed in enumerate(spec.seed_values):
            records = list(islice(script.training(norm, seed, placement=place), 3))
            for (step, _, accuracy), frame in zip(records, frames, strict=True):
                assert isinstance(frame, Frame)
                assert step == frame.step
                assert accuracy == pytest.approx(frame.arrays["test_accuracy"][0, p, s], abs=0.005)


def test_places_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    spec = Placement(norms=("batch",), depth=1, width=16, seeds=2, steps=50, every=25)
    records = loaded(spec).main()
    assert list(records) == [("batch", place, seed) for place in PLACES for seed in (0, 1)]
    assert "steps to 94%" in capsys.readouterr().out


@pytest.mark.parametrize("norm", [norm for norm in NORMS if not reason(norm, "mlp")])
def test_a_map(norm: str) -> None:
    spec = LrInit(norms=(norm,), depth=1, grid=5, steps=50)
    told = loaded(spec).main()
    *_, frame = map_lab.run(spec, workers=1)
    assert isinstance(frame, Frame)
    ours, theirs = np.array(told[norm]), frame.arrays["test_accuracy"][0]
    assert (np.isnan(ours) == np.isnan(theirs)).all()
    # Training amplifies rounding: most where networks neither learn nor stand still.
    assert np.nanmedian(np.abs(ours - theirs)) < 0.01
    assert np.nanmax(np.abs(ours - theirs)) < 0.2
