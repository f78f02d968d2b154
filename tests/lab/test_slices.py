"""Long turns at the processor: asked of the kernel without a change of anything else."""

from __future__ import annotations

import os
import platform
import sys

import pytest

from normviz.lab import slices


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux alone")
def test_a_process_keeps_its_priority_and_works_in_batches() -> None:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.nice(7)
        taken = slices.lengthen()
        told = f"{taken} {os.sched_getscheduler(0)} {os.getpriority(os.PRIO_PROCESS, 0)}"
        os.write(theirs, told.encode())
        os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    taken, policy, nice = os.read(ours, 100).decode().split()
    os.close(ours)
    assert taken == str(platform.machine() in slices._SCHED_SETATTR)
    assert int(policy) == (os.SCHED_BATCH if taken == "True" else os.SCHED_OTHER)
    assert int(nice) == 7 + os.getpriority(os.PRIO_PROCESS, 0)


def test_elsewhere_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert slices.lengthen() is False
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert slices.lengthen() is False
