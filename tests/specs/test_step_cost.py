"""The spec StepCost: a race's step with every setting that it has, bounded, and refused as the race is."""

from __future__ import annotations

from typing import Any

import pytest

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_NETWORKS
from normviz.player.costs import CostError, check_cost
from normviz.player.settings import Settings
from normviz.spec import SpecError, Value
from normviz.specs import EXPERIMENTS, MEASURED, experiment, from_json
from normviz.specs.step_cost import StepCost
from normviz.specs.train import Train

NOT_OF_A_STEP = {"seed", "lr", "gain", "steps", "every", "warm_up", "changes"}
"""Fields of a race that change the numbers of a step, or what comes after it, and not what it computes."""
UNUSUAL: dict[str, Value] = {
    "activation": "tanh", "batch_size": 32, "batches": "two_classes", "optimizer": "momentum", "width": 32,
    "channels": 32, "seeds": 5, "dropout": 0.2, "eps": 1e-3, "momentum": 0.3, "groups": 2, "ghost_size": 8,
    "r_max": 2.0, "d_max": 1.0,
}  # fmt: skip
PLACED: dict[str, dict[str, Value]] = {
    "gru": {}, "transformer": {"placement": "after", "causal": False},
}  # fmt: skip


def fitting(network: str) -> tuple[str, ...]:
    return tuple(norm for norm in NORMS if not ALL_NETWORKS[network].reason(norm))


def race_of(network: str, **more: Any) -> Train:
    """A race of this network with the settings that suit it, but for these."""
    return Train(**{**Train.suited(network), "network": network, "norms": fitting(network)[:6], **more})


def unusual(network: str) -> Train:
    """Every field but the learning rate's kind at another value than the default."""
    return race_of(network, **UNUSUAL, **PLACED.get(network, {"placement": "after"}), lr=1.0, gain=0.5)


@pytest.mark.parametrize("network", ALL_NETWORKS)
def test_it_carries_every_field_that_changes_what_a_step_computes(network: str) -> None:
    race, usual = unusual(network), Train().values()
    spec = StepCost.of_step(race)
    theirs = race.values()
    carried = {name: value for name, value in spec.values().items() if name not in ("seed", "rounds")}
    assert theirs.keys() - carried.keys() == NOT_OF_A_STEP
    assert carried == {name: theirs[name] for name in carried}
    assert all(carried[name] != usual[name] for name in UNUSUAL)
    assert spec.race.layers == race.layers
    assert spec.race.norm_options == race.norm_options


def test_what_does_not_change_a_step_is_not_measured_anew() -> None:
    race = Train(depth=3)
    later = race.replace(
        seed=7, lr=1.0, gain=2.0, steps=50, every=10, warm_up=0.0, changes="20:norm.batch=none"
    )
    assert StepCost.of_step(later).key == StepCost.of_step(race).key
    assert StepCost.of_step(race.replace(optimizer="adam")).key != StepCost.of_step(race).key


@pytest.mark.parametrize("network", ALL_NETWORKS)
def test_it_goes_through_links_and_json(network: str) -> None:
    spec = StepCost.of_step(unusual(network)).replace(rounds=5)
    assert from_json(spec.to_json()) == spec
    assert StepCost.from_query(spec.to_query()) == (spec, [])
    assert StepCost.from_query(spec.to_query(full=True)) == (spec, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "rnn"},
        {"network": "cnn", "depth": 9},
        {"network": "mlp", "norms": ("frn", "instance")},
        {"width": 16, "groups": 16},
        {"norms": ("ghost_batch",), "batch_size": 2},
        {"network": "gru", "dataset": "marked", "placement": "after"},
        {"causal": False},
        {"optimizer": "rmsprop"},
        {"batches": "two_classes", "batch_size": 256},
        {"eps": -1.0},
    ],
)
def test_what_a_race_refuses_is_refused_in_the_same_words(changes: dict[str, Any]) -> None:
    refused = []
    for kind in (Train, StepCost):
        with pytest.raises(SpecError) as refusal:
            kind(**changes)
        refused.append((refusal.value.field, refusal.value.sentence))
    assert refused[0] == refused[1]


def test_it_is_found_by_its_name_and_listed_nowhere() -> None:
    assert experiment("step_cost") is MEASURED["step_cost"] is StepCost
    assert not MEASURED.keys() & EXPERIMENTS.keys()


@pytest.mark.parametrize("network", ALL_NETWORKS)
def test_whatever_race_may_run_its_step_may_be_timed(network: str) -> None:
    """Also six norms from five seeds, and the largest networks that a server still races."""
    check_cost(StepCost.of_step(race_of(network, seeds=5)).replace(rounds=400), Settings())
    net, tried = ALL_NETWORKS[network], 0
    for depth in (net.depths[0], sum(net.depths) // 2, net.depths[1]):
        for size in (2, 64, 256):
            race = race_of(
                network, depth=depth, width=256, channels=64, batch_size=size, ghost_size=2, steps=50,
                seeds=10, every=50,
            )  # fmt: skip
            try:
                check_cost(race, Settings())
            except CostError:
                continue
            check_cost(StepCost.of_step(race).replace(rounds=400), Settings())
            tried += 1
    assert tried


def test_the_cost_counts_rounds_until_time_is_up() -> None:
    small = StepCost(norms=("batch",), depth=1, width=16, batch_size=2, ghost_size=2, seeds=1, rounds=5)
    twice = small.replace(rounds=10)
    step = 3 * 2 * (64 * 16 + 16 * 16)  # forward and backward, two samples, both layers
    assert small.cost().multiply_adds == (2 * 2 + 5 * 4) * step
    assert twice.cost().multiply_adds - small.cost().multiply_adds == 5 * 4 * step
    assert twice.cost().recording_bytes == 2 * small.cost().recording_bytes
    large = StepCost.of_step(race_of("resnet", depth=20, channels=64, batch_size=256, seeds=10))
    assert large.replace(rounds=400).cost().multiply_adds == large.replace(rounds=200).cost().multiply_adds
