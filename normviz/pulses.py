"""Signs of life: which runs hang.

A run that computes takes processor time, even at the lowest priority on a busy machine.  One that takes none
and says nothing while it should compute has stopped for ever: a call that does not return, a lock, a process
that somebody stopped.  Nobody else would notice, since its process is there.

Looks are counted, not seconds: while the whole machine stands still (a suspended laptop, a frozen container)
nobody looks, so nothing seems to hang afterwards.
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from normviz import messages

HUNG = "it hung: for {:g} seconds it took no processor time and said nothing"
LOOKS = 6
"""Looks in a row without a sign of life after which a run hangs."""
_GROUP, _USER, _SYSTEM = 2, 11, 12  # places in /proc/PID/stat behind the name


@dataclass
class _Pulse:
    pid: int
    heard: int = 0
    resting: bool = False
    sign: tuple[int, int] = (-1, -1)
    looks: int = 0


class Vigil:
    """Watches over runs by number."""

    def __init__(self) -> None:
        self._pulses: dict[int, _Pulse] = {}

    def begin(self, number: int, pid: int) -> None:
        """Watch over a run; ``pid`` computes it, or is about to make the process that does."""
        self._pulses[number] = _Pulse(pid)

    def rest(self, number: int, resting: bool) -> None:
        """A run takes no processor time because it was told so, or is told to go on."""
        if pulse := self._pulses.get(number):
            pulse.resting, pulse.looks = resting, 0

    def hear(self, message: messages.Message) -> None:
        """A run has said something."""
        self.count(message.run)
        if message.kind == messages.BEGAN and (pulse := self._pulses.get(message.run)):
            pulse.pid = message.told["pid"]

    def count(self, number: int) -> None:
        """A run has said something to somebody else."""
        if pulse := self._pulses.get(number):
            pulse.heard += 1

    def end(self, number: int) -> None:
        """Watch over a run no longer."""
        self._pulses.pop(number, None)

    def look(self) -> list[int]:
        """The runs that hang, each told again after as many looks if it is still there."""
        spent = processor_time()
        if spent is None:
            return []
        hanging = []
        for number, pulse in self._pulses.items():
            sign = (pulse.heard, spent[pulse.pid])
            pulse.looks = pulse.looks + 1 if sign == pulse.sign and not pulse.resting else 0
            pulse.sign = sign
            if pulse.looks >= LOOKS:
                pulse.looks = 0
                hanging.append(number)
        return hanging


def processor_time() -> Counter[int] | None:
    """Clock ticks that every process has used, of a leader those of its group; None where that is unknown.

    Source: proc_pid_stat(5).
    """
    if sys.platform != "linux":
        return None
    spent: Counter[int] = Counter()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, IndexError):  # it has just ended
                told = (folder / "stat").read_text().rpartition(")")[2].split()
                for one in {int(folder.name), int(told[_GROUP])}:
                    spent[one] += int(told[_USER]) + int(told[_SYSTEM])
    return spent
