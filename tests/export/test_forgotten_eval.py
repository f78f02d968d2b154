"""The forgotten eval(): the exported script measures what the lab measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from normviz.catalog.norms import NORMS
from normviz.frames import Frame
from normviz.lab.experiments.forgotten_eval import run
from normviz.specs import forgotten_eval_frames as asked
from normviz.specs.forgotten_eval import ForgottenEval
from tests.export.exported import loaded

SAMPLES = 1.0
"""Percent of the test samples that may get another label: rounding decides where two classes are even."""


def lab(spec: ForgottenEval) -> dict[str, Any]:
    """The last value of every array, until the experiments that the script leaves out begin."""
    told: dict[str, Any] = {}
    for one in run(spec):
        if isinstance(one, Frame):
            told |= one.arrays
            if not np.isnan(told.get("repair", np.array([[np.nan] * 5]))[0, 4]):
                break
    return told


QUICK = ("batch", "layer", "weight_norm")


@pytest.mark.parametrize(
    "norm",
    [
        pytest.param(norm, marks=() if norm in QUICK else pytest.mark.slow)
        for norm in NORMS
        if norm not in ("instance", "frn")
    ],
)
def test_errors_are_those_of_the_lab(norm: str) -> None:
    network = "cnn" if norm in ("batch_renorm",) else "mlp"
    spec = ForgottenEval(norm=norm, epochs=1, width=32, seeds=2, batch_size=64, network=network, depth=2)
    ours, theirs = loaded(spec).main(), lab(spec)
    for seed, mine in enumerate(ours):
        assert mine["eval mode"] == pytest.approx(theirs["eval_error"][seed], abs=SAMPLES)
        for i, size in enumerate(asked.BATCH_SIZES):
            error = mine.get(f"training mode, batches of {size}", np.nan)
            assert error == pytest.approx(theirs["shuffled"][seed, i], abs=SAMPLES, nan_ok=True), size
        for i, size in enumerate(asked.SORTED_SIZES):
            for name, array in (
                (f"training mode, sorted by class, batches of {size}", "sorted"),
                (f"eval mode after a shuffled pass in batches of {size}", "after_shuffled"),
                (f"eval mode after a sorted pass in batches of {size}", "after_sorted"),
            ):
                assert mine[name] == pytest.approx(theirs[array][seed, i], abs=SAMPLES), name
        flips = mine[f"labels that change, batches of {spec.deploy_batch}"]
        assert flips == pytest.approx(theirs["flip_share"][seed], abs=SAMPLES)
        recalibrated = mine["eval mode after the statistics were recalibrated"]
        place = asked.repairs(spec).index("recalibrated")
        assert recalibrated == pytest.approx(theirs["repair"][seed, place], abs=SAMPLES)
