"""What the scenes have in common: the processes of an app, and guests who wait for something to happen."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterable

from tests.apps import App
from tests.faults.guests import Guest
from tests.player.processes import children

RACE = "norms=none,batch&depth=2&width=16&steps=1000&seeds=1&every=20&seed={}"
"""Settings of the page Train, by seed, whose run takes a second or two of processor time."""


def hosts(app: App) -> set[int]:
    """The engine hosts."""
    return children(app.pid)


def runs(app: App) -> set[int]:
    """The processes that compute."""
    return set().union(*map(children, hosts(app)))


def kill(pids: Iterable[int], sign: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to each."""
    for pid in pids:
        os.kill(pid, sign)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something to become true while visitors go on."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def grown(*guests: Guest) -> None:
    """Wait until each has seen some more."""
    seen = [len(guest.frames) for guest in guests]
    await until(lambda: all(len(guest.frames) > n + 2 for guest, n in zip(guests, seen, strict=True)))


def check(*guests: Guest) -> None:
    """Each has seen every frame of the undisturbed run, once, in order, and no error."""
    for guest in guests:
        assert guest.end == {"status": "done", "sentence": "", "frames": len(guest.frames)}
        assert guest.frames == guest.undisturbed()
        assert not guest.errors
