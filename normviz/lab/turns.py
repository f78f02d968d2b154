"""The persistent form of the engine host: one process that steps its runs in turn.

For systems without fork, and for a GPU, which a forked process cannot use.  Several such hosts share the
runs.  A run here is only a generator: to cancel it is to drop it at its next frame, and if it crashes,
the host's other runs fall with it; TURN tells whose fault it was.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
from collections.abc import Iterator
from threading import Thread
from typing import BinaryIO

from normviz import messages
from normviz.lab import runs

logger = logging.getLogger(__name__)


class TurnHost:
    """Steps the runs that the web process asks for, one frame each in turn."""

    def __init__(self, inbox: int, outbox: BinaryIO) -> None:
        self._inbox, self._outbox = inbox, outbox
        self._asked: queue.SimpleQueue[messages.Message] = queue.SimpleQueue()
        self._runs: dict[int, Iterator[bytes]] = {}
        self._resting: set[int] = set()
        self._last = 0

    def serve(self, hello: bytes) -> None:
        """Work until the web process closes its end."""
        Thread(target=self._listen, daemon=True).start()
        try:
            self._send(hello)
            while True:
                self._take_requests()
                for run in [one for one in self._runs if one not in self._resting]:
                    self._step(run)
        except BrokenPipeError:
            pass

    def _listen(self) -> None:
        reader = messages.Reader()
        while data := os.read(self._inbox, 1 << 16):
            for message in reader.feed(data):
                self._asked.put(message)
        # The web process has gone.  Nobody is left to wait for the step in progress, however long it is.
        os._exit(0)

    def _take_requests(self) -> None:
        while self._resting.issuperset(self._runs) or not self._asked.empty():
            message = self._asked.get()
            if message.kind == messages.START:
                told = message.told
                self._runs[message.run] = runs.stream(message.run, told["spec"], told["skip"])
                self._send(messages.packed(message.run, messages.BEGAN, pid=os.getpid()))
            elif message.kind == messages.CANCEL and message.run in self._runs:
                self._drop(message.run)
            elif message.kind == messages.REST and message.run in self._runs:
                self._resting.add(message.run)
            elif message.kind == messages.WAKE:
                self._resting.discard(message.run)

    def _drop(self, run: int) -> None:
        dropped = self._runs.pop(run)
        self._resting.discard(run)
        try:
            dropped.close()  # type: ignore[attr-defined]
        except Exception:
            logger.exception("run %d did not end well", run)
        self._send(messages.packed(run, messages.ENDED, status=messages.STOPPED, sentence=""))

    def _step(self, run: int) -> None:
        if run != self._last:
            self._send(messages.packed(run, messages.TURN))
            self._last = run
        try:
            data = next(self._runs[run])
        except StopIteration:
            del self._runs[run]
            return
        if data:
            self._send(data)

    def _send(self, data: bytes) -> None:
        self._outbox.write(data)
        self._outbox.flush()


def lower_priority() -> None:
    """Let the server and everything else on this machine go first."""
    if sys.platform != "win32":
        os.nice(19)
