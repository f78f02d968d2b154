"""Visitors who stay: they come back when a connection drops, as the page does (``ui/assets/stream.js``)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import struct
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from normviz import specs
from normviz.lab.runs import record
from normviz.ui.exhibits import first_spec
from normviz.ui.visitors import COOKIE
from tests.load.visitors import Visitor

_LENGTH = struct.Struct("<I")
_UNKNOWN = 4404
_RENEW_EVERY = 3


class Guest:
    """One tab on one run.  ``silence``: seconds without a word after which a connection has gone."""

    def __init__(self, address: str, page: str, query: str, *, silence: float = 15) -> None:
        self.address, self.page, self.query, self._silence = address, page, query, silence
        self.head: dict[str, Any] = {}
        self.frames: list[bytes] = []
        self.end: dict[str, Any] | None = None
        self.returns = 0
        """How often it had to come back."""
        self.errors: list[str] = []
        """What the page showed as an error."""
        self._tab: Visitor | None = None
        self._own = {"Cookie": f"{COOKIE}={secrets.token_urlsafe(18)}"}

    async def stay(self) -> dict[str, Any]:
        """Follow the run until its end is told; returns that."""
        token, failures = None, 0
        try:
            while self.end is None:
                before, code = len(self.frames), 0
                with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                    token = token or await self._find()
                    code = await self._follow(token)
                if self.end is None:
                    self.returns += 1
                    failures = 1 if len(self.frames) > before else failures + 1
                    if code == _UNKNOWN or failures % _RENEW_EVERY == 0:
                        token = None
                    await asyncio.sleep(min(2.0, 0.25 * 2.0 ** (failures - 1)))
        finally:
            await self._leave()
        return self.end

    async def _find(self) -> str:
        """Open the page, which stays open; the token of its run."""
        await self._leave()
        self._tab = Visitor(self.address, headers=self._own)
        async with asyncio.timeout(60):
            await self._tab.__aenter__()
            _, token = await self._tab.script(self.page, self.query)
        self.errors += self._tab.errors
        assert token
        return token

    async def _leave(self) -> None:
        tab, self._tab = self._tab, None
        if tab and tab.connected:
            with contextlib.suppress(OSError, WebSocketException):
                await tab.__aexit__()

    async def _follow(self, token: str) -> int:
        """Read what there is; returns the code with which the server closed."""
        known = f"?after={len(self.frames)}&generation={self.head.get('generation', 0)}"
        async with connect(
            f"ws://{self.address}/lab/stream/{token}{known}", max_size=None, compression=None, open_timeout=5,
            close_timeout=1, ping_interval=None, additional_headers=self._own,
        ) as stream:  # fmt: skip
            received = 0
            with contextlib.suppress(WebSocketException):
                while self.end is None:
                    data = await asyncio.wait_for(stream.recv(), self._silence)
                    assert isinstance(data, bytes)
                    received += self._take(data)
                    await self._answer(stream, data, received)
        return stream.close_code or 0

    async def _answer(self, stream: ClientConnection, data: bytes, received: int) -> None:
        if data[:1] == b"F":
            await stream.send(json.dumps({"seen": received}))

    def _take(self, data: bytes) -> int:
        """Take in one message; returns how many frames it held."""
        kind, before = data[:1], len(self.frames)
        if kind == b"S":
            told = json.loads(data[1:])
            assert not self.head or told["generation"] == self.head["generation"], "its frames became void"
            self.head = told
        elif kind == b"E":
            self.end = json.loads(data[1:])
        elif kind == b"F":
            self._take_frames(data)
        return len(self.frames) - before

    def _take_frames(self, data: bytes) -> None:
        (index,) = _LENGTH.unpack_from(data, 1)
        at = 1 + _LENGTH.size
        while at < len(data):
            (length,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size
            assert index == len(self.frames), "a frame came twice, or one was left out"
            self.frames.append(data[at : at + length])
            at += length
            index += 1

    def undisturbed(self) -> list[bytes]:
        """The frames of the same run, computed here."""
        spec = first_spec(self.page, dict(parse_qsl(self.query)))
        assert spec
        return _computed(spec.to_json())


@contextlib.contextmanager
def crowd(guests: Sequence[Guest]) -> Iterator[None]:
    """Have guests stay until the end of the block, beside a browser whose client has this thread.

    Raises:
        AssertionError: one of them saw what must not be.
    """
    leave, ended = threading.Event(), list[Any]()

    async def stay() -> None:
        staying = [asyncio.create_task(guest.stay()) for guest in guests]
        while not leave.is_set():
            await asyncio.sleep(0.05)
        for one in staying:
            one.cancel()
        ended.extend(await asyncio.gather(*staying, return_exceptions=True))

    thread = threading.Thread(target=lambda: asyncio.run(stay()))
    thread.start()
    try:
        yield
    finally:
        leave.set()
        thread.join()
    for one in ended:
        if isinstance(one, Exception):
            raise one


@cache
def _computed(text: str) -> list[bytes]:
    recording = record(specs.from_json(text))
    return [recording.data(k) for k in range(len(recording))]
