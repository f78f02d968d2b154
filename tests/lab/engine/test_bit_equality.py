"""A member's losses and parameters are bit-equal alone, in any stack, and beside any other norm."""

from __future__ import annotations

import pytest
import torch

from normviz.catalog.networks import ACTIVATIONS, NETWORKS, OPTIMIZERS
from normviz.catalog.norms import NORMS, reason
from normviz.lab.engine import Member, Plan, Stack

FITTING = [
    (network, norm) for network in NETWORKS for norm in NORMS if not reason(norm, NETWORKS[network].form)
]
PLANS = {
    "mlp": Plan("mlp", 3, 48, dropout=0.1),
    "cnn": Plan("cnn", 2, 16, dropout=0.1),
    "resnet": Plan("resnet", 5, 16, dropout=0.1),
}
RATES = {"sgd": 0.1, "momentum": 0.02, "adam": 0.003}


def course(
    plan: Plan,
    members: list[Member],
    watched: Member,
    optimizer: str,
    steps: int = 6,
    batch_size: int = 24,
    batches: str = "shuffled",
) -> list[torch.Tensor]:
    """Every loss and the last parameters and statistics of one member."""
    stack = Stack(plan, members, optimizer=optimizer, batch_size=batch_size, batches=batches)
    place = members.index(watched)
    losses = []
    for _ in range(steps):
        stack.step()
        losses.append(stack.losses[place])
    statistics = [torch.tensor(layer[key][place]) for layer in stack.statistics() for key in ("mean", "var")]
    return [torch.tensor(losses), *stack.parameters(place).values(), *statistics, stack.logits()[place]]


def assert_same(one: list[torch.Tensor], other: list[torch.Tensor]) -> None:
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.nan_to_num(), b.nan_to_num())


def company(watched: Member, count: int, place: int) -> list[Member]:
    """``count`` members of the same norm: other seeds, rates and gains, and the watched one among them."""
    others = [
        Member(watched.norm, seed % 5, watched.lr * (0.5, 1.0, 2.0)[seed % 3], (0.8, 1.0)[seed % 2])
        for seed in range(count - 1)
    ]
    return [*others[:place], watched, *others[place:]]


@pytest.mark.parametrize(("network", "norm"), FITTING)
def test_alone_in_stacks_and_beside_other_norms(network: str, norm: str) -> None:
    watched, steps = Member(norm, 11, RATES["adam"]), 3 if network == "resnet" else 6
    alone = course(PLANS[network], [watched], watched, "adam", steps)
    assert_same(alone, course(PLANS[network], company(watched, 6, 2), watched, "adam", steps))
    assert_same(alone, course(PLANS[network], company(watched, 7, 6), watched, "adam", steps))
    fitting = [other for form, other in FITTING if form == network]
    mixed = [Member(other, seed, watched.lr) for other in fitting for seed in (0, 11)]
    assert_same(alone, course(PLANS[network], mixed, watched, "adam", steps))


LARGE = [
    (network, norm, optimizer)
    for network, norm in FITTING
    for optimizer in OPTIMIZERS
    if network == "mlp" or norm == "batch" or optimizer == "adam"
]
"""With convolutions, which take long, every norm with one optimizer and every optimizer with one norm: what
an optimizer gets are flat segments of parameters, whatever they belong to.  (It is Adam that differs where
they are not padded.)"""


@pytest.mark.slow
@pytest.mark.parametrize(("network", "norm", "optimizer"), LARGE)
def test_in_stacks_of_30_and_60(network: str, norm: str, optimizer: str) -> None:
    watched = Member(norm, 11, RATES[optimizer])
    alone = course(PLANS[network], [watched], watched, optimizer)
    assert_same(alone, course(PLANS[network], company(watched, 6, 5), watched, optimizer))
    assert_same(alone, course(PLANS[network], company(watched, 30, 17), watched, optimizer, 6))
    assert_same(alone, course(PLANS[network], company(watched, 60, 41), watched, optimizer, 6))


@pytest.mark.parametrize("width", [16, 64, 112, 128])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_at_every_activation_and_several_widths(activation: str, width: int) -> None:
    watched = Member("batch", 1, 0.003)
    plan = Plan("mlp", 2, width, activation, "after")
    alone = course(plan, [watched], watched, "adam", 3)
    assert_same(alone, course(plan, company(watched, 7, 3), watched, "adam", 3))


@pytest.mark.parametrize("batch_size", [2, 3, 5])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_in_small_odd_batches(activation: str, batch_size: int) -> None:
    watched = Member("batch", 1, 0.003)
    plan = Plan("mlp", 2, 16, activation)
    alone = course(plan, [watched], watched, "adam", 3, batch_size)
    assert_same(alone, course(plan, company(watched, 7, 3), watched, "adam", 3, batch_size))


@pytest.mark.parametrize("dataset", ["moons", "circles", "spiral", "xor"])
def test_on_points(dataset: str) -> None:
    watched = Member("layer", 1, 0.1)
    plan = Plan("mlp", 2, 16, dataset=dataset)
    alone = course(plan, [watched], watched, "momentum")
    assert_same(alone, course(plan, company(watched, 7, 3), watched, "momentum"))


@pytest.mark.parametrize("norm", ["batch", "batch_renorm", "layer"])
def test_in_batches_of_two_classes(norm: str) -> None:
    watched, plan = Member(norm, 11, 0.02), Plan("mlp", 3, 48, dropout=0.1)
    alone = course(plan, [watched], watched, "momentum", batches="two_classes")
    assert_same(alone, course(plan, company(watched, 7, 6), watched, "momentum", batches="two_classes"))
    mixed = [Member(other, seed, 0.02) for other in ("none", norm, "group") for seed in (0, 11)]
    assert_same(alone, course(plan, mixed, watched, "momentum", batches="two_classes"))
    shuffled = course(plan, [watched], watched, "momentum")
    assert not torch.equal(alone[0], shuffled[0])
