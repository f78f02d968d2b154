"""The fork form of the engine host: one process for each run, made by fork, at the lowest priority.

The host has one thread, torch imported and warm.  A run is a fork of it: it starts in a few
milliseconds, shares the imported code's memory, and is ended by SIGKILL whatever it computes.  The
kernel is the scheduler (but for ``newcomers``), and the limits of one run are the kernel's too.

No run outlives its host: the kernel kills it when the host ends (PR_SET_PDEATHSIG, which is reliable
because the host has a single thread), and its pipe breaks.  The host ends when its input does.  A run may
have workers of its own (``normviz.lab.dealt``): they are in its process group, which is ended as a whole, and
the host reaps them.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import selectors
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import NoReturn

from normviz import messages
from normviz.lab import groups, processes, runs
from normviz.lab.newcomers import Newcomers

logger = logging.getLogger(__name__)

_CHUNK = 1 << 18
_FULL = 1 << 20  # bytes waiting for the web process, beyond which the runs' pipes are left unread


@dataclass
class _Child:
    run: int
    pid: int
    pipe: int
    reader: messages.Reader = field(default_factory=messages.Reader)
    ended: bool = False
    resting: bool = False
    """The web process wants it to rest."""
    stopped: bool = False
    """It stands still, for that or any other reason."""


class ForkHost:
    """Relays between the web process (two pipes) and the runs (one pipe each), in one thread."""

    def __init__(self, inbox: int, outbox: int, limits: groups.Limits) -> None:
        self._inbox, self._outbox, self._limits = inbox, outbox, limits
        self._reader = messages.Reader()
        self._children: dict[int, _Child] = {}
        self._out: deque[memoryview] = deque()
        self._waiting = 0
        self._paused = False
        self._newcomers = Newcomers()
        self._selector = selectors.DefaultSelector()
        for pipe in (inbox, outbox):
            os.set_blocking(pipe, False)

    def serve(self, hello: bytes) -> None:
        """Work until the web process closes its end; then end every run."""
        # What is imported by now is never collected, so its pages stay shared with the runs.
        gc.collect()
        gc.freeze()
        processes.adopt_orphans()
        self._selector.register(self._inbox, selectors.EVENT_READ)
        self._send(hello)
        try:
            while self._turn():
                pass
        except BrokenPipeError:
            pass
        finally:
            for child in self._children.values():
                groups.tell(child.pid, signal.SIGKILL)

    def _turn(self) -> bool:
        for key, _ in self._selector.select(self._newcomers.look_again):
            if key.fd == self._inbox:
                if not self._listen():
                    return False
            elif key.fd == self._outbox:
                self._flush()
            elif isinstance(key.data, _Child) and not key.data.ended:
                self._relay(key.data)
        self._let_go()
        return True

    def _let_go(self) -> None:
        """Have those runs stand still that rest, or that others come before; the others go on."""
        resting = {child.run for child in self._children.values() if child.resting}
        held = self._newcomers.held(self._children, resting, time.monotonic())
        for child in self._children.values():
            stop = child.resting or child.run in held
            if stop != child.stopped:
                child.stopped = stop
                groups.tell(child.pid, signal.SIGSTOP if stop else signal.SIGCONT)

    # --- from the web process ---------------------------------------------------------------------

    def _listen(self) -> bool:
        data = os.read(self._inbox, _CHUNK)
        for message in self._reader.feed(data):
            if message.kind == messages.START:
                told = message.told
                self._start(message.run, told["spec"], told["skip"])
            elif message.kind == messages.CANCEL and message.run in self._children:
                self._end(self._children[message.run], messages.STOPPED)
            elif message.kind in (messages.REST, messages.WAKE) and message.run in self._children:
                self._children[message.run].resting = message.kind == messages.REST
        return bool(data)

    def _start(self, run: int, text: str, skip: int) -> None:
        if processes.threads() != 1:
            raise RuntimeError("the engine host has more than one thread: it cannot fork safely")
        try:
            read, write = os.pipe()
        except OSError as error:
            return self._refuse(run, error)
        host = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(read)
            os.close(write)
            return self._refuse(run, error)
        if pid == 0:
            _become_run(run, text, skip, write, host, self._limits)
        with contextlib.suppress(OSError):  # it may have done so itself, and even ended
            os.setpgid(pid, pid)
        os.close(write)
        child = self._children[run] = _Child(run, pid, read)
        self._newcomers.came(run)
        if not self._paused:
            self._selector.register(read, selectors.EVENT_READ, child)
        return self._send(messages.packed(run, messages.BEGAN, pid=pid))

    def _refuse(self, run: int, error: OSError) -> None:
        sentence = f"no process could be made: {error}"
        self._send(messages.packed(run, messages.ENDED, status=messages.DIED, sentence=sentence))

    # --- from the runs ----------------------------------------------------------------------------

    def _relay(self, child: _Child) -> None:
        data = os.read(child.pipe, _CHUNK)
        if not data:
            return self._end(child, messages.DIED)
        for message in child.reader.feed(data):
            self._send(messages.packed(message.run, message.kind, message.payload))
            if message.kind in (messages.FRAME, messages.SKIPPED):
                self._newcomers.known(child.run)
            if message.kind == messages.ENDED:
                return self._end(child, "")
        return None

    def _end(self, child: _Child, status: str) -> None:
        """Make sure that a run's process is gone, and say ``status`` for it unless it spoke itself."""
        child.ended = True
        del self._children[child.run]
        self._newcomers.known(child.run)
        with contextlib.suppress(KeyError):
            self._selector.unregister(child.pipe)
        os.close(child.pipe)
        groups.tell(child.pid, signal.SIGKILL)  # without effect if it has ended: it is not reaped yet
        _, code = os.waitpid(child.pid, 0)
        groups.reap(child.pid)
        if status:
            how = os.waitstatus_to_exitcode(code)
            sentence = f"process {child.pid} ended with {signal.Signals(-how).name if how < 0 else how}"
            if how == -signal.SIGXCPU:
                status, sentence = messages.FAILED, runs.OUT_OF_TIME
            self._send(messages.packed(child.run, messages.ENDED, status=status, sentence=sentence))

    # --- to the web process -----------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        self._out.append(memoryview(data))
        self._waiting += len(data)
        self._flush()

    def _flush(self) -> None:
        while self._out:
            try:
                done = os.write(self._outbox, self._out[0])
            except BlockingIOError:
                break
            self._waiting -= done
            if done < len(self._out[0]):
                self._out[0] = self._out[0][done:]
            else:
                self._out.popleft()
        writing = self._outbox in self._selector.get_map()
        if self._out and not writing:
            self._selector.register(self._outbox, selectors.EVENT_WRITE)
        elif not self._out and writing:
            self._selector.unregister(self._outbox)
        self._pause(self._waiting > _FULL)

    def _pause(self, pause: bool) -> None:
        """Leave the runs' pipes unread while the web process is behind: the runs block."""
        if pause == self._paused:
            return
        self._paused = pause
        for child in self._children.values():
            if pause:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(child.pipe)
            else:
                self._selector.register(child.pipe, selectors.EVENT_READ, child)


def _become_run(run: int, text: str, skip: int, pipe: int, host: int, limits: groups.Limits) -> NoReturn:
    """What the forked process does; it never returns to the host's loop."""
    code = 1
    try:
        processes.end_with(host)
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        processes.keep_only(pipe)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        groups.confine(limits)
        for data in runs.stream(run, text, skip):
            left = memoryview(data)
            while left:
                left = left[os.write(pipe, left) :]
        code = 0
    except BrokenPipeError:
        pass
    except BaseException:
        logger.exception("run %d ended", run)
    finally:
        sys.stderr.flush()
        os._exit(code)
