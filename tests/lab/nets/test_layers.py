"""Stacked layers against torch.nn, one member at a time, and the contract of their initialization."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from normviz.catalog.networks import NETWORKS
from normviz.lab import nets
from normviz.lab.nets.layers import Conv, Dropout, Linear, Tape
from normviz.lab.randoms import generator, he_normal


def test_linear_is_nn_linear_of_each_member() -> None:
    stacked = Linear(3, 32, 16)
    for member in range(3):
        stacked.draw(member, 16, 1.0, generator(member, "initialization"))
    nn.init.normal_(stacked.bias, generator=torch.Generator().manual_seed(0))
    x = torch.randn(3, 5, 32, generator=torch.Generator().manual_seed(1))
    for member in range(3):
        single = nn.Linear(32, 16)
        with torch.no_grad():
            single.weight.copy_(stacked.flat_weight[member])
            single.bias.copy_(stacked.bias[member, 0])
        torch.testing.assert_close(stacked(x)[member], single(x[member]))


@pytest.mark.parametrize("members", [1, 2, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_conv_is_nn_conv2d_of_each_member(members: int, stride: int) -> None:
    stacked = Conv(members, 16, 32, stride)
    for member in range(members):
        stacked.draw(member, 32, 1.0, generator(member, "initialization"))
    nn.init.normal_(stacked.bias, generator=torch.Generator().manual_seed(0))
    x = torch.randn(members, 4, 16, 8, 8, generator=torch.Generator().manual_seed(1), requires_grad=True)
    y = stacked(x)
    gradients = torch.autograd.grad(y.square().sum(), (x, stacked.weight, stacked.bias))
    for member in range(members):
        single = nn.Conv2d(16, 32, 3, stride, padding=1)
        with torch.no_grad():
            single.weight.copy_(stacked.weight[member])
            single.bias.copy_(stacked.bias[member])
        alone = x[member].detach().requires_grad_()
        expected = single(alone)
        torch.testing.assert_close(y[member], expected)
        wanted = torch.autograd.grad(expected.square().sum(), (alone, single.weight, single.bias))
        for found, want in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(found[member], want, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("network", NETWORKS)
def test_weights_are_drawn_in_torchs_order(network: str) -> None:
    net = nets.build(network, members=2, shape=(1, 8, 8), classes=10, depth=2, width=16)
    net.draw([4, 9], [1.0, 0.5])
    for member, (seed, gain) in enumerate(((4, 1.0), (9, 0.5))):
        source = generator(seed, "initialization")
        for block in net.blocks:
            flat = block.layer.flat_weight[member]
            torch.testing.assert_close(flat, he_normal(*flat.shape, gain, source), rtol=0, atol=0)
            assert (block.layer.bias == 0).all()
        head = net.head.flat_weight[member]
        torch.testing.assert_close(head[:10], he_normal(10, head.shape[1], gain, source), rtol=0, atol=0)
        assert (head[10:] == 0).all()


def test_the_pads_of_the_head_stay_zero_while_training() -> None:
    from normviz.lab.engine import Member, Plan, Stack

    stack = Stack(Plan("mlp", 1, 16), [Member("batch", 0, 0.01)], optimizer="adam", batch_size=32)
    for _ in range(20):
        stack.step()
    parameters = stack.parameters(0)
    assert (parameters["head.weight"][:, 10:] == 0).all()
    assert (parameters["head.bias"][:, 10:] == 0).all()
    assert (parameters["head.weight"][:, :10] != 0).all()


def test_dropout_zeroes_a_share_and_keeps_the_mean() -> None:
    x = torch.ones(3, 100, 64)
    y = Dropout(0.3, [5, 6, 5])(x)
    assert (y == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert y.mean().item() == pytest.approx(1.0, abs=0.03)
    assert torch.equal(y[0], y[2])  # one seed, one mask
    assert not torch.equal(y[0], y[1])


def test_a_tape_holds_every_stage_of_every_layer() -> None:
    net = nets.build("mlp", members=2, shape=(1, 8, 8), classes=10, depth=3, width=32, norm="layer")
    net.draw([0, 1], [1.0, 1.0])
    x = torch.randn(2, 7, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    tape = Tape()
    assert torch.equal(net(x, tape), net(x))
    for entering, leaving, activated, output in zip(
        tape.entering, tape.leaving, tape.activated, tape.outputs, strict=True
    ):
        assert entering.shape == (2, 7, 32)
        torch.testing.assert_close(leaving.mean(2), torch.zeros(2, 7), atol=1e-5, rtol=0)
        assert torch.equal(activated, leaving.relu())
        assert torch.equal(output, activated)
