"""Forking safely: what a process must be to fork, and how a forked one is tied to its parent (Linux)."""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL = 9


def threads() -> int:
    """Threads of this process.  Forking with more than one leaves locks held for ever."""
    return len(os.listdir("/proc/self/task"))


def can_fork() -> bool:
    """This process may fork: it runs on Linux and has one thread."""
    return sys.platform == "linux" and threads() == 1


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent, which made it by fork, ends.

    The signal comes when the parent's forking *thread* ends, so a parent must have one thread.
    """
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:  # the parent ended between the fork and the line above
        os._exit(1)


def adopt_orphans() -> None:
    """Have the kernel give to this process those whose parents, descendants of it, have ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def keep_only(pipe: int) -> None:
    """Close every inherited file but the standard streams and ``pipe``.

    Other processes' pipes are among them: held open here, they would not break when those end.
    """
    os.closerange(3, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
