"""A stack on another device: every network with every norm, and everything that can be asked of it.

The device is a stand-in (`tests.lab.elsewhere`) that computes with the CPU's kernels: every number is the
CPU's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_NETWORKS
from normviz.lab import devices
from normviz.lab.engine import Member, Plan, Probe, Stack
from normviz.lab.engine.lines import along_the_gradient
from normviz.lab.engine.moments import Moments
from normviz.lab.engine.optimizers import OPTIMIZERS
from normviz.lab.norms import Noise
from tests.lab.elsewhere import DEVICE, Away, computing_elsewhere

PAIRS = [(network, norm) for network, fact in ALL_NETWORKS.items() for norm in NORMS if not fact.reason(norm)]
OPTIONS = {"groups": 2, "ghost_size": 4}


def plan_of(network: str, **more: Any) -> Plan:
    fact = ALL_NETWORKS[network]
    dataset = "digits" if fact.form != "sequence" else "marked"
    return Plan(network, fact.depths[0], 16, dataset=dataset, options=OPTIONS, **more)


def numbers(stack: Stack) -> list[Any]:
    """What a stack tells on the way and in the end, as arrays and tensors of the CPU."""
    told: list[Any] = [stack.recorded_step(Probe(stack)), stack.losses, stack.accuracy]
    stack.step(2)
    trained = stack.snapshot()
    told += [stack.logits(None, "train", 128, update=True), stack.test_error()]
    told += [stack.test_error("train", 128, "sorted")]
    told += [*stack.statistics(), stack.trace([0, 1, 2]).outputs, stack.test_labels()]
    stack.recalibrate(batches=2)
    stack.step()
    stack.restore(trained)
    stack.step()
    return [*told, stack.losses, stack.parameters(1), stack.data(0).x_test]


def equal(one: Any, other: Any) -> bool:
    """Whether two lots of numbers are the same, bit for bit, and on the CPU."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, torch.Tensor):
        assert not isinstance(other, Away)
        return torch.equal(one, other)
    assert isinstance(other, np.ndarray)
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


def test_a_process_computes_on_the_cpu_until_told_otherwise() -> None:
    stack = Stack(plan_of("mlp"), [Member("batch", 0, 0.1)])
    assert stack.device == devices.here() == torch.device("cpu")
    with computing_elsewhere():
        assert Stack(plan_of("mlp"), [Member("batch", 0, 0.1)]).device == DEVICE
        assert Stack(plan_of("mlp"), [Member("batch", 0, 0.1)], device="cpu").device == devices.CPU


@pytest.mark.parametrize(("network", "norm"), PAIRS)
def test_every_network_with_every_norm(network: str, norm: str) -> None:
    def told() -> list[Any]:
        members = [Member(norm, 0, 0.05), Member("none", 0, 0.1), Member(norm, 1, 0.1)]
        return numbers(Stack(plan_of(network, n_train=64), members, batch_size=16, optimizer="adam"))

    expected = told()
    with computing_elsewhere(doubles=False) as stand_in:
        assert equal(expected, told())
    assert stand_in.computed & {"baddbmm", "convolution"}
    assert "_fused_adam_" in stand_in.computed


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_with_everything_that_changes_a_step(optimizer: str) -> None:
    def told() -> list[Any]:
        noise = Noise(0.5, 1.2, 0.1)
        members = [Member("batch", 0, 0.05, noise=noise), Member("layer", 1, 0.1), Member("layer", 0, 1e30)]
        stack = Stack(plan_of("mlp", dropout=0.2), members, batch_size=16, micro_batch=4, optimizer=optimizer)
        stack.step(12)  # the last member diverges, and the parameters are looked at
        return [stack.losses, stack.accuracy, stack.diverged_at, stack.test_error()]

    expected = told()
    assert expected[2][2] >= 0
    with computing_elsewhere(doubles=False):
        assert equal(expected, told())


def test_changes_chosen_batches_and_looks() -> None:
    def told() -> list[Any]:
        members = [Member("batch", 0, 0.05), Member("layer", 1, 0.1)]
        stack = Stack(plan_of("mlp"), members, batch_size=16, batches="two_classes")
        seen = [along_the_gradient(stack, (0.0, 1.0)), stack.observe(Moments(stack))]
        stack.step_on(torch.arange(32).view(2, 16))
        stack.change([Member("group", 0, 0.02), Member("layer", 1, 0.2)])
        stack.change_batch_size(8)
        stack.freeze_statistics()
        stack.step(2)
        return [*seen, stack.losses, stack.parameters(0)]

    expected = told()
    with computing_elsewhere(doubles=False):
        assert equal(expected, told())
