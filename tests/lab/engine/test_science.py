"""Facts of the field that the engine must show, measured through its own API."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from normviz.lab.engine import Member, Plan, Probe, Stack


def growth(norm: str, quantity: str, width: int, depth: int, seeds: int = 3) -> float:
    """Factor per layer, towards the input, by which a gradient norm grows at initialization."""
    stack = Stack(
        Plan("mlp", depth, width), [Member(norm, seed, 0.0) for seed in range(seeds)], batch_size=128
    )
    return slope(stack.observe(Probe(stack))[quantity])


def slope(norms: np.ndarray) -> float:
    """Factor per layer towards the input, by a straight line through the logarithms of norms [M, L]."""
    # The first layer has another fan-in and the last ones have not reached the steady growth yet.
    inner = np.log(norms[:, 1:-2].astype(np.float64)).mean(0)
    return math.exp(-np.polyfit(np.arange(len(inner)), inner, 1)[0])


@pytest.mark.slow
def test_batch_norm_makes_gradients_grow_at_initialization() -> None:
    # Yang et al. 2019: 1.467 per layer in the square for large batches, so 1.21 in the norm.
    assert growth("batch", "grad_norm_weight", 256, 30) == pytest.approx(1.21, abs=0.03)
    assert growth("batch", "grad_norm_activation", 256, 30) == pytest.approx(1.21, abs=0.03)
    assert growth("none", "grad_norm_weight", 256, 30) == pytest.approx(1.0, abs=0.05)
    assert growth("layer", "grad_norm_weight", 256, 30) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("gain", [0.5, 0.8, 2.0])
def test_without_a_norm_only_activation_gradients_feel_the_gain(gain: float) -> None:
    # Towards the input a layer multiplies the gradient by its gain and the activations divide by it, so the
    # gradient of the weights, a product of the two, stays where it is.
    stack = Stack(
        Plan("mlp", 12, 128), [Member("none", seed, 0.0, gain) for seed in range(5)], batch_size=128
    )
    seen = stack.observe(Probe(stack))
    assert slope(seen["grad_norm_activation"]) == pytest.approx(gain, rel=0.05)
    assert slope(seen["grad_norm_weight"]) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("norm", ["batch", "layer", "group", "rms"])
def test_ten_times_the_weights_before_a_norm(norm: str) -> None:
    # eps far below the variances, so that the norm forgets the scale of what enters it.
    plan = Plan("mlp", 3, 64, options={"eps": 1e-12})
    stack = Stack(plan, [Member(norm, 0, 0.0), Member(norm, 0, 0.0)], batch_size=64, dtype=torch.float64)
    with torch.no_grad():
        stack.groups[0].net.blocks[1].layer.weight[1] *= 10.0
    seen = stack.observe(Probe(stack))
    stack.step()
    ratio = seen["grad_norm_weight"][0, 1] / seen["grad_norm_weight"][1, 1]
    assert ratio == pytest.approx(10.0, abs=0.01)
    assert abs(stack.losses[0] - stack.losses[1]) < 1e-4


def test_a_bias_before_batch_norm_has_no_gradient() -> None:
    stack = Stack(
        Plan("mlp", 2, 32),
        [Member("batch", 0, 1.0), Member("none", 0, 1.0)],
        batch_size=64,
        dtype=torch.float64,
    )
    stack.step()
    assert stack.parameters(0)["blocks.1.layer.bias"].abs().max() < 1e-14
    assert stack.parameters(1)["blocks.1.layer.bias"].abs().max() > 1e-4


def test_he_initialization_keeps_the_second_moment_through_relu_layers() -> None:
    stack = Stack(Plan("mlp", 8, 256), [Member("none", seed, 0.0) for seed in range(4)], batch_size=64)
    trace = stack.trace(np.arange(400))
    moments = torch.stack([layer.square().mean((1, 2)) for layer in trace.weighted])  # [L, M]
    growth_per_layer = (moments[-1] / moments[1]).log().mean() / 6
    assert abs(growth_per_layer.item()) < 0.1  # in a linear or 1/√n initialization it would be ±log 2


@pytest.mark.slow
def test_forgotten_eval_errors_of_mlp3() -> None:
    # 5 seeds, 20 epochs, batch 32, momentum 0.9, lr 0.05; the published figures of this project.
    stack = Stack(
        Plan("mlp", 3, 128),
        [Member("batch", seed, 0.05) for seed in range(5)],
        optimizer="momentum",
        batch_size=32,
    )
    for _ in range(20 * stack.steps_per_epoch):
        stack.step()
    assert stack.test_error().mean() < 0.04
    errors = [stack.test_error("train", size).mean() for size in (2, 4, 8, 16, 32)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.35
    assert 0.05 < errors[2] < 0.15
    assert stack.test_error("train", 8, "sorted").mean() > 0.7


@pytest.mark.slow
def test_small_normalization_batches_harm_batch_norm_alone() -> None:
    # The batch of the gradient stays 32; only the statistics are taken over parts of it.
    members = [
        Member("ghost_batch", seed, 0.05, options=(("ghost_size", size),))
        for size in (2, 32)
        for seed in range(5)
    ]
    members += [Member(norm, seed, 0.05) for norm in ("group", "layer") for seed in range(5)]
    stack = Stack(Plan("mlp", 3, 128), members, optimizer="momentum", batch_size=32)
    for _ in range(20 * stack.steps_per_epoch):
        stack.step()
    small, large, group, layer = stack.test_error().reshape(4, 5).mean(1)
    assert small > 0.35
    assert large < 0.04
    assert group < 0.05
    assert layer < 0.05
