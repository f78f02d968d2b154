"""What the tests know of processes: who descends from whom, and who is still alive (Linux)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def _stat(pid: int | str) -> list[str]:
    """State, parent and what follows, from /proc; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def alive(pid: int) -> bool:
    """The process exists and has not ended (one that waits to be reaped has)."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def stopped(pid: int) -> bool:
    """The process stands still."""
    return _stat(pid)[:1] == ["T"]


def ended_unreaped(pid: int) -> set[int]:
    """Children of a process that have ended and that it has not reaped."""
    everybody = (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit())
    return {one for one in everybody if _stat(one)[:2] == ["Z", str(pid)]}


def children(pid: int) -> set[int]:
    """Living children of a process."""
    everybody = (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit())
    return {one for one in everybody if _stat(one)[1:2] == [str(pid)] and alive(one)}


def descendants(pid: int) -> set[int]:
    """Living children, their children, and so on."""
    found = children(pid)
    return found.union(*(descendants(one) for one in found))


def memory(pid: int) -> int:
    """Bytes that a process holds by itself, what it shares with others apart."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def until(condition: Callable[[], object], *, within: float = 120) -> None:
    """Wait for something to become true.

    Raises:
        AssertionError: it does not.
    """
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
