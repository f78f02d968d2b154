"""Anatomy: the exported script computes the page's numbers with torch's layers."""

from __future__ import annotations

from typing import Any

import pytest

from normviz.catalog.norms import NORMS
from normviz.export import ExportError, script
from normviz.frames import Frame
from normviz.lab.experiments.anatomy_numbers import run
from normviz.specs.anatomy import SHAPES, Anatomy
from tests.export.exported import loaded


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("form", SHAPES)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"mode": "eval", "axes": "c", "limits": "wide"},
        {"dragged": "7=4.5,3=-2", "gamma": "0=2.5,1=0.3", "beta": "0=-1.5,1=2"},
    ],
)
def test_the_chosen_cell(norm: str, form: str, more: dict[str, Any]) -> None:
    spec = Anatomy(norm=norm, form=form, cell=7, **more)
    if form == "1d" and norm in ("instance", "frn"):
        return
    told = loaded(spec).main()
    *_, frame = run(spec)
    assert isinstance(frame, Frame)
    for name in ("x", "y", "dx"):
        assert told[name] == pytest.approx(float(frame.arrays[name][spec.chosen]), rel=1e-9, abs=1e-12), name


def test_running_statistics_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    spec = Anatomy(norm="ghost_batch")
    loaded(spec).main()
    *_, frame = run(spec)
    assert isinstance(frame, Frame)
    mean = frame.arrays["running_mean"]
    assert str(mean[0].tolist()) in capsys.readouterr().out.replace("tensor", "")


def test_a_norm_that_does_not_apply_says_why() -> None:
    with pytest.raises(ExportError, match="belongs to convolutions"):
        script(Anatomy(norm="instance", form="1d"))
