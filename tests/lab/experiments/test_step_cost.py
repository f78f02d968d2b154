"""StepCost: what is timed is a step of the race, for every network that Train has."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_NETWORKS
from normviz.frames import Frame, Recording, Schema
from normviz.lab.engine.optimizers import OPTIMIZERS
from normviz.lab.experiments import cost, step_cost, train
from normviz.lab.runs import runner
from normviz.player.costs import check_cost
from normviz.player.settings import Settings
from normviz.readings import TEMPLATES
from normviz.specs.step_cost import StepCost
from normviz.specs.train import Train

SMALL: dict[str, Any] = {
    "width": 16, "channels": 16, "batch_size": 2, "ghost_size": 2, "seeds": 1, "groups": 2,
}  # fmt: skip


def race_of(network: str, **more: Any) -> Train:
    return Train(**{**Train.suited(network), "network": network, **SMALL, **more})


def norms_of(network: str) -> list[str]:
    return [norm for norm in NORMS if not ALL_NETWORKS[network].reason(norm)]


def recorded(spec: StepCost) -> Recording:
    schema, *frames = runner(spec)(spec)
    assert isinstance(schema, Schema)
    return Recording(schema, [schema.encode(frame) for frame in frames if isinstance(frame, Frame)])


@pytest.mark.parametrize("network", ALL_NETWORKS)
def test_every_norm_of_every_network_is_timed_in_every_round(network: str) -> None:
    norms = norms_of(network)
    for some in (norms[:6], norms[6:]):
        if not some:
            continue
        race = race_of(network, norms=tuple(some), depth=ALL_NETWORKS[network].depths[0])
        spec = StepCost.of_step(race).replace(rounds=5)
        told = recorded(spec)
        assert len(told) == spec.rounds
        assert told.schema.labels["variant"] == race.norms
        assert told.nbytes <= spec.cost().recording_bytes
        for name in ("ratio", "quartiles", "microseconds"):
            values = np.stack([told.at(name, k) for k in range(len(told))])
            assert np.isfinite(values).all(), name
            assert (values > 0).all(), name
        assert [note.id for note in told.frame(-1).notes]
        for note in told.frame(-1).notes:
            assert TEMPLATES[note.id].format(**note.numbers)


@pytest.mark.parametrize("network", ALL_NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_networks_are_those_of_the_race(network: str, optimizer: str) -> None:
    """All but their learning rate and gain: plan, seeds, batches, optimizer, options."""
    race = race_of(
        network, norms=("none", "batch", "group"), optimizer=optimizer, batch_size=8, seeds=2, dropout=0.1,
        activation="tanh", groups=4, eps=0.01,
    )  # fmt: skip
    theirs = train.stack(race)
    plain, *own = step_cost.stacks(StepCost.of_step(race))
    for norm, stack in zip(("none", *race.norms), (plain, *own), strict=True):
        assert stack.plan == theirs.plan
        assert stack.batch_size == theirs.batch_size
        assert [(one.norm, one.seed) for one in stack.members] == [(norm, 0), (norm, 1)]
        (group,) = stack.groups
        (like,) = (one for one in theirs.groups if one.members[0].norm == norm)
        assert type(group.optimizer) is type(like.optimizer) is OPTIMIZERS[optimizer]
        assert group.options == like.options
        shapes = [tuple(one.shape) for one in group.parameters]
        assert shapes == [tuple(one.shape) for one in like.parameters]


def test_batches_are_drawn_as_the_race_draws_them() -> None:
    race = race_of("mlp", norms=("batch",), batch_size=16, batches="two_classes")
    for stack in step_cost.stacks(StepCost.of_step(race)):
        _, y = stack.next_batch()
        assert len(y.unique()) <= 2


def test_no_network_diverges_while_it_is_timed() -> None:
    """At the race's own rate it would, and what has diverged is not computed any more."""
    race = race_of("mlp", norms=("none",), depth=20, lr=10.0, batch_size=8)
    theirs = train.stack(race)
    own = step_cost.stacks(StepCost.of_step(race))
    for stack in (theirs, *own):
        stack.step(60)
    assert (theirs.diverged_at >= 0).all()
    assert all(map(step_cost.alive, own))


def test_a_network_whose_first_loss_overflows_gets_smaller_weights() -> None:
    spec = StepCost.of_step(race_of("transformer", norms=("layer",), depth=48))
    stack = step_cost.stack(spec, "none", step_cost.GAINS[0])
    stack.step()
    assert not step_cost.alive(stack)
    made = step_cost.stacks(spec)
    assert all(map(step_cost.alive, made))
    assert {member.gain for one in made for member in one.members} == {step_cost.GAINS[1]}


def test_it_ends_in_time_and_is_allowed() -> None:
    """Six norms from five seeds; a round may still be under way when time is up."""
    norms = ("none", "batch", "layer", "group", "rms", "instance")
    race = Train(**{**Train.suited("resnet"), "network": "resnet", "norms": norms, "seeds": 5})
    spec = StepCost.of_step(race)
    check_cost(spec, Settings())
    began = time.thread_time()
    frames = [one for one in step_cost.run(spec.replace(rounds=400)) if isinstance(one, Frame)]
    taken = time.thread_time() - began
    assert 1 <= len(frames) < 400
    assert taken < cost.LONGEST + 3 * cost.LONGEST / len(frames) + 2.5
    assert torch.get_num_threads() == 1
