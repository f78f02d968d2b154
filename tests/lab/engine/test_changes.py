"""Changes while training, against the usual loop that changes the same by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from normviz.catalog.networks import OPTIMIZERS
from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_NETWORKS, SEQUENCE_NETWORKS
from normviz.lab.engine import Member, Plan, Stack
from tests.lab import plain

STEPS = 6


def everything(stack: Stack) -> list[torch.Tensor]:
    """Losses, parameters, statistics and answers of every member."""
    parameters = [one for m in range(len(stack.members)) for one in stack.parameters(m).values()]
    statistics = [torch.tensor(layer[key]) for layer in stack.statistics() for key in ("mean", "var")]
    return [torch.tensor(stack.losses), *parameters, *statistics, stack.logits()]


def assert_same(one: list[torch.Tensor], other: list[torch.Tensor]) -> None:
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.nan_to_num(), b.nan_to_num())


@pytest.mark.parametrize("network", ALL_NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_change_to_the_same_members_changes_nothing(network: str, optimizer: str) -> None:
    fitting = [norm for norm in NORMS if not ALL_NETWORKS[network].reason(norm)]
    members = [Member(norm, seed, 0.01) for norm in fitting for seed in (0, 3)]
    dataset = "marked" if network in SEQUENCE_NETWORKS else "digits"
    plan = Plan(network, 3, 16, dropout=0.2, dataset=dataset)
    stacks = [Stack(plan, members, optimizer=optimizer, batch_size=16) for _ in range(2)]
    for stack in stacks:
        stack.step(2)
    stacks[0].change(members)
    for stack in stacks:
        stack.step(2)
    assert_same(everything(stacks[0]), everything(stacks[1]))


def test_it_matters_to_nobody_else_and_in_no_order() -> None:
    members = [Member(norm, seed, 0.05) for norm in ("none", "batch", "layer") for seed in range(3)]
    changed = [replace(one, norm="batch", lr=0.01) if one.norm == "none" else one for one in members]
    stacks = [Stack(Plan("mlp", 3, 32), members, optimizer="adam") for _ in range(2)]
    for stack in stacks:
        stack.step(3)
    stacks[0].change(changed)
    for stack in stacks:
        stack.step(3)
    assert np.array_equal(stacks[0].losses[3:], stacks[1].losses[3:])
    assert not np.any(stacks[0].losses[:3] == stacks[1].losses[:3])


def usual(norms: tuple[str, str], rates: tuple[float, float], sizes: tuple[int, int], optimizer: str):
    """The usual loop in float64: what changes, changes after half the steps."""
    options = {"shape": (1, 8, 8), "classes": 10, "depth": 3, "width": 32, "seed": 4, "form": "mlp"}
    net = plain.network(norm=norms[0], dtype=torch.float64, **options)
    split = Stack(Plan(), [Member("none", 4, 0.1)]).data(0)
    x, y = split.x_train.double(), split.y_train
    optim = plain.optimizer(optimizer, net, rates[0])
    draws, losses = plain.source(4, plain.BATCHES), []
    for half in range(2):
        if half:
            if norms[1] != norms[0]:
                optim = renewed(net, norms[1], optim)
            optim.param_groups[0]["lr"] = rates[1]
        if half == 0 or sizes[1] != sizes[0]:
            order, done = torch.randperm(len(y), generator=draws), 0
        for _ in range(STEPS):
            indices = order[done : done + sizes[half]]
            done += sizes[half]
            optim.zero_grad()
            loss = nn.functional.cross_entropy(net(x[indices]), y[indices])
            loss.backward()
            optim.step()
            losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        return losses, net(split.x_test.double())


def renewed(net: nn.Sequential, norm: str, optim: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Fresh norms in the network, and an optimizer that remembers the layers only."""
    memory = {id(parameter): state for parameter, state in optim.state.items()}
    for i, module in enumerate(net):
        if isinstance(module, nn.LayerNorm | nn.BatchNorm1d):
            net[i] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}[norm](32).double()
    after = type(optim)(net.parameters(), **optim.defaults)
    for parameter in net.parameters():
        if id(parameter) in memory:
            after.state[parameter] = memory[id(parameter)]
    return after


@pytest.mark.parametrize(
    ("norms", "rates", "sizes", "optimizer"),
    [
        (("batch", "batch"), (0.05, 0.01), (16, 16), "momentum"),
        (("batch", "batch"), (0.003, 0.001), (16, 16), "adam"),
        (("layer", "layer"), (0.05, 0.05), (16, 40), "sgd"),
        (("layer", "batch"), (0.05, 0.05), (16, 16), "sgd"),
        (("batch", "layer"), (0.05, 0.02), (16, 32), "momentum"),
    ],
)
def test_it_is_what_the_usual_loop_does(
    norms: tuple[str, str], rates: tuple[float, float], sizes: tuple[int, int], optimizer: str
) -> None:
    def members(half: int) -> list[Member]:
        return [Member("none", 1, 0.02), Member(norms[half], 4, rates[half]), Member("batch", 4, 0.02)]

    stack = Stack(
        Plan("mlp", 3, 32), members(0), optimizer=optimizer, batch_size=sizes[0], dtype=torch.float64
    )
    losses = []
    for half in range(2):
        if half:
            if sizes[1] != sizes[0]:
                stack.change_batch_size(sizes[1])
            stack.change(members(1))
        for _ in range(STEPS):
            stack.step()
            losses.append(stack.losses[1])
    expected, logits = usual(norms, rates, sizes, optimizer)
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-11)
    torch.testing.assert_close(stack.logits()[1], logits, rtol=1e-7, atol=1e-8)


def test_weight_norm_begins_as_the_plain_network_that_it_replaces() -> None:
    stack = Stack(Plan("mlp", 3, 32), [Member("none", 0, 0.1), Member("none", 1, 0.1)])
    stack.step(5)
    before = stack.logits()
    stack.change([Member("weight_norm", 0, 0.1), Member("none", 1, 0.1)])
    torch.testing.assert_close(stack.logits(), before, rtol=1e-4, atol=1e-4)


def test_who_has_diverged_stays_frozen() -> None:
    members = [Member("none", 0, 1e6), Member("none", 1, 0.01)]
    stack = Stack(Plan("mlp", 5, 16), members)
    stack.step(20)
    gone = stack.diverged_at.copy()
    assert gone[0] >= 0 > gone[1]
    frozen = stack.parameters(0)
    stack.change([replace(one, norm="batch", lr=0.01) for one in members])
    stack.step(20)
    assert np.array_equal(stack.diverged_at, gone)
    for name, value in frozen.items():
        assert torch.equal(stack.parameters(0)[name].nan_to_num(), value.nan_to_num())


def test_seeds_and_sizes_that_cannot_change_are_refused() -> None:
    stack = Stack(Plan("mlp", 1, 16), [Member("none", 0, 0.1)])
    with pytest.raises(ValueError, match="learning rate and the norm"):
        stack.change([Member("none", 1, 0.1)])
    with pytest.raises(ValueError, match="outside 1 to 1000"):
        stack.change_batch_size(1001)
