"""The lab's benchmarks run, measure both sides and say how (their figures are nobody's business here)."""

from __future__ import annotations

import json

import pytest
import torch

from normviz.bench import map, paired, probes, science, stack, usual
from normviz.lab import processes
from normviz.lab.data import load
from normviz.lab.engine import Member, Plan, Stack


@pytest.mark.slow
def test_stack_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = stack.measure(rounds=1)
    assert measured["runs_144"] > 0
    assert measured["runs_30_mixed"] > 0
    assert measured["threads"] == 1
    assert measured["environment"]["OMP_NUM_THREADS"] == "1"
    assert json.loads(json.dumps(measured)) == measured
    details = measured["details"]["runs_30_mixed"]
    assert details["members_in_a_stack"] == 30
    assert details["lowest_ratio"] <= measured["runs_30_mixed"] * 1.001
    assert measured["torch"] == torch.__version__
    assert measured["usual_loop"]
    assert measured["cpu"]


@pytest.mark.slow
def test_map_bench() -> None:
    measured = map.measure(rounds=1, steps=5)
    assert measured["ratio"] > 0
    assert measured["ratio_of_cpu_time"] > 0
    assert (measured["members"], measured["members_in_a_stack"]) == (144, 36)
    assert measured["workers"] == min(processes.cores(), 4)
    # Both sides are scaled to the whole map: four usual loops stand for 144.
    assert measured["ratio"] == pytest.approx(measured["usual_seconds"] / measured["map_seconds"], rel=1e-3)
    assert json.loads(json.dumps(measured)) == measured


@pytest.mark.slow
def test_probes_bench() -> None:
    measured = probes.measure(rounds=1)
    assert measured["every_1"] > 0
    assert measured["every_5"] > 0
    assert measured["bytes_of_a_recorded_step"] > 0


@pytest.mark.slow
def test_science_bench() -> None:
    """As small as it goes; the slow tests of each experiment hold the numbers themselves."""
    measured = science.measure(scale=20)
    assert measured["batch_size"]["error"]["batch"]["2"]["seeds"] == 1
    assert measured["lr_init"]["cells"] == 25
    assert measured["sequences"]["spec"]["deep_width"] == 16
    assert json.loads(json.dumps(measured)) == measured


@pytest.mark.parametrize("norm", usual.NORMS)
def test_the_usual_loop_trains_the_same_network(norm: str) -> None:
    """Not slower by doing more: as many parameters as a member of the stack, and it learns."""
    split = load("digits", 0)
    x, y = split.x_train.flatten(1), split.y_train
    torch.manual_seed(0)  # DataLoader and nn.Linear draw from the global generator, as in the usual loop
    last = usual.train(norm, x, y, depth=3, width=32, batch_size=64, lr=3e-3, steps=90)
    assert last < 1.5
    member = Stack(Plan("mlp", 3, 32), [Member(norm, 0, 1e-3)], optimizer="adam", batch_size=64)
    stacked = sum(one.numel() for one in member.parameters(0).values())
    single = sum(one.numel() for one in usual.network(norm, 64, depth=3, width=32, classes=10).parameters())
    padding = 6 * (32 + 1) + (3 * 15 if norm == "dyt" else 0)
    assert stacked == single + padding


def test_a_failing_bench_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"normviz\.bench\.stack failed"):
        paired.in_engine_environment("normviz.bench.stack", "not a number")


def test_seconds_counts_work_and_not_waiting() -> None:
    import time

    assert paired.seconds(lambda: time.sleep(0.2)) < 0.1
