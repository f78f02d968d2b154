"""Train: the exported script's losses are the lab's."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from normviz.catalog.norms import NORMS
from normviz.lab.experiments.train import run
from normviz.specs.train import Train
from tests.export.exported import loaded

STEPS = 11
SMALL: dict[str, Any] = {"depth": 3, "steps": 50, "seeds": 2, "every": 1, "seed": 3, "lr": 0.1}


def lab(spec: Train, frames: int) -> dict[str, Any]:
    """Arrays of the first frames, one after the other."""
    told = list(islice((one for one in run(spec)), 1, frames + 1))
    return {
        "loss": np.stack([one.arrays["loss"] for one in told]),
        "accuracy": {one.step: one.arrays["test_accuracy"] for one in told if "test_accuracy" in one.arrays},
    }


def scripted(spec: Train, frames: int) -> dict[str, Any]:
    """The same from the exported script."""
    module = loaded(spec)
    rows = [
        [list(islice(module.training(norm, seed), frames)) for seed in spec.seed_values]
        for norm in spec.norms
    ]
    loss = np.array([[[one[1] for one in records] for records in row] for row in rows])
    accuracy: dict[int, Any] = {}
    for v, row in enumerate(rows):
        for s, records in enumerate(row):
            for step, _, share in records:
                if share is not None:
                    accuracy.setdefault(step, np.zeros((len(spec.norms), spec.seeds)))[v, s] = share
    return {"loss": np.moveaxis(loss, 2, 0), "accuracy": accuracy}


def assert_agree(spec: Train, frames: int = STEPS, rtol: float = 1e-4) -> None:
    """Losses to 1e-4, test accuracies to one sample in a hundred."""
    ours, theirs = scripted(spec, frames), lab(spec, frames)
    np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=rtol)
    assert ours["accuracy"].keys() == theirs["accuracy"].keys()
    for step, share in theirs["accuracy"].items():
        np.testing.assert_allclose(ours["accuracy"][step], share, atol=0.01)


@pytest.mark.parametrize("network", ["mlp", "cnn"])
@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_on_pictures(network: str, norm: str) -> None:
    spec = {**SMALL, "network": network, "norms": (norm,), "width": 32, "batch_size": 32}
    if network == "cnn":
        spec |= {"depth": 2, "seeds": 1, "batch_size": 16}
    if Train(network=network, norms=("none",), depth=2).net.reason(norm):
        return
    assert_agree(Train(**spec))
