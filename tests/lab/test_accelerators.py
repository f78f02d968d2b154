"""The choice of a device: what is asked for, what is there, what is quicker."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from normviz.lab import accelerators, devices
from normviz.lab.accelerators import DeviceError, Found, choose
from normviz.lab.dealt import dealt
from normviz.specs.train import Train
from tests.lab.elsewhere import DEVICE, computing_elsewhere

BESIDE = Found({"cuda:0": "Test", "cuda:1": "Test"}, {"cpu": 2.0, "cuda:0": 1.0})


@pytest.mark.parametrize(
    ("wanted", "found", "device"),
    [
        ("auto", Found(), "cpu"),
        ("auto", BESIDE, "cuda:0"),
        ("auto", Found(BESIDE.gpus, {"cpu": 1.0, "cuda:0": 2.0}), "cpu"),
        ("auto", Found(BESIDE.gpus), "cpu"),
        ("cpu", BESIDE, "cpu"),
        ("cuda", BESIDE, "cuda:0"),
        ("cuda:1", BESIDE, "cuda:1"),
        ("mps", Found({"mps": ""}), "mps"),
    ],
)
def test_what_is_chosen(wanted: str, found: Found, device: str) -> None:
    assert choose(wanted, found) == device


@pytest.mark.parametrize(("wanted", "found"), [("cuda", Found()), ("cuda:2", BESIDE), ("mps", BESIDE)])
def test_a_device_that_is_not_there(wanted: str, found: Found) -> None:
    with pytest.raises(DeviceError, match=f"NORMVIZ_DEVICE: {wanted} is not on this machine") as caught:
        choose(wanted, found)
    assert f"Found: {', '.join(found.told)}." in str(caught.value)


def test_looking_takes_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(accelerators, "WITHIN", 0.01)
    assert accelerators.find(measure=True) == Found()
    assert "timed out" in caplog.text


def test_no_process_looks_where_torch_knows_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: False)
    monkeypatch.setattr(subprocess, "run", None)
    assert accelerators.find(measure=True) == Found()


def test_what_the_process_finds_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    told = 'print(\'{"found": {"cuda:0": "Test"}, "milliseconds": {"cpu": 1.5, "cuda:0": 0.5}}\')'
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda _, **more: run([sys.executable, "-c", told], **more))
    assert accelerators.find(measure=True) == Found({"cuda:0": "Test"}, {"cpu": 1.5, "cuda:0": 0.5})


def test_a_step_is_timed_on_each_device_and_the_cpu_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_WARM", "_STEPS", "_ROUNDS"):
        monkeypatch.setattr(accelerators, name, 1)
    monkeypatch.setattr(accelerators, "Train", lambda: Train(depth=1, width=16, seeds=1))
    with computing_elsewhere() as stand_in:
        times = accelerators.timed(["cpu", str(DEVICE)])
    assert min(times.values()) > 0
    assert list(times) == ["cpu", str(DEVICE)]
    assert "baddbmm" in stand_in.computed
    assert devices.here() == devices.CPU


def test_parts_are_computed_in_turn_on_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normviz.lab.processes.can_fork", lambda: True)
    monkeypatch.setattr("normviz.lab.processes.cores", lambda: 2)
    monkeypatch.setattr("os.fork", None)
    with computing_elsewhere():
        assert list(dealt([lambda: iter([1, 2]), lambda: iter([3, 4])])) == [[1, 3], [2, 4]]
