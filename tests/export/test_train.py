"""Train: the exported script's losses are the lab's."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_NETWORKS
from normviz.lab.engine import Stack
from normviz.lab.experiments.train import Race, run
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


def scripted(spec: Train, frames: int, **settings: Any) -> dict[str, Any]:
    """The same from the exported script."""
    module = loaded(spec, **settings)
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


def assert_agree(spec: Train, frames: int = STEPS) -> None:
    """In 32-bit floats losses to 1e-4 over the first steps, test accuracies to one sample in a hundred."""
    ours, theirs = scripted(spec, frames), lab(spec, frames)
    np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=1e-4)
    assert ours["accuracy"].keys() == theirs["accuracy"].keys()
    for step, share in theirs["accuracy"].items():
        np.testing.assert_allclose(ours["accuracy"][step], share, atol=0.01)


def assert_agree_in_double(spec: Train, frames: int = STEPS, rtol: float = 1e-9) -> None:
    """In 64-bit floats losses to 1e-9: nothing but rounding is different."""
    race = Race(spec)
    stack = race.stack
    race.stack = Stack(
        stack.plan, stack.members, optimizer=spec.optimizer, batch_size=spec.batch_size, batches=spec.batches,
        dtype=torch.float64,
    )  # fmt: skip
    theirs = []
    for step in range(frames):
        race.prepare(step)
        race.stack.step()
        theirs.append(race.stack.losses.reshape(len(spec.norms), spec.seeds))
    ours = scripted(spec, frames, DTYPE=torch.float64)["loss"]
    np.testing.assert_allclose(ours, np.stack(theirs), rtol=rtol)


@pytest.mark.parametrize("network", ["mlp", "cnn"])
@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_on_pictures(network: str, norm: str) -> None:
    spec = {**SMALL, "network": network, "norms": (norm,), "width": 32, "batch_size": 32}
    if network == "cnn":
        spec |= {"depth": 2, "seeds": 1, "batch_size": 16}
    if Train(network=network, norms=("none",), depth=2).net.reason(norm):
        return
    assert_agree(Train(**spec))


@pytest.mark.parametrize("norm", ["none", "batch", "frn", "weight_standardization"])
@pytest.mark.parametrize("depth", [6, 9])
def test_a_resnet(norm: str, depth: int) -> None:
    more = {"depth": depth, "seeds": 1, "batch_size": 16, "network": "resnet", "norms": (norm,), "lr": 0.01}
    assert_agree_in_double(Train(**{**SMALL, **more}), 5)
    # GELU: behind standardized weights a uniform ground is 0 up to rounding, where ReLU has its kink.
    more |= {"placement": "after", "dropout": 0.2, "activation": "gelu"}
    assert_agree_in_double(Train(**{**SMALL, **more}), 3)


@pytest.mark.parametrize("dataset", ["moons", "circles", "spiral", "xor"])
def test_points(dataset: str) -> None:
    assert_agree_in_double(Train(**{**SMALL, "dataset": dataset, "norms": ("none", "batch")}))


@pytest.mark.parametrize("network", ["cnn", "resnet"])
def test_shapes(network: str) -> None:
    more = {
        "network": network,
        "dataset": "shapes",
        "norms": ("batch",),
        "seeds": 1,
        "batch_size": 8,
        "lr": 0.01,
    }
    assert_agree_in_double(Train(**{**SMALL, **more, "lr": 0.01}), 3)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_every_optimizer(optimizer: str) -> None:
    assert_agree_in_double(
        Train(**{**SMALL, "optimizer": optimizer, "lr": 0.01, "norms": ("none", "batch", "dyt")})
    )


@pytest.mark.parametrize(
    "more",
    [
        {"batches": "two_classes"},
        {"activation": "gelu"},
        {"placement": "after"},
        {"dropout": 0.3},
        {"gain": 2.0},
    ],
)
def test_what_else_there_is(more: dict[str, Any]) -> None:
    assert_agree_in_double(
        Train(**{**SMALL, **more, "norms": ("none", "batch", "rms"), "eps": 0.01, "momentum": 0.5})
    )


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_changes_at_a_step(optimizer: str) -> None:
    changes = "3:lr=0.02;5:norm.none=batch;4:batch_size=32;6:norm.batch=weight_norm"
    more = {"changes": changes, "optimizer": optimizer, "lr": 0.01, "dropout": 0.1}
    assert_agree_in_double(Train(**{**SMALL, **more, "norms": ("none", "batch", "layer")}))


def test_batches_of_two_classes_that_change_their_size() -> None:
    more = {"batches": "two_classes", "changes": "4:batch_size=16;7:batch_size=128;7:lr=0.01"}
    assert_agree_in_double(Train(**{**SMALL, **more, "norms": ("none", "batch", "batch_renorm", "layer")}))


@pytest.mark.parametrize("was", ["weight_norm", "weight_standardization", "group"])
@pytest.mark.parametrize("becomes", ["weight_norm", "weight_standardization", "batch_renorm"])
def test_a_norm_that_becomes_another_one(was: str, becomes: str) -> None:
    if was != becomes:
        more = {"changes": f"4:norm.{was}={becomes}", "norms": (was,), "optimizer": "momentum", "lr": 0.02}
        assert_agree_in_double(Train(**{**SMALL, **more}))


def test_a_network_that_diverges_is_said_to() -> None:
    spec = Train(**{**SMALL, "norms": ("none", "batch"), "lr": 10.0, "gain": 10.0})
    ours, theirs = scripted(spec, STEPS), lab(spec, STEPS)
    assert (np.isnan(ours["loss"]) == np.isnan(theirs["loss"])).all()
    assert np.isnan(ours["loss"][-1]).any()


@pytest.mark.parametrize("network", ["rnn", "gru", "transformer"])
@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_on_sequences(network: str, norm: str) -> None:
    if ALL_NETWORKS[network].reason(norm):
        return
    more = {"network": network, "dataset": "marked", "norms": (norm,), "width": 32, "batch_size": 32}
    more |= {"depth": 2, "seeds": 1, "lr": 0.05, "activation": "tanh"}
    assert_agree_in_double(Train(**{**SMALL, **more}), 5)


@pytest.mark.parametrize("network", ["rnn", "gru", "transformer"])
def test_what_else_there_is_of_sequences(network: str) -> None:
    more = {"network": network, "dataset": "digits_rows", "norms": ("batch", "layer"), "width": 32}
    more |= {"depth": 2, "seeds": 1, "lr": 0.05, "dropout": 0.2, "changes": "3:norm.batch=rms"}
    if network == "transformer":
        more |= {"causal": False}
    if network != "gru":
        more |= {"placement": "after"}
    assert_agree_in_double(Train(**{**SMALL, **more}), 6)


@pytest.mark.parametrize("network", ["rnn", "gru", "transformer"])
@pytest.mark.parametrize("becomes", ["batch_renorm", "ghost_batch"])
def test_a_norm_over_the_batch_that_begins_while_sequences_are_read(network: str, becomes: str) -> None:
    more = {"network": network, "dataset": "marked", "norms": ("layer", "batch"), "width": 32, "depth": 1}
    more |= {"seeds": 1, "lr": 0.05, "changes": f"3:norm.layer={becomes}", "batch_size": 32}
    assert_agree_in_double(Train(**{**SMALL, **more}), 5)  # at the sixth step rounding has grown past it
