"""Dealing: the parts of a large run computed by several processes, with the results of a single one.

    def part(members):                  # a generator: one result after each round
        stack = Stack(plan, members)
        for steps in rounds:
            stack.step(steps)
            yield stack.losses

    for results in dealt([partial(part, chunk) for chunk in chunks]):
        ...                             # of round k, in the order of the chunks

A round is handed on when every part has finished it, so what comes out depends neither on the number of
processes nor on their speed.  A run of several such lots deals them together (`in_a_row`): whoever is done
with its parts of one goes on with those of the next, instead of waiting for the others after each.

The workers are forks of the caller: they inherit its limits and its priority, and the kernel kills them when
it ends.  Where a fork is not possible (other systems, a process with several threads, one that computes on
a GPU), or there is one core, the parts are computed in turn.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from normviz.lab import devices, processes

Part = Callable[[], Iterator[Any]]
"""Makes the generator of one part's results; all parts of a lot have equally many."""
Lot = Sequence[tuple[float, Part]]
"""Parts that are looked at together, each with about how long it takes, in a unit that all lots share."""


class WorkerError(Exception):
    """A worker's process ended without a word."""

    def __init__(self, pid: int, code: int) -> None:
        self.code = code
        """Exit status, negative for a signal."""
        how = signal.Signals(-code).name if code < 0 else code
        super().__init__(f"the worker process {pid} of a run ended with {how}")


def dealt(parts: Sequence[Part], workers: int | None = None) -> Iterator[list[Any]]:
    """Round after round, the results of all parts.

    ``workers``: processes; by default as many as there are cores and parts, if this process computes on
    the CPU and may fork.

    Raises:
        WorkerError: a worker was killed.
        Exception: whatever a part raises.
    """
    with in_a_row([[(1.0, part) for part in parts]], workers) as (rounds,):
        yield from rounds


@contextlib.contextmanager
def in_a_row(lots: Sequence[Lot], workers: int | None = None) -> Iterator[list[Iterator[list[Any]]]]:
    """The rounds of each lot, to be read to their end lot by lot; the workers end with the block.

    ``workers``: processes; by default as many as there are cores, and parts in the largest lot, if this
    process may fork.  Reading raises what `dealt` raises.
    """
    if workers is None:
        workers = processes.cores() if devices.is_cpu() and processes.can_fork() else 1
    count = min(workers, max(map(len, lots), default=0))
    if count <= 1:
        yield [_in_turn([part for _, part in lot]) for lot in lots]
        return
    crew: list[_Worker] = []
    shares = shared_out([[cost for cost, _ in lot] for lot in lots], count)
    try:
        for own in shares:
            crew.append(_Worker([[lot[i][1] for i in places] for lot, places in zip(lots, own, strict=True)]))
        yield [_read(crew, places) for places in zip(*shares, strict=True)]
    finally:
        for worker in crew:
            worker.end()


def shared_out(costs: Sequence[Sequence[float]], count: int) -> list[list[list[int]]]:
    """For each of ``count`` workers and each lot, which of its parts are the worker's.

    The longest first, each to whoever has least to do so far, with what the lots before have given.
    """
    load = [0.0] * count
    shares: list[list[list[int]]] = [[[] for _ in costs] for _ in range(count)]
    for lot, own in enumerate(costs):
        for part in sorted(range(len(own)), key=lambda i: -own[i]):
            worker = load.index(min(load))
            load[worker] += own[part]
            shares[worker][lot].append(part)
    return shares


def _in_turn(parts: Sequence[Part]) -> Iterator[list[Any]]:
    for results in zip(*(part() for part in parts), strict=True):
        yield list(results)


def _read(crew: Sequence[_Worker], shares: Sequence[Sequence[int]]) -> Iterator[list[Any]]:
    """The rounds of a lot from the workers that have parts of it, in the order of the parts."""
    taking = [(worker, places) for worker, places in zip(crew, shares, strict=True) if places]
    while taking:
        told = [worker.next() for worker, _ in taking]
        if any(results is None for results in told):
            if all(results is None for results in told):
                return
            raise ValueError("the parts of a run differ in length")
        merged: list[Any] = [None] * sum(len(places) for _, places in taking)
        for (_, places), results in zip(taking, told, strict=True):
            for place, result in zip(places, results, strict=True):
                merged[place] = result
        yield merged


class _Worker:
    """A forked process that computes its parts of lot after lot, seen from its parent."""

    def __init__(self, lots: Sequence[Sequence[Part]]) -> None:
        if not processes.can_fork():
            raise RuntimeError("this process cannot fork safely: it has several threads or is not on Linux")
        read, write = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _work(lots, write, parent)
        os.close(write)
        self._pipe = Connection(read, writable=False)
        self._code: int | None = None

    def next(self) -> Any:
        """Results of the next round; None after the last one of a lot."""
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


def _work(lots: Sequence[Sequence[Part]], pipe: int, parent: int) -> NoReturn:
    """What a forked process does; it never returns to the caller."""
    code = 1
    try:
        processes.end_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal: the parent ends this one
        processes.keep_only(pipe)
        out = Connection(pipe, readable=False)
        try:
            for parts in filter(None, lots):
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
