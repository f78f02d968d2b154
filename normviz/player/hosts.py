"""Engine hosts on this machine: started, spoken to, started again when they die.

The web process never imports torch.  It keeps one engine host (fork form) or a few (persistent form) as
child processes, each behind two pipes (``normviz.messages``) and its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from normviz import messages
from normviz.player.settings import MB, OPERATOR_TOKEN, Settings
from normviz.versions import About

logger = logging.getLogger(__name__)
engine_log = logging.getLogger("normviz.engine")

_PACKAGES = str(Path(__file__).parents[2])
_PIPE = 1 << 20
_LONGEST_LINE = 20_000  # characters of a host's log
_HELLO_WITHIN = 120.0  # seconds; importing torch on a busy machine with a cold disk takes long
ENVIRONMENT = {
    # A second thread is slower when the machine is quiet and far slower when it is not.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Keep the memory of freed tensors instead of returning it to the system at every step.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
    "MALLOC_TOP_PAD_": str(16 << 20),
    # The order of a set of strings must not differ between two computations of one spec.
    "PYTHONHASHSEED": "0",
}


class EngineError(RuntimeError):
    """The engine cannot work; the message is a sentence for the operator."""


class HostProcess:
    """One engine host: a process, its pipes and its log."""

    def __init__(
        self, settings: Settings, engine: str, device: str, tell: Callable[[messages.Message], None]
    ) -> None:
        self._settings, self._engine, self._device, self._tell = settings, engine, device, tell
        self._process: asyncio.subprocess.Process | None = None
        self._ending: asyncio.Task[None] | None = None
        self.about: About | None = None
        self.runs: set[int] = set()
        self.turn = 0

    @property
    def pid(self) -> int:
        """Its process id; 0 before it is started."""
        return self._process.pid if self._process else 0

    async def start(self) -> About:
        """Start the process and wait until it is warm.

        Raises:
            EngineError: it ended or did not answer.
        """
        try:
            self._process = await self._spawn()
        except OSError as error:
            raise EngineError(f"The engine host cannot be started: {error}") from error
        ready: asyncio.Future[About] = asyncio.get_running_loop().create_future()
        self._ending = asyncio.create_task(self._work(self._process, ready))
        try:
            return await asyncio.wait_for(asyncio.shield(ready), _HELLO_WITHIN)
        except TimeoutError:
            await self.close()
            raise EngineError(f"The engine host did not start within {_HELLO_WITHIN:.0f} seconds.") from None

    def _spawn(self) -> Coroutine[Any, Any, asyncio.subprocess.Process]:
        settings = self._settings
        paths = [_PACKAGES, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        return asyncio.create_subprocess_exec(
            sys.executable, "-m", "normviz.lab.host", "--engine", self._engine,
            "--device", self._device,
            "--memory", str(settings.run_memory * MB), "--seconds", str(settings.run_seconds),
            *(part for module in settings.experiments for part in ("--load", module)),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**_inherited(), **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(paths)}, limit=_PIPE,
        )  # fmt: skip

    async def ended(self) -> None:
        """Wait until the process has ended and is reaped."""
        if self._ending:
            await asyncio.shield(self._ending)

    def send(self, data: bytes) -> None:
        """Say something to the host."""
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(data)

    async def close(self) -> None:
        """End the process, with all its runs, kindly if it listens."""
        if not self._process or not self._ending:
            return
        if self._process.stdin:
            self._process.stdin.close()
        if self.about:  # before that it does not listen
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), 3)
        if self._process.returncode is None:
            self.kill()
        await self.ended()

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            if self._process:
                self._process.kill()

    async def _work(self, process: asyncio.subprocess.Process, ready: asyncio.Future[About]) -> None:
        assert process.stdout
        assert process.stderr
        log = asyncio.create_task(_pass_on(process.stderr))
        reader = messages.Reader()
        try:
            while data := await process.stdout.read(_PIPE):
                for message in reader.feed(data):
                    self._take(message, ready)
        except Exception:
            # Whatever is wrong with one host or its messages, a fresh one gets its runs.
            logger.exception("the engine host %d is not understood and is ended", process.pid)
        finally:
            # Not killed at once: to signal a process that has just ended would reap it behind asyncio's back.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 1)
            if process.returncode is None:
                self.kill()
            code = await process.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(log, 1)  # a run that is ending may hold the log open a little longer
            if not ready.done():
                ready.set_exception(
                    EngineError(f"The engine host ended at start (exit code {code}); the log says why.")
                )
                ready.exception()  # whoever waits gets it; if nobody does, it is no news

    def _take(self, message: messages.Message, ready: asyncio.Future[About]) -> None:
        if message.kind == messages.HELLO:
            told = message.told
            self.about = About(
                told["form"], told["torch"], told["cpu"], told["source"], tuple(told["devices"]),
                told["device"], tuple(told["milliseconds"].items()),
            )  # fmt: skip
            if not ready.done():
                ready.set_result(self.about)
        elif message.kind == messages.TURN:
            self.turn = message.run
        else:
            if message.kind == messages.ENDED:
                self.runs.discard(message.run)
            self._tell(message)


def _inherited() -> dict[str, str]:
    """The environment without what is no business of a run."""
    return {name: value for name, value in os.environ.items() if name != OPERATOR_TOKEN}


async def _pass_on(stream: asyncio.StreamReader) -> None:
    """Hand a host's log on, line by line."""
    rest = b""
    while data := await stream.read(_PIPE):
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[-_LONGEST_LINE:]
        for line in lines:
            engine_log.handle(_record(line.decode(errors="replace")[:_LONGEST_LINE]))


def _record(line: str) -> logging.LogRecord:
    """What one line says: an object of the host's own log, or words that a library printed past it."""
    told: dict[str, Any] = {"levelname": "WARNING", "message": line}
    if line.startswith(("Traceback", "Fatal Python error")):
        told["levelname"] = "ERROR"
    if line.startswith("{"):
        with contextlib.suppress(ValueError):
            told |= json.loads(line)
    level = logging.getLevelNamesMapping().get(told["levelname"], logging.WARNING)
    record = engine_log.makeRecord(engine_log.name, level, "", 0, "%s", (told["message"],), None)
    record.exc_text = told.get("exc_info")
    return record
