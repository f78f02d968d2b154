"""Every experiment on another device: its numbers are those of the CPU, bit for bit.

The device is a stand-in (`tests.lab.elsewhere`), which computes with the CPU's kernels and refuses what CUDA
refuses.  So this shows that everything is moved, kept and brought back as it should be; how a GPU rounds, and
how fast it is, it does not show.
"""

from __future__ import annotations

from typing import Any

import pytest

from normviz.frames import Schema
from normviz.lab.runs import runner
from normviz.spec import Spec
from normviz.specs import EXPERIMENTS, MEASURED
from tests.lab.elsewhere import computing_elsewhere

SMALL: dict[str, list[dict[str, Any]]] = {
    "forgotten_eval": [
        {"depth": 1, "width": 16, "epochs": 1, "seeds": 2, "batch_size": 64, "deploy_batch": 16}
    ],
    "batch_size": [
        {"depth": 1, "width": 16, "epochs": 1, "seeds": 1, "norms": ("none", "batch_renorm", "group")}
    ],
    "regularization": [{"steps": 100, "depth": 1, "width": 16, "seeds": 3}],
    "signal": [
        {"depth": 3, "width": 16, "seeds": 2, "groups": 4},
        {"inputs": "gaussian", "activation": "tanh", "depth": 2, "width": 16},
    ],
    "train": [
        {"depth": 2, "width": 16, "steps": 50, "seeds": 2, "dropout": 0.1, "changes": "9:norm.batch=none"},
        {"depth": 2, "width": 16, "steps": 50, "seeds": 1, "dataset": "moons"},
        {"depth": 1, "width": 16, "steps": 50, "seeds": 1, "batches": "two_classes", "norms": ("batch",)},
    ],
    "placement": [{"depth": 2, "width": 16, "steps": 50, "seeds": 2, "every": 25}],
    "lr_init": [{"depth": 1, "grid": 5, "steps": 50}],
    "scale": [{"depth": 2, "width": 16, "steps": 10}],
    "landscape": [{"depth": 2, "width": 16, "steps": 20, "seeds": 1, "every": 10}],
    "noisy_bn": [{"depth": 2, "width": 16, "steps": 40, "seeds": 2}],
    "sequences": [
        {"network": network, "depth": 1, "width": 16, "steps": 50, "seeds": 1, "deepest": 8, "deep_width": 16}
        for network in ("transformer", "rnn")
    ],
    "claims": [
        {"claim": claim, "seeds": 2, "steps": 50, "epochs": 1, "width": 32} for claim in ("1", "5", "7", "9")
    ],
    "cost": [{"part": "step", "network": "mlp", "rounds": 5, "norms": ("batch",)}],
    "step_cost": [{"depth": 1, "width": 16, "seeds": 1, "rounds": 5}],
}  # fmt: skip
"""Settings that take an experiment little time; one not named here runs with those it has at first."""

DOES_NOT_TRAIN = {"anatomy"}
TIMES_THE_PROCESSOR = {"cost", "step_cost"}
"""Frames that differ from run to run, and networks that are on the CPU wherever the others are."""

LONG = {"forgotten_eval-0", "claims-0", "claims-2", "sequences-1"}

SPECS = [
    pytest.param(kind(**small), id=f"{name}-{i}", marks=[pytest.mark.slow] * (f"{name}-{i}" in LONG))
    for name, kind in {**EXPERIMENTS, **MEASURED}.items()
    if kind.__module__.startswith("normviz.")
    for i, small in enumerate(SMALL.get(name, [{}]))
]


def frames(spec: Spec) -> list[bytes]:
    """Everything that a run says."""
    schema, *told = runner(spec)(spec)
    assert isinstance(schema, Schema)
    return [schema.to_json().encode(), *(schema.encode(frame) for frame in told)]  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", SPECS)
def test_every_experiment(spec: Spec) -> None:
    expected = frames(spec)
    with computing_elsewhere(doubles=False) as stand_in:
        found = frames(spec)
    if spec.name in TIMES_THE_PROCESSOR | DOES_NOT_TRAIN:
        assert not stand_in.computed
    else:
        assert stand_in.computed & {"baddbmm", "convolution"}
    if spec.name not in TIMES_THE_PROCESSOR:
        assert found == expected
