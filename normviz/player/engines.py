"""The engine as the player sees it: runs go in by number, messages come out.

``Engine`` is all that the player knows of processes and machines.  ``LocalEngine`` computes on this one,
``normviz.player.cluster`` on others.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from normviz import messages
from normviz.player.hosts import EngineError, HostProcess
from normviz.player.settings import Settings
from normviz.pulses import HUNG, LOOKS, Vigil
from normviz.versions import About

logger = logging.getLogger(__name__)

_HANGS_AFTER = 5.0  # seconds in which a host must stop a run; its other runs wait that long
Tell = Callable[[messages.Message], None]

_DOES_NOT_START = "The engine that computes the runs does not start on this server; its log says why."


class Engine(Protocol):
    """Computes runs somewhere.  Made with a function that is told every message of every run."""

    @property
    def about(self) -> About | None:
        """What computes, as of the last start; None before the first."""

    @property
    def able(self) -> bool:
        """A run that comes now would begin at once."""

    @property
    def waiting(self) -> int:
        """Runs in its own line, of whichever web process: it has less room than the player lets in."""

    async def start(self) -> About:
        """Get ready to compute.

        Raises:
            EngineError: it cannot.
        """

    def run(self, number: int, text: str, skip: int) -> None:
        """Compute the spec ``text`` under a number that is new; leave out the first ``skip`` frames.

        Whatever happens, the last message of this number is ENDED, unless it is cancelled.  A run that hangs
        (``NORMVIZ_SILENCE``) ends as one whose process died.
        """

    def cancel(self, number: int) -> None:
        """Stop a run."""

    def rest(self, number: int, resting: bool) -> None:
        """Have a run take no processor time, or go on."""

    def report(self) -> dict[str, object]:
        """Facts for the operator; plain JSON values."""

    async def close(self) -> None:
        """Stop everything; return when nothing is left."""


class LocalEngine:
    """Engine hosts on this machine, each replaced when it dies."""

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings, self._tell = settings, tell
        self._hosts: list[HostProcess] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._about: About | None = None
        self._pending: dict[int, tuple[str, int]] = {}
        self._vigil = Vigil()
        self._hung: set[int] = set()
        self._restarts = 0

    @property
    def about(self) -> About | None:
        """See ``Engine``."""
        return self._about

    @property
    def able(self) -> bool:
        """See ``Engine``: a host is warm."""
        return any(host.about for host in self._hosts)

    @property
    def waiting(self) -> int:
        """See ``Engine``: every run that is let in is computed at once."""
        return 0

    async def start(self) -> About:
        """Start the first host, learn its form, and start the others that the form asks for."""
        first = self._new_host(self._settings.engine, self._settings.device)
        try:
            about = self._about = await first.start()
        except EngineError:
            await first.close()
            raise
        # Those that follow, and that replace one, do as the first: nothing is measured twice.
        form, device = about.form, about.device.split()[0]
        count = 1 if form == "fork" else self._settings.processes or _processes(device)
        self._keepers.append(asyncio.create_task(self._keep(first, form, device)))
        self._keepers += [
            asyncio.create_task(self._keep(self._new_host(form, device), form, device))
            for _ in range(count - 1)
        ]
        self._keepers.append(asyncio.create_task(self._watch_over()))
        return about

    def run(self, number: int, text: str, skip: int) -> None:
        """See ``Engine``.  A run waits here while no host is ready."""
        ready = [host for host in self._hosts if host.about]
        if not ready:
            self._pending[number] = (text, skip)
            return
        host = min(ready, key=lambda host: len(host.runs))
        host.runs.add(number)
        self._vigil.begin(number, host.pid)
        host.send(messages.packed(number, messages.START, spec=text, skip=skip))

    def cancel(self, number: int) -> None:
        """See ``Engine``."""
        self._pending.pop(number, None)
        for host in self._hosts:
            if number in host.runs:
                host.send(messages.packed(number, messages.CANCEL))
                asyncio.get_running_loop().call_later(_HANGS_AFTER, self._end_if_hung, host, number)

    def rest(self, number: int, resting: bool) -> None:
        """See ``Engine``."""
        self._vigil.rest(number, resting)
        for host in self._hosts:
            if number in host.runs:
                host.send(messages.packed(number, messages.REST if resting else messages.WAKE))

    async def _watch_over(self) -> None:
        """End runs that hang."""
        while True:
            await asyncio.sleep(self._settings.silence / LOOKS)
            for number in self._vigil.look():
                self._hung.add(number)
                self.cancel(number)

    def _hear(self, message: messages.Message) -> None:
        """Hand on what a run says; of one that was ended because it hung, that it died of it."""
        self._vigil.hear(message)
        if message.kind == messages.ENDED:
            self._vigil.end(message.run)
            if message.run in self._hung:
                self._hung.discard(message.run)
                message = _ended(message.run, messages.DIED, HUNG.format(self._settings.silence))
        self._tell(message)

    def _end_if_hung(self, host: HostProcess, number: int) -> None:
        if number in host.runs:
            logger.warning("the engine host %d does not react and is ended", host.pid)
            host.kill()

    def report(self) -> dict[str, object]:
        """See ``Engine``."""
        hosts = [
            {"pid": host.pid, "runs": len(host.runs), "ready": host.about is not None} for host in self._hosts
        ]
        return {"hosts": hosts, "restarts": self._restarts}

    async def close(self) -> None:
        """See ``Engine``."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(host.close() for host in self._hosts))

    def _new_host(self, form: str, device: str) -> HostProcess:
        host = HostProcess(self._settings, form, device, self._hear)
        self._hosts.append(host)
        return host

    async def _keep(self, host: HostProcess, form: str, device: str) -> None:
        """See to it that one host is there, replacing it when it ends."""
        failures = 0
        while True:
            try:
                if not host.pid:
                    about = await host.start()
                    self._about = replace(about, milliseconds=self._about.milliseconds if self._about else ())
                failures = 0
                told = {"event": "engine_ready", "pid": host.pid, "form": form}
                logger.info("the engine host %(pid)d is ready (%(form)s)", told)
                self._start_pending()
                await host.ended()
            except EngineError as error:
                failures += 1
                logger.error("%s", error)
            self._hosts.remove(host)
            self._lose(host)
            if failures >= 3:
                self._give_up_pending()
            if failures:
                await asyncio.sleep(min(30.0, 0.5 * 2.0**failures))
            self._restarts += 1
            host = self._new_host(form, device)

    def _lose(self, host: HostProcess) -> None:
        if host.about:
            told = {"event": "engine_ended", "pid": host.pid, "runs": len(host.runs)}
            logger.warning("the engine host %(pid)d ended with %(runs)d runs; it is started again", told)
        for run in sorted(host.runs):
            blamed = host.about is not None and host.about.form != "fork" and run == host.turn
            status = messages.DIED if blamed else messages.LOST
            how = f"the engine host {host.pid} ended"
            self._vigil.end(run)
            self._hung.discard(run)
            self._tell(_ended(run, status, how))

    def _start_pending(self) -> None:
        pending, self._pending = self._pending, {}
        for number, (text, skip) in pending.items():
            self.run(number, text, skip)

    def _give_up_pending(self) -> None:
        if self.able:
            return
        pending, self._pending = self._pending, {}
        for number in pending:
            self._tell(_ended(number, messages.BROKEN, _DOES_NOT_START))


def engine_of(settings: Settings, tell: Tell) -> Engine:
    """The engine that the settings choose."""
    if settings.engine != "redis":
        return LocalEngine(settings, tell)
    from normviz.player.cluster import ClusterEngine  # Redis' client is loaded only where it is used

    return ClusterEngine(settings, tell)


def _processes(device: str) -> int:
    """Lasting processes where nothing else is set: one a core; one on a GPU, whose memory each would take."""
    return os.cpu_count() or 1 if device == "cpu" else 1


def _ended(run: int, status: str, sentence: str) -> messages.Message:
    payload = messages.packed(run, messages.ENDED, status=status, sentence=sentence)
    return next(messages.Reader().feed(payload))
