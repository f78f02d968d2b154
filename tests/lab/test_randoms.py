"""The contract of random numbers, checked against its words."""

from __future__ import annotations

import math

import pytest
import torch

from normviz.lab.randoms import PURPOSES, generator, he_normal


def test_generators_are_seeded_as_documented() -> None:
    for place, purpose in enumerate(PURPOSES):
        expected = torch.rand(5, generator=torch.Generator().manual_seed(8 * 12 + place))
        assert torch.equal(torch.rand(5, generator=generator(12, purpose)), expected)


def test_no_two_purposes_of_any_seed_share_a_generator() -> None:
    seeds = {generator(seed, purpose).initial_seed() for seed in range(50) for purpose in PURPOSES}
    assert len(seeds) == 50 * len(PURPOSES)


@pytest.mark.parametrize("gain", [0.1, 1.0, 2.0])
def test_he_initialization_has_its_standard_deviation(gain: float) -> None:
    weights = he_normal(400, 100, gain, generator(0, "initialization"))
    assert weights.shape == (400, 100)
    assert weights.std().item() == pytest.approx(gain * math.sqrt(2 / 100), rel=0.02)
    assert abs(weights.mean().item()) < 0.003 * gain
