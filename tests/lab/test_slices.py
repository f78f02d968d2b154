"""Long turns at the processor: asked of the kernel without a change of anything else."""

from __future__ import annotations

import os
import platform
import sys

import pytest

from normviz.lab import groups, slices


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux alone")
def test_a_runs_process_has_its_priority_and_works_in_batches() -> None:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        groups.confine(groups.Limits(nice=7))
        told = f"{os.sched_getscheduler(0)} {os.getpriority(os.PRIO_PROCESS, 0)}"
        os.write(theirs, told.encode())
        os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    policy, nice = os.read(ours, 100).decode().split()
    os.close(ours)
    known = platform.machine() in slices._SCHED_SETATTR
    assert int(policy) == (os.SCHED_BATCH if known else os.SCHED_OTHER)
    assert int(nice) == 7 + os.getpriority(os.PRIO_PROCESS, 0)


def test_elsewhere_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert slices.lengthen() is False
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert slices.lengthen() is False
