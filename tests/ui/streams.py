"""A web server of its own process, and a client of the stream that does what the browser does."""

from __future__ import annotations

import json
import os
import re
import secrets
import struct
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from normviz.spec import Spec
from normviz.ui.visitors import COOKIE
from tests.player.stands import EXPERIMENTS

ROOT = Path(__file__).parents[2]
COMMAND = [
    sys.executable, "-m", "uvicorn", "tests.ui.stream_server:app", "--port", "0", "--ws", "websockets-sansio",
]  # fmt: skip


class Server:
    """The server of ``stream_server``, on a port of its own."""

    def __init__(self, **settings: str) -> None:
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
            "NORMVIZ_EXPERIMENTS": EXPERIMENTS[0], **settings,
        }  # fmt: skip
        self.log: list[str] = []
        self._port: list[int] = []
        self._ready = threading.Event()
        self.process = subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True, env=environment)
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        assert self._ready.wait(120)
        assert self._port, "\n".join(self.log)
        self.address = f"127.0.0.1:{self._port[0]}"

    def _listen(self) -> None:
        assert self.process.stderr
        with self.process.stderr:
            for line in self.process.stderr:
                self.log.append(line.rstrip())
                if found := re.search(r"running on http://127.0.0.1:(\d+)", line):
                    self._port.append(int(found[1]))
                    self._ready.set()
        self._ready.set()

    def get(self, path: str) -> Any:
        """JSON at a path."""
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as answer:
            return json.load(answer)

    def open(self, spec: Spec) -> str:
        """The token of a spec's run."""
        return str(self.get("/open?spec=" + urllib.parse.quote(spec.to_json()))["token"])

    def close(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(60)
        self._listener.join()


class Client:
    """Reads a run's stream and keeps what it got, as the page does; each is a visitor of its own."""

    def __init__(self, server: Server, token: str, query: str = "", **options: Any) -> None:
        address = f"ws://{server.address}/lab/stream/{token}{query}"
        options.setdefault("additional_headers", {"Cookie": f"{COOKIE}={secrets.token_urlsafe(18)}"})
        self._open = ExitStack()
        self.socket: ClientConnection = self._open.enter_context(
            connect(address, max_size=None, compression=None, **options)
        )
        self.heads: list[dict[str, Any]] = []
        self.frames: dict[int, bytes] = {}
        self.order: list[int] = []
        self.places: list[int] = []
        self.end: dict[str, Any] | None = None
        self.received = 0  # frames
        self.nbytes = 0

    @property
    def generation(self) -> int:
        """Of the frames so far."""
        return int(self.heads[-1]["generation"])

    def read(self, timeout: float = 60) -> str:
        """Take one message; returns its kind."""
        data = self.socket.recv(timeout)
        assert isinstance(data, bytes)
        self.nbytes += len(data)
        kind = chr(data[0])
        if kind == "F":
            self._store(data)
            return kind
        if kind == "B":
            return kind
        told = json.loads(data[1:])
        if kind == "S":
            self.heads.append(told)
        elif kind == "Q":
            self.places.append(told["place"])
        else:
            assert kind == "E"
            self.end = told
        return kind

    def _store(self, data: bytes) -> None:
        (index,) = struct.unpack_from("<I", data, 1)
        at = 5
        while at < len(data):
            (length,) = struct.unpack_from("<I", data, at)
            self.frames[index] = data[at + 4 : at + 4 + length]
            self.order.append(index)
            at += 4 + length
            index += 1
            self.received += 1

    def acknowledge(self) -> None:
        """Tell what was received."""
        self.socket.send(json.dumps({"seen": self.received}))

    def read_to_end(self) -> list[bytes]:
        """All frames in order."""
        while self.end is None:
            if self.read() == "F":
                self.acknowledge()
        return [self.frames[k] for k in sorted(self.frames)]

    def close(self) -> None:
        """Leave."""
        self._open.close()
