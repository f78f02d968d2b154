"""Cost: the exported script times every norm that applies, against the same network without one."""

from __future__ import annotations

import pytest
import torch

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_NETWORKS
from normviz.specs.cost import NormCost
from normviz.specs.step_cost import StepCost
from normviz.specs.train import Train
from tests.export.exported import loaded


@pytest.mark.parametrize("network", ["mlp", "cnn"])
@pytest.mark.parametrize("part", ["layer", "step"])
def test_every_norm_is_timed(network: str, part: str) -> None:
    spec = NormCost(network=network, part=part, rounds=10, batch_size=8)
    script = loaded(spec)
    told = script.main()
    assert tuple(told) == spec.measured
    for low, middle, high in told.values():
        assert 0 < low <= middle <= high
    assert told["none"][0] < 1.3
    assert told["none"][2] > 0.7
    if part == "layer":
        layer = script.hidden_layer("none")[0]
        assert len(layer.weight) == spec.layers[-1].channels


@pytest.mark.parametrize("network", ALL_NETWORKS)
def test_the_step_of_a_race_is_timed_with_its_own_settings(network: str) -> None:
    norms = tuple(norm for norm in NORMS if not ALL_NETWORKS[network].reason(norm))[:6]
    suited = {**Train.suited(network), "network": network, "norms": norms, "optimizer": "adam", "eps": 1e-3}
    race = Train(**suited, batch_size=8, ghost_size=2, batches="two_classes", channels=32)
    script = loaded(StepCost.of_step(race).replace(rounds=5))
    net = script.network(norms[-1], 0)
    assert isinstance(script.new_optimizer(net), torch.optim.Adam)
    assert hasattr(script, "of_two_classes")
    assert script.BATCH_SIZE == 8
    told = script.main()
    assert tuple(told) == norms
    for low, middle, high in told.values():
        assert 0 < low <= middle <= high
