"""The real app as a process of its own, for tests that visit it, load it or break it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "streamlit", "run")
PATIENCE = 120
"""Seconds until the app answers, on a busy machine."""


class App:
    """``streamlit run app.py`` on this machine, on one port for as long as the object lives.

    ``log`` takes what it writes; ``ready`` is the path that answers once it is up.  ``wrapped`` stands in
    front of the command, and further settings are environment variables.
    """

    def __init__(
        self,
        log: Path,
        *,
        app: Path = ROOT / "app.py",
        base: str = "",
        ready: str = "_stcore/health",
        wrapped: Sequence[str] = (),
        **settings: str,
    ) -> None:
        self.log, self._ready = log, ready
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        host, port = self.address.split(":")
        options = [f"--server.address={host}", f"--server.port={port}", f"--server.baseUrlPath={base}"]
        self._command = [*wrapped, *COMMAND, str(app), *options]
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **settings}
        self.url = f"http://{self.address}/" + (f"{base}/" if base else "")
        self.start()

    def start(self) -> None:
        """Start it; again on the same port after it has ended."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=self._environment
            )
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.1)
        self.close()
        raise AssertionError(f"The app did not start:\n{self.log.read_text()}")

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url + self._ready, timeout=5).close()
        except OSError:
            return False
        return True

    @property
    def pid(self) -> int:
        """Of the web process."""
        return self.process.pid

    def end(self, sign: signal.Signals = signal.SIGTERM, within: float = 30) -> int:
        """End it with a signal; returns the exit status.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        self.process.send_signal(sign)
        return self.process.wait(within)

    def close(self) -> None:
        """End it in any case."""
        try:
            self.end()
        except subprocess.TimeoutExpired:
            self.end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
