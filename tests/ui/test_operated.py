"""The real app from its start to its end, as its operator has it: private, watched, drained for an update."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.load.visitors import Visit, Visitor
from tests.player.processes import alive, descendants, until

ROOT = Path(__file__).parents[2]
TOKEN = "the-operators-own-token"
MARK = "markedbythevisitor"
PLACE = "127.0.0.77"


@contextmanager
def serving(log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The app and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "NORMVIZ_LOG": "json", "NORMVIZ_LOG_LEVEL": "debug",
        "NORMVIZ_METRICS": "yes", "NORMVIZ_OPERATOR_TOKEN": TOKEN, "NORMVIZ_DRAIN": "300",
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
    }  # fmt: skip
    with log.open("wb") as err, subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=err, stdout=subprocess.DEVNULL
    ) as process:  # fmt: skip
        try:
            until(lambda: process.poll() is not None or status(f"127.0.0.1:{port}", "lab/ready") == 200)
            yield process, f"127.0.0.1:{port}"
        finally:
            process.kill()


def status(address: str, path: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"http://{address}/{path}", headers=headers), timeout=60
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
    except OSError:
        return 0


async def leave_marks(address: str) -> None:
    """Whatever a visitor's browser tells of itself: agent, address, links with what they typed."""
    marked = {"User-Agent": MARK, "Referer": f"http://{MARK}/", "Cookie": f"{MARK}={MARK}"}
    for path in (f"train?{MARK}=1&lr={MARK}", f"{MARK}", f"lab/drain?{MARK}", f"lab/metrics?token={MARK}"):
        await asyncio.to_thread(status, address, path, **marked)
    for route in ("_stcore/stream", f"lab/stream/{MARK}"):
        async with connect(
            f"ws://{address}/{route}?{MARK}=1", additional_headers=marked, user_agent_header=MARK,
            origin=f"http://{address}", local_addr=(PLACE, 0),  # type: ignore[arg-type]
        ) as socket_:  # fmt: skip
            with suppress(ConnectionClosed):  # the stream may be closed before this is sent
                await socket_.send(MARK)
            with pytest.raises(ConnectionClosed):
                await socket_.recv()
    async with Visitor(address) as visitor:
        await visitor.script("train", f"{MARK}=1&lr={MARK}&norms={MARK}")
        assert not visitor.errors


async def be_here_at_the_end(address: str, process: subprocess.Popen[bytes]) -> Visit:
    """Watch a run; as soon as it streams, the operator ends the server."""

    async def end() -> None:
        while not descendants(process.pid) - hosts:
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)  # once: a second one ends the wait

    hosts = descendants(process.pid)
    async with Visitor(address) as visitor:
        visit, _ = await asyncio.gather(visitor.watch("train", "seed=77&steps=300"), end())
        assert not visitor.errors
    return visit


def test_an_update_disturbs_nobody_and_the_log_knows_nobody(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(log) as (process, address):
        assert status(address, "lab/ready") == 200, log.read_text()
        asyncio.run(leave_marks(address))
        started = descendants(process.pid)
        visit = asyncio.run(be_here_at_the_end(address, process))
        assert visit.status == "done"
        assert process.wait(60) == 0
        until(lambda: not any(map(alive, started)))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    events = [line["event"] for line in lines if "event" in line]
    for event in ("server_ready", "run_started", "run_done", "drain_began", "server_ending", "server_ended"):
        assert event in events
    assert events.index("drain_began") < events.index("run_done") < events.index("server_ending")
    text = log.read_text()
    assert {line["logger"] for line in lines} >= {"uvicorn.error", "normviz.player.events"}
    for secret in (MARK, PLACE, TOKEN):
        assert secret not in text
    assert not re.search(r"lab/stream|Mozilla|seed=77", text)
