"""The workers of one machine: a process with torch imported and warm, and forks of it that take jobs.

    python -m normviz worker [--jobs N]

which checks the settings and becomes this module.  Memory is shared by the forks: torch is imported once.
All runs of a machine live at once at the lowest priority, one thread each; the kernel is the scheduler, as in
the embedded pool.  A worker that ends is replaced.  None outlives this process, and no run its worker.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import gc
import logging
import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

import redis
import torch
from redis.backoff import NoBackoff
from redis.retry import Retry

from normviz.lab import groups, horses, host, processes, workers
from normviz.spec import SpecError
from normviz.store import Server
from normviz.versions import About, source_hash

logger = logging.getLogger(__name__)

_GRACE = 5.0  # seconds that the workers have to leave
_QUICK = 10.0  # seconds; a worker that ends sooner is replaced more slowly each time


def main(arguments: list[str] | None = None) -> None:
    """Work until SIGTERM."""
    options = _options(arguments)
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("rq").setLevel(logging.WARNING)
    faulthandler.enable()
    try:
        server = Server.from_environment()
    except SpecError as error:
        sys.exit(error.sentence)
    torch.set_num_threads(1)
    host.warm_up(options.load)
    if processes.threads() != 1:
        sys.exit(f"The workers have {processes.threads()} threads after loading, so they cannot fork safely.")
    about = About("redis", torch.__version__, host.cpu_type(), source_hash(options.load), ("cpu",))
    limits = groups.Limits(options.memory, options.seconds)
    gc.collect()
    gc.freeze()  # what is imported by now is never collected, so its pages stay shared
    processes.adopt_orphans()
    _reach(server)
    logger.info("%d workers for %s, version %s", options.jobs, server.place, about.source[:12])
    Crew(options.jobs, server, about, limits, options.keep * 1000, options.silence).serve()


def _reach(server: Server) -> None:
    """Wait until Redis answers.  Ends the process if it refuses the password."""
    told = ""
    while True:
        try:
            with redis.Redis(**server.options(), retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
                client.ping()
            return
        except redis.AuthenticationError as error:
            sys.exit(f"Redis at {server.place} refuses the password or the user: {error}")
        except redis.RedisError as error:
            if str(error) != told:
                logger.warning("Redis at %s does not answer; it is tried again: %s", server.place, error)
            told = str(error)
        time.sleep(1)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m normviz.lab.cluster", description=__doc__)
    parser.add_argument("--jobs", type=int, required=True, help="runs computed at once")
    parser.add_argument("--memory", type=int, default=0, help="bytes that one run may use")
    parser.add_argument("--seconds", type=int, default=0, help="processor time of one run")
    parser.add_argument("--silence", type=float, default=60.0, help="seconds after which a silent run hangs")
    parser.add_argument("--keep", type=int, default=3600, help="seconds for which recordings stay in Redis")
    parser.add_argument("--load", action="append", default=[], help="a module with more experiments")
    return parser.parse_args(arguments)


class Crew:
    """The workers: forked, replaced when they end, ended with this process."""

    def __init__(
        self, jobs: int, server: Server, about: About, limits: groups.Limits, keep: int, silence: float
    ) -> None:
        self._jobs, self._server, self._about = jobs, server, about
        self._limits, self._keep, self._silence = limits, keep, silence
        self._born: dict[int, float] = {}
        self._leaving = False

    def serve(self) -> None:
        """Work until SIGTERM."""
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, self._leave)
        failures = 0
        while not self._leaving:
            while len(self._born) < self._jobs and not self._leaving:
                self._fork()
            pid, status = os.wait()
            born = self._born.pop(pid, None)
            if born is None or self._leaving:  # what a killed worker left behind is ours to reap, too
                continue
            code = os.waitstatus_to_exitcode(status)
            quick = time.monotonic() - born < _QUICK
            failures = failures + 1 if quick else 0
            logger.warning("the worker process %d ended with %d; it is replaced", pid, code)
            time.sleep(min(10.0, 0.1 * 2.0**failures))
        with contextlib.suppress(ChildProcessError):  # none is left
            while True:
                self._born.pop(os.wait()[0], None)

    def _fork(self) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._work(parent)
        self._born[pid] = time.monotonic()

    def _work(self, parent: int) -> NoReturn:
        code = 1
        try:
            processes.end_with(parent)
            processes.adopt_orphans()
            for sign in (signal.SIGTERM, signal.SIGINT):
                signal.signal(sign, lambda *_: os._exit(0))  # until RQ sets its own
            connection = horses.client(self._server.options())
            workers.RunWorker(connection, self._about, self._limits, self._keep, self._silence).work()
            code = 0
        except Exception as error:
            logger.error("a worker cannot work: %s: %s", type(error).__name__, error)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _leave(self, signum: int, frame: FrameType | None) -> None:
        """Have the workers leave; end those that do not, as when Redis is away to whom they say it."""
        self._leaving = True
        self._tell(signal.SIGTERM)
        signal.signal(signal.SIGALRM, lambda *_: self._tell(signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, _GRACE)

    def _tell(self, sign: signal.Signals) -> None:
        for pid in self._born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)


if __name__ == "__main__":
    main()
