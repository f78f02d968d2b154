"""A real Redis and real workers: processes of their own that a test may kill, on free ports."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import redis

from normviz.player import Settings
from normviz.store import Server
from tests.containers.proxies import free_port, nginx
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


class RedisServer:
    """One Redis, with a password; it keeps its data over a restart if its options say so."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port, self._options = free_port(), options
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {"NORMVIZ_ENGINE": "redis", **self._address()}
        self.start()

    def _address(self) -> dict[str, str]:
        """The settings that lead to it."""
        return {"NORMVIZ_REDIS": f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"}

    def _line(self) -> list[str]:
        """Options of the port."""
        return ["--port", str(self.port)]

    @property
    def client(self) -> Any:
        """A client of its own."""
        return redis.Redis(**Server.from_environment(self.environment).options())

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [
            tool("redis-server"), "--bind", "127.0.0.1", "--requirepass", PASSWORD,
            "--dir", str(self._folder), "--logfile", str(self._folder / "redis.log"), "--save", "",
            *self._line(), *self._options,
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


class SecureRedisServer(RedisServer):
    """One that speaks TLS alone and asks for certificates; the password comes from a file."""

    def _address(self) -> dict[str, str]:
        for name, options in (
            ("ca", ["-x509", "-subj", "/CN=test authority", "-addext", "basicConstraints=critical,CA:TRUE"]),
            ("own", ["-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=lab"]),
        ):
            if name == "own":
                options += ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]
            files = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-nodes"]
            command = [tool("openssl"), "req", "-newkey", "rsa:2048", *options, *files]
            subprocess.run(command, cwd=self._folder, check=True, capture_output=True)
        (self._folder / "password").write_text(PASSWORD + "\n")
        return {
            "NORMVIZ_REDIS": f"rediss://localhost:{self.port}/0",
            "NORMVIZ_REDIS_PASSWORD_FILE": str(self._folder / "password"),
            "NORMVIZ_REDIS_CA": str(self._folder / "ca.pem"),
            "NORMVIZ_REDIS_CERTIFICATE": str(self._folder / "own.pem"),
            "NORMVIZ_REDIS_KEY": str(self._folder / "own.key"),
        }

    def _line(self) -> list[str]:
        files = [
            "--tls-ca-cert-file", "ca.pem", "--tls-cert-file", "own.pem", "--tls-key-file", "own.key",
        ]  # fmt: skip
        return ["--port", "0", "--tls-port", str(self.port), *files, "--tls-auth-clients", "yes"]


class Workers:
    """The workers of one machine: the process that an operator starts, and its forks."""

    def __init__(self, environment: dict[str, str], jobs: int, *, log: Path) -> None:
        self.log_file = log
        command = [sys.executable, "-m", "normviz", "worker", "--jobs", str(jobs)]
        settings = {"NORMVIZ_EXPERIMENTS": EXPERIMENTS[0], "PYTHONPATH": str(ROOT), **environment}
        with log.open("ab") as told:
            self.process = subprocess.Popen(command, stderr=told, env={**os.environ, **settings}, cwd=ROOT)

    @property
    def pids(self) -> set[int]:
        """Process ids of the workers."""
        return children(self.process.pid)

    @property
    def horses(self) -> set[int]:
        """Process ids of the runs that they compute."""
        return set().union(*map(children, self.pids))

    @property
    def log(self) -> str:
        """What they logged."""
        return self.log_file.read_text()

    def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End all and see that nothing is left."""
        started = descendants(self.process.pid)
        self.process.send_signal(sign)
        self.process.wait(30)
        until(lambda: not any(map(alive, started)), within=10)


class Cluster:
    """A Redis and the workers of one machine."""

    def __init__(self, server: RedisServer, jobs: int, *, log: Path) -> None:
        self.redis = server
        self.workers = Workers(server.environment, jobs, log=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.workers.end()
        self.redis.end()


class ClusterStand(Stand):
    """A player that follows runs which workers compute.  The workers are its hosts."""

    def __init__(self, cluster: Cluster, **settings: Any) -> None:
        self._cluster = cluster
        environment = {**cluster.redis.environment, "NORMVIZ_EXPERIMENTS": EXPERIMENTS[0]}
        super().__init__(replace(Settings.from_environment(environment), **settings))

    @property
    def hosts(self) -> list[int]:
        """Process ids of the workers that have said that they are there."""
        engine: Any = self.player.report()["engine"]
        pids = sorted(self._cluster.workers.pids)
        return pids if engine["workers"] >= len(pids) else []

    @property
    def log(self) -> str:
        """What the workers logged."""
        return self._cluster.workers.log

    @property
    def at_work(self) -> int:
        """Runs that are followed."""
        engine: Any = self.player.report()["engine"]
        return int(engine["runs"])


class Replica:
    """One web process, started as ``make run`` does."""

    def __init__(self, environment: dict[str, str], *, log: Path) -> None:
        self.port, self._environment, self._log = free_port(), environment, log
        self.start()

    def start(self) -> None:
        """Start it, or start it again on the same port."""
        command = [
            sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1",
            "--server.port", str(self.port), "--server.headless", "true",
        ]  # fmt: skip
        with self._log.open("ab") as told:
            environment = {**os.environ, "OMP_NUM_THREADS": "1", **self._environment}
            self.process = subprocess.Popen(command, stdout=told, stderr=told, env=environment, cwd=ROOT)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it logged."""
        return self._log.read_text()

    @property
    def status(self) -> int:
        """What it answers to whoever asks whether it is ready; 0: it does not answer."""
        return status_of(self.address)

    def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        self.process.wait(30)


def status_of(address: str) -> int:
    """Status of /lab/ready at an address; 0: nothing answers."""
    try:
        with urllib.request.urlopen(f"http://{address}/lab/ready", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class Proxy:
    """nginx as it is shipped, before the replicas: a visitor stays with one of them as long as it answers."""

    def __init__(self, folder: Path, replicas: list[Replica]) -> None:
        folder.mkdir()
        self._chosen, self._replicas = folder / "chosen.log", replicas
        ports = {str(8501 + n): replica.port for n, replica in enumerate(replicas)}
        self._running = ExitStack()
        self.address = self._running.enter_context(nginx("nginx-replicas.conf", folder, ports))
        until(lambda: status_of(self.address), within=60)

    def replica(self, path: str) -> Replica:
        """The replica that answered last for a path."""
        lines = [line.split() for line in self._chosen.read_text().splitlines()]
        last = [line[-1] for line in lines if line[0].startswith(path)][-1]
        return next(one for one in self._replicas if one.address == last)

    def end(self) -> None:
        """End it and wait."""
        self._running.close()


class Site:
    """Redis that keeps what it has, workers on two "machines", two replicas, and a proxy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis = RedisServer(folder, "--appendonly", "yes", "--appendfsync", "always")
        self.machines = [self.new_machine() for _ in range(2)]
        self.replicas = [Replica(self.redis.environment, log=folder / f"replica{n}.log") for n in range(2)]
        self.proxy = Proxy(folder / "proxy", self.replicas)
        try:
            until(self.whole)
        except AssertionError:
            self.close()
            raise

    def whole(self) -> bool:
        """Everything runs."""
        return all(replica.status == 200 for replica in self.replicas)

    def new_machine(self, jobs: int = 2) -> Workers:
        """Start workers as on a machine that joins."""
        environment = {
            **self.redis.environment,
            "NORMVIZ_EXPERIMENTS": "",
        }  # those of the replicas: the shipped
        return Workers(environment, jobs, log=self.folder / "workers.log")

    def close(self) -> None:
        """End everything and see that nothing is left."""
        self.proxy.end()
        for one in [*self.replicas, *self.machines]:
            one.end()
        self.redis.end()
