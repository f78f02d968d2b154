"""Cost: a stopwatch that measures what it says, and words that the numbers bear out."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from normviz.frames import Frame, Recording, Schema
from normviz.lab.experiments import cost
from normviz.player.costs import check_cost
from normviz.player.settings import Settings
from normviz.readings import TEMPLATES
from normviz.specs.cost import NormCost

SMALL = {"rounds": 5, "batch_size": 8, "members": 1}


def recorded(spec: NormCost) -> Recording:
    schema, *frames = cost.run(spec)
    assert isinstance(schema, Schema)
    return Recording(schema, [schema.encode(frame) for frame in frames if isinstance(frame, Frame)])


@pytest.mark.parametrize("network", ["cnn", "mlp"])
@pytest.mark.parametrize("part", ["layer", "step"])
def test_every_norm_is_timed_in_every_round(network: str, part: str) -> None:
    spec = NormCost(network=network, part=part, **SMALL)  # type: ignore[arg-type]
    told = recorded(spec)
    assert len(told) == spec.rounds
    assert told.nbytes <= spec.cost().recording_bytes
    for k in range(len(told)):
        low, high = told.at("quartiles", k).T
        assert (told.at("microseconds", k) > 0).all()
        assert ((low <= told.at("ratio", k)[:, 0]) & (told.at("ratio", k)[:, 0] <= high)).all()


def test_the_stopwatch_measures_work_and_not_waiting() -> None:
    def busy(times: int) -> None:
        total = 0
        for i in range(times * 4000):
            total += i * i

    ratios = [
        own / plain
        for plain, own in (
            cost.pair(lambda: busy(5), lambda: (busy(15), time.sleep(0.003)), first=k % 2 == 0)
            for k in range(15)
        )
    ]
    assert np.median(ratios) == pytest.approx(3.0, rel=0.3)


def test_a_pair_times_each_call_twice_and_symmetrically() -> None:
    order: list[str] = []
    cost.pair(lambda: order.append("plain"), lambda: order.append("own"), first=False)
    cost.pair(lambda: order.append("plain"), lambda: order.append("own"), first=True)
    assert order == ["plain", "own", "own", "plain", "own", "plain", "plain", "own"]


def test_medians_and_quartiles_are_over_the_rounds() -> None:
    draw = np.random.default_rng(3)
    pairs = draw.uniform(1e-3, 2e-3, (11, 4, 2))
    told = cost.condensed(pairs, networks=2)
    for v in range(4):
        ratios = sorted(one[1] / one[0] for one in pairs[:, v])
        assert told["ratio"][v, 0] == pytest.approx(ratios[5])
        assert told["quartiles"][v].tolist() == pytest.approx(
            [(ratios[2] + ratios[3]) / 2, (ratios[7] + ratios[8]) / 2]
        )
        assert told["microseconds"][v, 0] == pytest.approx(sorted(pairs[:, v, 1])[5] * 1e6 / 2)


def test_what_is_timed_is_the_layer_with_its_norm() -> None:
    """Another norm is another amount of work: batch renormalization does strictly more than none."""
    spec = NormCost(network="mlp", norms=("none", "batch_renorm"), batch_size=32, rounds=30)
    none, renorm = recorded(spec).at("ratio")[:, 0]
    assert renorm > 1.3 * none


def test_the_last_hidden_layer_gets_the_input_that_it_would_get() -> None:
    for spec in (NormCost(), NormCost(depth=1), NormCost(network="mlp"), NormCost(network="mlp", depth=1)):
        call = cost.layer(spec, "batch")
        call()  # shapes fit
    assert NormCost().input_shape == (16, 8, 8)
    assert NormCost(network="mlp", width=64).input_shape == (64,)


class TestWords:
    """Notes on made-up numbers."""

    spec = NormCost(norms=("none", "batch", "layer"))

    def told(self, ratio: list[float], quartiles: list[list[float]]) -> dict[str, dict[str, object]]:
        arrays = {"ratio": np.array(ratio, "f4")[:, None], "quartiles": np.array(quartiles, "f4")}
        return {note.id: dict(note.numbers) for note in cost.notes(self.spec, arrays)}

    def test_clear(self) -> None:
        told = self.told([1.0, 1.2, 2.0], [[0.9, 1.1], [1.1, 1.3], [1.8, 2.2]])
        assert told["cost.dearest_layer"]["norm"] == "Layer norm"
        assert told["cost.cheapest"]["norm"] == "Batch norm"
        assert "cost.alike" not in told
        assert told["cost.noise"] == {"low": pytest.approx(0.9), "high": pytest.approx(1.1)}

    def test_overlapping(self) -> None:
        told = self.told([1.0, 1.2, 1.3], [[0.9, 1.1], [1.1, 1.4], [1.2, 1.5]])
        assert "cost.cheapest" not in told
        assert told["cost.alike"] == {"norm": "Batch norm", "other": "Layer norm"}

    def test_every_note_has_a_template(self) -> None:
        for quartiles in ([[0.9, 1.1], [1.1, 1.3], [1.8, 2.2]], [[0.9, 1.1], [1.1, 2.3], [1.8, 2.2]]):
            for name, numbers in self.told([1.0, 1.2, 2.0], quartiles).items():
                assert TEMPLATES[name].format(**numbers)

    def test_nothing_is_said_of_few_rounds(self) -> None:
        frames = list(cost.run(NormCost(norms=("batch",), **SMALL)))[1:]  # type: ignore[arg-type]
        assert [bool(frame.notes) for frame in frames if isinstance(frame, Frame)] == [False] * 4 + [True]


def test_it_ends_in_time_and_is_allowed() -> None:
    spec = NormCost(part="step", rounds=400, batch_size=256, width=64, norms=("batch", "layer"))
    check_cost(spec, Settings())
    began = time.thread_time()
    frames = [one for one in cost.run(spec) if isinstance(one, Frame)]
    assert time.thread_time() - began < cost.LONGEST + 2.5
    assert 1 <= len(frames) < spec.rounds
    assert torch.get_num_threads() == 1
