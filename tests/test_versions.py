"""What says whether two engines give the same frames."""

from __future__ import annotations

from dataclasses import replace

from normviz.versions import About

CPU = About("fork", "2.13.0", "A processor (AVX2)", "abc", ("cpu",))


def test_on_the_cpu_the_version_does_not_speak_of_devices() -> None:
    assert CPU.version == "abc 2.13.0 A processor (AVX2)"
    beside = replace(CPU, devices=("cpu", "cuda:0 One"), milliseconds=(("cpu", 1.0), ("cuda:0", 2.0)))
    assert beside.version == CPU.version


def test_another_device_is_another_version() -> None:
    devices = ["cuda:0 One", "cuda:0 Two", "mps"]
    versions = [replace(CPU, device=one).version for one in devices]
    assert len({CPU.version, *versions}) == 4
    assert replace(CPU, device="cuda:1 One").version == versions[0]
