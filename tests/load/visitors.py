"""Visitors without a browser: they speak Streamlit's websocket and the stream, as a page does.

A visitor opens a page, reads in the answer where its run streams, and follows that stream to its end, telling
the server what it has seen.  Nothing is drawn, so sixty of them fit on the machine of the server.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import time
from dataclasses import dataclass, field
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

_STREAM = re.compile(rb"lab/stream/([\w-]+)")
_PATIENCE = 600  # seconds for one answer; then the visitor counts as failed
_LENGTH = struct.Struct("<I")


@dataclass
class Visit:
    """What came of one page: seconds from the click, bytes of the stream, the end that it told."""

    script_s: float = 0.0
    first_frame_s: float | None = None
    done_s: float | None = None
    nbytes: int = 0
    frames: int = 0
    status: str = "none"


@dataclass
class Visitor:
    """One open tab."""

    address: str
    """Host and port."""
    errors: list[str] = field(default_factory=list)
    _session: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        self._session = await connect(
            f"ws://{self.address}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None,
            origin=f"http://{self.address}",  # type: ignore[arg-type]
            open_timeout=_PATIENCE,
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: Any) -> None:
        assert self._session
        await self._session.close()

    async def script(self, page: str, query: str = "") -> tuple[float, str | None]:
        """Have a page's script run; seconds until it has finished, and the token of its run if it has one."""
        assert self._session
        asked = BackMsg()
        asked.rerun_script.page_name, asked.rerun_script.query_string = page, query
        began = time.perf_counter()
        await self._session.send(asked.SerializeToString())
        token = None
        while True:
            data = await asyncio.wait_for(self._session.recv(), _PATIENCE)
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "script_finished":
                return time.perf_counter() - began, token
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                self.errors.append(f"{page}?{query}: {message.delta.new_element.exception.message}")
            if found := _STREAM.search(data):
                token = found[1].decode()

    async def watch(self, page: str, query: str = "", *, seconds: float = _PATIENCE) -> Visit:
        """Open a page and follow its run to the end, or leave after so many seconds."""
        visit = Visit()
        began = time.perf_counter()
        visit.script_s, token = await self.script(page, query)
        if token is None:
            self.errors.append(f"{page}?{query} has no run")
            return visit
        try:
            async with asyncio.timeout(seconds):
                await self._follow(token, visit, began)
        except TimeoutError:
            visit.status = "left"
        except Exception as error:
            self.errors.append(f"{page}?{query}: {type(error).__name__}: {error}")
        return visit

    async def _follow(self, token: str, visit: Visit, began: float) -> None:
        async with connect(
            f"ws://{self.address}/lab/stream/{token}", max_size=None, compression=None,
            origin=f"http://{self.address}",  # type: ignore[arg-type]
            open_timeout=_PATIENCE,
        ) as stream:  # fmt: skip
            async for data in stream:
                assert isinstance(data, bytes)
                visit.nbytes += len(data)
                if data[:1] == b"F":
                    visit.first_frame_s = visit.first_frame_s or time.perf_counter() - began
                    visit.frames += _frames(data)
                    await stream.send(json.dumps({"seen": visit.frames}))
                elif data[:1] == b"E":
                    told = json.loads(data[1:])
                    visit.status, visit.done_s = told["status"], time.perf_counter() - began
                    if visit.status != "done":
                        self.errors.append(f"a run ended as {visit.status}: {told['sentence']}")
                    return
        self.errors.append(f"the stream closed before the end: {stream.close_code} {stream.close_reason}")


def _frames(message: bytes) -> int:
    """Frames in one message of the stream."""
    at, count = 1 + _LENGTH.size, 0
    while at < len(message):
        at += _LENGTH.size + _LENGTH.unpack_from(message, at)[0]
        count += 1
    return count
