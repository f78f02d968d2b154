"""Thousands of connections from one address, on both websocket routes, while somebody is at work.

The limits are those that are shipped.  A crowd holds whatever it gets and reads nothing of it.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.request import urlopen

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from normviz.player import Settings
from normviz.ui.connections import FULL, SESSION, STREAM
from tests.apps import App
from tests.browser.visitors import Server
from tests.faults.guests import Guest
from tests.faults.scenes import check
from tests.hostile.servers import ELSEWHERE, serves
from tests.load.visitors import Visitor

pytestmark = pytest.mark.slow

CROWDED = "127.0.0.66"
EACH = Settings().connections_per_address
ATTEMPTS = EACH
"""Of each wave, on each of the routes."""
AT_ONCE = 200
NOTHING_SEEN = b'\x81\x8b\0\0\0\0{"seen": 0}'
"""The message of a stream, in a frame of a websocket whose mask changes nothing."""
OWN = "norms=none,batch&depth=4&width=32&steps=2000&seeds=3&every=20&seed={}"
WAVES = 3
TAKEN = 200_000_000
"""Bytes that all of this may take of the web process."""
LEFT = 20_000_000
"""Bytes that the last wave may leave more than the one before.  The first ones do: Streamlit keeps the
sessions of 128 visitors for two minutes, in case they come back."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    log = tmp_path_factory.mktemp("crowds") / "log"
    with App(log, ready="lab/ready", NORMVIZ_ENGINE="fork", NORMVIZ_METRICS="1") as running:
        yield running
    text = log.read_text()
    assert "Traceback" not in text
    assert "Exception in ASGI" not in text
    assert 1 <= text.count("connections are refused") < 10, "told, but not each time"


class Crowd:
    """Connections from one address."""

    def __init__(self, app: App) -> None:
        self._host, port = app.address.split(":")
        self._port = int(port)
        self._door = asyncio.Semaphore(AT_ONCE)
        self._held: dict[asyncio.StreamWriter, str] = {}
        self.answers: Counter[str] = Counter()

    async def come(self, times: int, *paths: str) -> None:
        """Try so many times to open a websocket on each of these paths."""
        await asyncio.gather(*(self._knock(path) for _ in range(times) for path in paths))

    async def _knock(self, path: str) -> None:
        async with self._door:
            try:
                self.answers[await self._opened(path)] += 1
            except (OSError, asyncio.IncompleteReadError):
                self.answers["cut"] += 1

    async def _opened(self, path: str) -> str:
        reader, writer = await asyncio.open_connection(self._host, self._port, local_addr=(CROWDED, 0))
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\n{key}Sec-WebSocket-Protocol: streamlit"
        host = f"{self._host}:{self._port}"
        head = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{upgrade}\r\n\r\n"
        writer.write(head.encode())
        try:
            status = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            if status == "101" and path.startswith(STREAM):
                kind, length = await reader.readexactly(2)
                if kind == 0x88:
                    (code,) = struct.unpack_from(">H", await reader.readexactly(length))
                    status = str(code)
        except BaseException:
            writer.close()
            raise
        if status == "101":
            self._held[writer] = path
        else:
            writer.close()
        return status

    async def hold(self) -> None:
        """Say now and then that nothing was seen: the server lets go of a stream that it does not hear of."""
        while True:
            await asyncio.sleep(15)
            for writer, path in list(self._held.items()):
                if path != SESSION and not writer.is_closing():
                    writer.write(NOTHING_SEEN)

    def leave(self) -> None:
        """Go without a word."""
        for writer in self._held:
            writer.transport.abort()
        self._held.clear()


class Watched:
    """The server, seen from here."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.server = Server(app.url, app.pid, app.log)
        self._process = psutil.Process(app.pid)
        self._before = self._process.memory_info().rss

    def grown(self) -> int:
        """Bytes that the web process holds more than at first."""
        return self._process.memory_info().rss - self._before

    def opened(self) -> float:
        """Websockets that are open, as it says itself."""
        with urlopen(self._app.url + "lab/metrics", timeout=60) as answer:
            families = [*text_string_to_metric_families(answer.read().decode())]
        told = {family.name: family.samples[0].value for family in families if family.samples}
        return told["normviz_sessions"] + told["normviz_streams"]

    def page(self, client: str) -> int:
        """The status with which it answers who opens a page."""
        line = HTTPConnection(self._app.address, timeout=60, source_address=(client, 0))
        try:
            line.request("GET", "/train", headers={"Accept": "text/html"})
            return line.getresponse().status
        finally:
            line.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a machine has one address of its own")
def test_a_crowd_from_one_address_disturbs_nobody_and_leaves_nothing(app: App) -> None:
    asyncio.run(_scene(app))


async def _scene(app: App) -> None:
    guest = Guest(app.address, "train", OWN.format(1))
    async with Visitor(app.address) as visitor:
        _, token = await visitor.script("train", OWN.format(1))
        staying = asyncio.create_task(guest.stay())
        while not guest.frames:
            await asyncio.sleep(0.05)
        watched = Watched(app)
        left = [await _wave(app, watched, visitor, str(token)) for _ in range(WAVES)]
        await staying
        assert not visitor.errors
    check(guest)
    assert left[-1] - left[-2] < LEFT


async def _wave(app: App, watched: Watched, visitor: Visitor, token: str) -> int:
    """One crowd, until it has left; what it leaves in memory."""
    crowd, clicks = Crowd(app), 0
    wave = asyncio.create_task(crowd.come(ATTEMPTS, SESSION, STREAM + token))
    holding = asyncio.create_task(crowd.hold())
    try:
        while not wave.done():
            await visitor.script("train", OWN.format(1))  # a click is answered, or it ends here
            clicks += 1
            assert await asyncio.to_thread(watched.opened) <= EACH + 3
            assert watched.grown() < TAKEN
        await wave
        assert clicks  # how many depends on the machine
        assert set(crowd.answers) == {"101", "403", str(FULL)}
        assert crowd.answers["101"] == EACH, "it gets what one address may have, and no more"
        assert await asyncio.to_thread(watched.page, CROWDED) == 429
        assert await asyncio.to_thread(watched.page, ELSEWHERE) == 200
        await asyncio.to_thread(serves, watched.server, ELSEWHERE)
    finally:
        for task in (wave, holding):
            task.cancel()
        await asyncio.gather(wave, holding, return_exceptions=True)
        crowd.leave()
    while await asyncio.to_thread(watched.opened) > 3:
        await asyncio.sleep(0.1)
    await asyncio.to_thread(serves, watched.server, CROWDED)
    return watched.grown()
