"""Dealing: the parts of a large run computed by several processes, with the results of a single one.

    def part(members):                  # a generator: one result after each round
        stack = Stack(plan, members)
        for steps in rounds:
            stack.step(steps)
            yield stack.losses

    for results in dealt([partial(part, chunk) for chunk in chunks]):
        ...                             # of round k, in the order of the chunks

A round is handed on when every part has finished it, so what comes out depends neither on the number of
processes nor on their speed.  The workers are forks of the caller: they inherit its limits and its priority,
and the kernel kills them when it ends.  Where a fork is not possible (other systems, a process with
several threads, a GPU's), or there is one core, the parts are computed in turn.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from normviz.lab import processes

Part = Callable[[], Iterator[Any]]
"""Makes the generator of one part's results; all parts have equally many."""


class WorkerError(Exception):
    """A worker's process ended without a word."""

    def __init__(self, pid: int, code: int) -> None:
        self.code = code
        """Exit status, negative for a signal."""
        how = signal.Signals(-code).name if code < 0 else code
        super().__init__(f"the worker process {pid} of a run ended with {how}")


def dealt(parts: Sequence[Part], workers: int | None = None) -> Iterator[list[Any]]:
    """Round after round, the results of all parts.

    ``workers``: processes; by default as many as there are cores and parts, if this process may fork.

    Raises:
        WorkerError: a worker was killed.
        Exception: whatever a part raises.
    """
    if workers is None:
        workers = processes.cores() if processes.can_fork() else 1
    count = min(workers, len(parts))
    return _forked(parts, count) if count > 1 else _in_turn(parts)


def _in_turn(parts: Sequence[Part]) -> Iterator[list[Any]]:
    for results in zip(*(part() for part in parts), strict=True):
        yield list(results)


def _forked(parts: Sequence[Part], count: int) -> Iterator[list[Any]]:
    crew: list[_Worker] = []
    try:
        for first in range(count):
            crew.append(_Worker(parts[first::count]))
        while True:
            told = [worker.next() for worker in crew]
            if any(results is None for results in told):
                if all(results is None for results in told):
                    return
                raise ValueError("the parts of a run differ in length")
            merged: list[Any] = [None] * len(parts)
            for first, results in enumerate(told):
                merged[first::count] = results
            yield merged
    finally:
        for worker in crew:
            worker.end()


class _Worker:
    """A forked process that computes some parts in turn, seen from its parent."""

    def __init__(self, parts: Sequence[Part]) -> None:
        if not processes.can_fork():
            raise RuntimeError("this process cannot fork safely: it has several threads or is not on Linux")
        read, write = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _work(parts, write, parent)
        os.close(write)
        self._pipe = Connection(read, writable=False)
        self._code: int | None = None

    def next(self) -> Any:
        """Results of the next round; None after the last one."""
        try:
            kind, told = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise WorkerError(self.pid, self.end()) from None
        if kind == "failed":
            raise told
        return told

    def end(self) -> int:
        """Make sure that the process is gone; its exit status."""
        if self._code is None:
            self._pipe.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)  # without effect if it has ended: it is not reaped yet
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code


def _work(parts: Sequence[Part], pipe: int, parent: int) -> NoReturn:
    """What a forked process does; it never returns to the caller."""
    code = 1
    try:
        processes.end_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal: the parent ends this one
        processes.keep_only(pipe)
        out = Connection(pipe, readable=False)
        try:
            for results in _in_turn(parts):
                out.send(("round", results))
            out.send(("round", None))
        except Exception as error:
            out.send(("failed", _portable(error)))
        code = 0
    except BrokenPipeError:
        pass
    finally:
        os._exit(code)


def _portable(error: Exception) -> Exception:
    """The error itself, if it survives a pipe; else one with the same words."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
