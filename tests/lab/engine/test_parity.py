"""A member of a stack does what the same network does in the usual loop with torch.nn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from normviz.catalog.networks import ACTIVATIONS, NETWORKS, OPTIMIZERS
from normviz.catalog.norms import NORMS, reason
from normviz.lab.engine import Member, Plan, Stack
from tests.lab import plain

SMALL = {"mlp": (3, 32), "cnn": (3, 16), "resnet": (8, 16)}
FITTING = [
    (network, norm) for network in NETWORKS for norm in NORMS if not reason(norm, NETWORKS[network].form)
]


def pair(plan: Plan, member: Member, optimizer: str, batch_size: int, steps: int, dtype: torch.dtype):
    """Losses of the member in a stack of three and in the usual loop, and both networks' test logits."""
    others = [
        Member(member.norm, member.seed + 1, member.lr),
        Member(member.norm, member.seed + 2, 2 * member.lr),
    ]
    stack = Stack(
        plan, [others[0], member, others[1]], optimizer=optimizer, batch_size=batch_size, dtype=dtype
    )
    losses = []
    for _ in range(steps):
        stack.step()
        losses.append(stack.losses[1])
    net = plain.network(
        form=plan.network,
        shape=plan.shape,
        classes=plan.classes,
        depth=plan.depth,
        width=plan.width,
        norm=member.norm,
        seed=member.seed,
        gain=member.gain,
        activation=plan.activation,
        placement=plan.placement,
        dropout=plan.dropout,
        options=dict(plan.options),
        dtype=dtype,
    )
    split = stack.data(1)
    x, y = split.x_train.to(dtype), split.y_train
    expected = plain.train(
        net, plain.optimizer(optimizer, net, member.lr), x, y, member.seed, batch_size, steps
    )
    net.eval()
    with torch.no_grad():
        logits = net(split.x_test.to(dtype))
    return np.array(losses), np.array(expected), stack.logits()[1], logits


@pytest.mark.parametrize(("network", "norm"), FITTING)
def test_every_norm_agrees_in_float64(network: str, norm: str) -> None:
    depth, width = SMALL[network]
    steps = {"mlp": 100, "cnn": 12, "resnet": 5}[network]
    losses, expected, logits, plain_logits = pair(
        Plan(network, depth, width), Member(norm, 3, 0.02), "momentum", 16, steps, torch.float64
    )
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-12 if network == "mlp" else 1e-11)
    torch.testing.assert_close(logits, plain_logits, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_every_optimizer_agrees_in_float64(optimizer: str, norm: str) -> None:
    lr = 0.002 if optimizer == "adam" else 0.05
    losses, expected, logits, plain_logits = pair(
        Plan("mlp", 2, 32), Member(norm, 5, lr), optimizer, 32, 100, torch.float64
    )
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(logits, plain_logits, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("placement", ["before", "after"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation_and_placement_agree_in_float64(activation: str, placement: str) -> None:
    plan = Plan("mlp", 2, 32, activation, placement)
    losses, expected, logits, plain_logits = pair(
        plan, Member("batch", 1, 0.05), "sgd", 16, 40, torch.float64
    )
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(logits, plain_logits, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("norm", ["none", "batch", "frn"])
@pytest.mark.parametrize("depth", [3, 5])
def test_a_residual_network_agrees_with_the_norm_after_the_activation(depth: int, norm: str) -> None:
    plan = Plan("resnet", depth, 16, "tanh", "after")
    losses, expected, logits, plain_logits = pair(plan, Member(norm, 2, 0.02), "sgd", 16, 4, torch.float64)
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-11)
    torch.testing.assert_close(logits, plain_logits, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("network", NETWORKS)
def test_dropout_and_gain_agree_in_float64(network: str) -> None:
    depth, width = SMALL[network]
    plan = Plan(network, depth, width, dropout=0.3)
    losses, expected, *_ = pair(plan, Member("batch", 2, 0.02, gain=0.5), "sgd", 16, 12, torch.float64)
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dataset", ["moons", "spiral"])
def test_points_agree_in_float64(dataset: str) -> None:
    plan = Plan("mlp", 3, 16, "tanh", dataset=dataset)
    losses, expected, *_ = pair(plan, Member("layer", 0, 0.05), "momentum", 50, 60, torch.float64)
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("network", "norm"), FITTING)
def test_every_norm_agrees_in_float32_over_the_first_steps(network: str, norm: str) -> None:
    # Only the first ones: training is chaotic, the more so in a deep network, and rounding differs between
    # one network and a stack.
    depth, width = SMALL[network]
    steps = 4 if network == "resnet" else 10
    losses, expected, *_ = pair(
        Plan(network, depth, width), Member(norm, 4, 0.02), "sgd", 32, steps, torch.float32
    )
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-4)
