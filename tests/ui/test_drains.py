"""The drain of a real server: newcomers go elsewhere, whoever is here gets their runs, and then it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import urllib.error
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from normviz.ui import drains
from tests.player.processes import alive, descendants, until
from tests.player.small_experiments import Walk, walk
from tests.player.stands import frames_of
from tests.ui.streams import Client, Server


def status(server: Server, path: str) -> int:
    try:
        server.get(path)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
    return 200


@pytest.fixture
def serve() -> Any:
    """Make servers that wait a minute for their visitors."""
    made = []

    def start() -> Server:
        made.append(Server(NORMVIZ_DRAIN="60", NORMVIZ_ENGINE="fork"))
        return made[-1]

    yield start
    for server in made:
        server.close()


def test_a_run_in_progress_is_finished_for_its_visitor(serve: Callable[[], Server]) -> None:
    server = serve()
    assert status(server, "/lab/metrics") == status(server, "/lab/drain") == 404  # both are off
    first, second = Walk(seed=1, steps=400, pause=20), Walk(seed=2, steps=100, pause=20)
    client = Client(server, server.open(first))
    while not client.received:
        client.read()
    started = descendants(server.process.pid)
    server.process.send_signal(signal.SIGUSR1)
    until(lambda: status(server, "/lab/ready") == 503)
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    another = Client(server, server.open(second))  # who is here may begin new ones
    assert another.read_to_end() == frames_of(replace(second, pause=0), walk)
    assert (status(server, "/lab/live"), status(server, "/lab/ready")) == (200, 503)
    assert client.read_to_end() == frames_of(replace(first, pause=0), walk)
    for one, spec in ((client, first), (another, second)):
        assert one.end == {"status": "done", "sentence": "", "frames": spec.steps}
        one.close()
    assert server.process.wait(60) == 0
    until(lambda: not any(map(alive, started)))


def test_a_finished_run_reaches_who_reads_it_late(serve: Callable[[], Server]) -> None:
    server = serve()
    spec = Walk(steps=200)  # three times what may be on its way
    client = Client(server, server.open(spec))
    until(lambda: server.get("/report")["runs"]["done"] == 1)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: status(server, "/lab/ready") == 503)
    time.sleep(1)  # five looks at who is here
    assert server.process.poll() is None
    assert client.read_to_end() == frames_of(spec, walk)
    assert client.end == {"status": "done", "sentence": "", "frames": spec.steps}
    assert server.process.wait(60) == 0  # though the client is here still
    client.close()


def test_a_second_signal_ends_the_wait(serve: Callable[[], Server]) -> None:
    server = serve()
    client = Client(server, server.open(Walk(steps=10_000, pause=50)))
    while not client.received:
        client.read()
    started = descendants(server.process.pid)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: status(server, "/lab/ready") == 503)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    until(lambda: not any(map(alive, started)))
    client.close()


@pytest.mark.parametrize(("limit", "attended"), [(0.0, 1), (0.4, 1), (60.0, 0)])
def test_the_wait_is_as_long_as_the_setting_at_most(limit: float, attended: int) -> None:
    """Not at all by default, not when nobody is here, and not for ever."""
    playing: Any = SimpleNamespace(
        settings=SimpleNamespace(drain=limit), attended=attended, draining=False
    )  # fmt: skip
    server = uvicorn.Server(uvicorn.Config("nothing:served", log_config=None))
    before = signal.getsignal(signal.SIGTERM)

    async def end() -> float:
        signal.signal(signal.SIGTERM, server.handle_exit)
        with drains.on_signals(playing):
            began = time.monotonic()
            os.kill(os.getpid(), signal.SIGTERM)
            while not server.should_exit:
                await asyncio.sleep(0.01)
            return time.monotonic() - began

    try:
        waited = asyncio.run(end())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert playing.draining is (limit > 0)
    assert waited >= (limit if attended else 0)
    assert server._captured_signals == []  # it would die by them in the end, with another code than 0
