"""The forgotten eval(): the scripts of all chapters measure what the lab measures."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from normviz.catalog.norms import NORMS
from normviz.export import chapters
from normviz.frames import Frame
from normviz.lab.experiments.forgotten_eval import run
from normviz.specs import forgotten_eval_frames as asked
from normviz.specs.forgotten_eval import ForgottenEval
from tests.export.exported import loaded

SAMPLES = 1.0
"""Percent of the test samples that may get another label: rounding decides where two classes are even."""
QUICK = ("batch", "layer")
FITTING = [norm for norm in NORMS if norm not in ("instance", "frn")]


def spec_of(norm: str) -> ForgottenEval:
    """A short training; one norm with a CNN."""
    network = "cnn" if norm == "batch_renorm" else "mlp"
    return ForgottenEval(norm=norm, epochs=1, width=32, seeds=2, batch_size=64, network=network, depth=2)


@cache
def lab(norm: str) -> dict[str, Any]:
    """The last value of every array; for norms that are not tried in all chapters, of those of the first."""
    told: dict[str, Any] = {}
    for one in run(spec_of(norm)):
        if isinstance(one, Frame):
            told |= one.arrays
            if norm not in QUICK and "flip_share" in told:
                break
    return told


@pytest.fixture(params=QUICK)
def norm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def agree(mine: list[dict[str, float]], name: str, theirs: Any) -> None:
    """A quantity of every seed."""
    found = [one[name] for one in mine]
    assert found == pytest.approx(list(theirs), abs=SAMPLES, nan_ok=True), name


@pytest.mark.parametrize(
    "norm", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in FITTING]
)
def test_modes(norm: str) -> None:
    mine, theirs = loaded(spec_of(norm)).main(), lab(norm)
    agree(mine, "eval mode", theirs["eval_error"])
    for i, size in enumerate(asked.BATCH_SIZES):
        agree(mine, f"training mode, batches of {size}", theirs["shuffled"][:, i])
    for i, size in enumerate(asked.SORTED_SIZES):
        agree(mine, f"training mode, sorted by class, batches of {size}", theirs["sorted"][:, i])


def test_neighbours(norm: str) -> None:
    (shares, met), theirs = loaded(spec_of(norm), "neighbours").main(), lab(norm)
    assert shares == pytest.approx(list(theirs["flip_share"]), abs=SAMPLES)
    apart = np.abs(np.array(met) - theirs["company_p"])
    assert np.median(apart) < 0.2  # percent of probability: the same sample among the same mates
    assert apart.max() < 5.0


def test_repairs(norm: str) -> None:
    spec, theirs = spec_of(norm), lab(norm)
    mine = loaded(spec, "repairs").main()
    for i, size in enumerate(asked.SORTED_SIZES):
        agree(mine, f"after a shuffled pass in batches of {size}", theirs["after_shuffled"][:, i])
        agree(mine, f"after a sorted pass in batches of {size}", theirs["after_sorted"][:, i])
    names = {
        "train_mode": f"training mode, batches of {spec.deploy_batch}",
        "after_pass": f"after a sorted pass in batches of {spec.deploy_batch}",
        "eval": "eval mode",
        "recalibrated": "after that, recalibrated",
        "frozen": "after a pass with frozen norms",
    }
    for name, own in names.items():
        agree(mine, own, theirs["repair"][:, asked.repairs(spec).index(name)])
    for o, other in enumerate(spec.others):
        for i, size in enumerate(asked.BATCH_SIZES):
            told = theirs["other_shuffled"][:, o, i]
            agree(mine, f"{other} norm, training mode, batches of {size}", told)


def test_opposites(norm: str) -> None:
    spec, theirs = spec_of(norm), lab(norm)
    if not NORMS[norm].running_statistics:
        assert "opposites" not in chapters(spec)
        return
    mine = loaded(spec, "opposites").main()
    for m, mode in enumerate(asked.TRAINED_IN):
        for r, rate in enumerate(asked.RATES):
            for p, step in enumerate(spec.opposite_steps):
                name = f"norm in {mode} mode, lr {rate * spec.lr:g}, step {step}"
                agree(mine, name, theirs["opposite"][:, m, r, p])
    names = ("its own domain", "another domain", "another domain, training mode",
             "another domain, recalibrated", "its own domain again",
             *(f"another domain, {other} norm" for other in spec.others))  # fmt: skip
    for i, name in enumerate(names):
        agree(mine, name, theirs["domain"][:, i])
    for o, order in enumerate(asked.ORDERS):
        for s, state in enumerate(asked.STATES):
            for t, step in enumerate(asked.TUNING_STEPS[:4]):  # later ones amplify rounding
                agree(mine, f"{order} fine-tuning, {state}, step {step}", theirs["tuned"][:, o, s, t])


def test_dropout(norm: str) -> None:
    (mine, ratios), theirs = loaded(spec_of(norm), "dropout").main(), lab(norm)
    for i, name in enumerate(("eval mode", "training mode, batches of 256", "training mode, batches of 2")):
        agree(mine, name, theirs["dropout"][:, i])
    assert bool(ratios) == NORMS[norm].running_statistics
    for i, rows in enumerate(ratios.values()):
        for column, name in enumerate(("keep_measured", "keep_formula")):
            told = theirs[name][i]
            np.testing.assert_allclose(np.array(rows)[:, column], told[np.isfinite(told)], rtol=5e-3)
