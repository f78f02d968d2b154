"""A real Redis and real workers: processes of their own that a test may kill, on free ports."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import redis

from normviz.player import Settings
from tests.player.processes import alive, children, descendants, until
from tests.player.stands import EXPERIMENTS, Stand

ROOT = Path(__file__).parents[2]
PASSWORD = "open-sesame-5f3a"
WORKERS = 4


def tool(name: str) -> str:
    """The path of a program.

    Raises:
        AssertionError: it is not installed.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert found, (
        f"The tests of the cluster need {name}. Install it, for example: sudo apt-get install {name}"
    )
    return found


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class RedisServer:
    """One Redis, with a password; it keeps its data over a restart if it is told to."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port, self._options = free_port(), options
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {"NORMVIZ_ENGINE": "redis", "NORMVIZ_REDIS": self.url}
        self.start()

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A client of its own."""
        return redis.Redis(host="127.0.0.1", port=self.port, password=PASSWORD)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [
            tool("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", PASSWORD,
            "--dir", str(self._folder), "--save", "", "--logfile", str(self._folder / "redis.log"),
            *self._options,
        ]  # fmt: skip
        self._process = subprocess.Popen(command)
        until(self._answers, within=30)

    def _answers(self) -> bool:
        with socket.socket() as line:
            line.settimeout(0.5)
            return line.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait."""
        if self._process:
            self._process.send_signal(sign)
            self._process.wait(30)
            self._process = None


class Workers:
    """The workers of one machine: the process that an operator starts, and its forks."""

    def __init__(self, environment: dict[str, str], jobs: int, *, log: Path) -> None:
        self._log = log
        command = [sys.executable, "-m", "normviz", "worker", "--jobs", str(jobs)]
        settings = {"NORMVIZ_EXPERIMENTS": EXPERIMENTS[0], "PYTHONPATH": str(ROOT), **environment}
        with log.open("ab") as told:
            self.process = subprocess.Popen(command, stderr=told, env={**os.environ, **settings}, cwd=ROOT)

    @property
    def pids(self) -> set[int]:
        """Process ids of the workers."""
        return children(self.process.pid)

    @property
    def log(self) -> str:
        """What they logged."""
        return self._log.read_text()

    def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End all and see that nothing is left."""
        started = descendants(self.process.pid)
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(sign)
        self.process.wait(30)
        until(lambda: not any(map(alive, started)), within=10)


class Cluster:
    """A Redis and the workers of one machine."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.redis = RedisServer(folder)
        self.workers = Workers(self.redis.environment, jobs, log=folder / "workers.log")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.workers.end()
        self.redis.end()


class ClusterStand(Stand):
    """A player that follows runs which workers compute.  The workers are its hosts."""

    def __init__(self, cluster: Cluster, **settings: Any) -> None:
        self._workers = cluster.workers
        settings = {"engine": "redis", "redis": cluster.redis.url, "experiments": EXPERIMENTS, **settings}
        super().__init__(Settings(**settings))

    @property
    def hosts(self) -> list[int]:
        """Process ids of the workers that have said that they are there."""
        engine: Any = self.player.report()["engine"]
        pids = sorted(self._workers.pids)
        return pids if engine["workers"] >= len(pids) else []

    @property
    def log(self) -> str:
        """What the workers logged."""
        return self._workers.log

    @property
    def at_work(self) -> int:
        """Runs that are followed."""
        engine: Any = self.player.report()["engine"]
        return int(engine["runs"])


@contextlib.contextmanager
def restarting(server: RedisServer, sign: signal.Signals, after: float) -> Iterator[None]:
    """End a Redis; start it again a while later."""
    server.end(sign)
    timer = threading.Timer(after, server.start)
    timer.start()
    try:
        yield
    finally:
        timer.join()
