"""A run's process and its workers as one group: what they may use, how to signal and reap them (Linux)."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from dataclasses import dataclass

from normviz.lab import slices


@dataclass(frozen=True)
class Limits:
    """What one run may use.  Zero means no limit.

    Units:
        memory: bytes of address space beyond what its parent has itself.
        seconds: of processor time.
    """

    memory: int = 0
    seconds: int = 0
    nice: int = 19


def tell(leader: int, sign: signal.Signals) -> None:
    """Send a signal to a run and its workers."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, sign)


def reap(leader: int) -> None:
    """Wait for the workers that a run left behind, who are this process' children now."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-leader, 0)


def confine(limits: Limits) -> None:
    """Keep this process, which its parent made by fork, within limits."""
    os.nice(limits.nice)
    slices.lengthen()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as chosen:
        chosen.write("1000")  # if the machine runs out of memory, a run goes before the server does
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 5))
    if limits.memory:
        with open("/proc/self/statm") as sizes:
            pages = int(sizes.read().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + limits.memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
