"""Cost: the exported script times every norm that applies, against the same network without one."""

from __future__ import annotations

import pytest

from normviz.specs.cost import NormCost
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
