"""Visitors who keep what they see, and come back when the connection breaks, as a browser does."""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.load.visitors import Visitor

_U32 = struct.Struct("<I")


@dataclass
class Watcher:
    """One visitor of one page."""

    address: str
    page: str
    query: str
    cookies: SimpleCookie = field(default_factory=SimpleCookie)
    """What it was given: by the app, and by a proxy that knows one visitor from another by that."""
    frames: dict[int, bytes] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    breaks: int = 0
    """How often it had to come back."""

    @property
    def recorded(self) -> list[bytes]:
        """The frames in order."""
        return [self.frames[k] for k in sorted(self.frames)]

    @property
    def replica(self) -> str:
        """What the proxy calls the replica that it leads this visitor to."""
        return self.cookies["normviz"].value

    def arrive(self) -> None:
        """Load the page."""
        address = f"http://{self.address}/{self.page}?{self.query}"
        answer = httpx.get(address, headers={"Accept": "text/html"}, trust_env=False).raise_for_status()
        self._take_cookies(answer.headers.get_list("set-cookie"))

    async def watch(self, within: float = 120) -> None:
        """Follow the page's run to its end.

        Raises:
            AssertionError: it does not end well.
            TimeoutError: it does not end.
        """
        async with asyncio.timeout(within):
            while True:
                try:
                    end = await self._visit()
                except (OSError, WebSocketException):
                    end = None
                if end is not None:
                    assert end["status"] == "done", end
                    assert len(self.frames) == end["frames"]
                    return
                self.breaks += 1
                await asyncio.sleep(0.3)

    async def _visit(self) -> dict[str, Any] | None:
        """Open the page and its stream; what the stream says at the end, None if it breaks off before."""
        async with Visitor(self.address, headers=self._own) as visitor:
            self._take_cookies(visitor.told.get_all("Set-Cookie"))
            _, token = await visitor.script(self.page, self.query)
            assert token, visitor.errors
            async with connect(
                f"ws://{self.address}/lab/stream/{token}", max_size=None, compression=None,
                origin=f"http://{self.address}", additional_headers=self._own,  # type: ignore[arg-type]
            ) as stream:  # fmt: skip
                received = 0
                async for message in stream:
                    assert isinstance(message, bytes)
                    if message[:1] == b"F":
                        received += self._keep(message)
                        await stream.send(json.dumps({"seen": received}))
                    elif message[:1] == b"Q":
                        self.places.append(json.loads(message[1:])["place"])
                    elif message[:1] == b"E":
                        end = json.loads(message[1:])
                        return None if end["status"] == "stopped" else end
        return None

    @property
    def _own(self) -> dict[str, str]:
        """The header that brings the cookies back."""
        return {"Cookie": "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())}

    def _take_cookies(self, told: list[str]) -> None:
        for one in told:
            self.cookies.load(one)

    def _keep(self, message: bytes) -> int:
        (index,) = _U32.unpack_from(message, 1)
        at, count = 1 + _U32.size, 0
        while at < len(message):
            (length,) = _U32.unpack_from(message, at)
            frame = message[at + _U32.size : at + _U32.size + length]
            assert self.frames.setdefault(index + count, frame) == frame  # whoever sends it, it is the same
            at += _U32.size + length
            count += 1
        return count
