"""Visitors without a browser: they speak Streamlit's websocket and the stream, as a page does.

A visitor opens a page and does what a browser does with it: asks for the run that the address describes, as
the HTML does, has the page's script run, and follows the run to its end, telling the server what it has seen;
where the address does not say what runs, the page's answer does.  Nothing is drawn, so sixty of them fit on
the machine of the server.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import struct
import time
from dataclasses import dataclass, field
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from normviz.ui.visitors import COOKIE

_STREAM = re.compile(rb"lab/stream/([\w-]+)")
_PATIENCE = 600  # seconds for one answer; then the visitor counts as failed
_UNKNOWN = 4404  # closing code: no such run here
_LENGTH = struct.Struct("<I")


@dataclass
class Visit:
    """What came of one page: seconds from the click, bytes of the stream, the end that it told."""

    charts_s: float | None = None
    """Until the page has told which charts there are, so that frames can be drawn into them."""
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
    token: str | None = None
    """Of the run that the page names."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent along with each connection, besides the cookie that a page gives to its browser."""
    _session: ClientConnection | None = None

    def __post_init__(self) -> None:
        self.headers = {"Cookie": f"{COOKIE}={secrets.token_urlsafe(18)}", **self.headers}

    async def __aenter__(self) -> Self:
        self._session = await connect(
            f"ws://{self.address}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None,
            origin=f"http://{self.address}",  # type: ignore[arg-type]
            open_timeout=_PATIENCE, additional_headers=self.headers,
        )  # fmt: skip
        return self

    @property
    def connected(self) -> bool:
        """The page's own connection was made."""
        return self._session is not None

    @property
    def told(self) -> Headers:
        """The headers with which the server answered the page's own connection."""
        assert self._session
        assert self._session.response
        return self._session.response.headers

    async def __aexit__(self, *_: Any) -> None:
        assert self._session
        await self._session.close()

    async def script(
        self, page: str, query: str = "", visit: Visit | None = None
    ) -> tuple[float, str | None]:
        """Have a page's script run; seconds until it has finished, and the token of its run if it has one."""
        assert self._session
        asked = BackMsg()
        asked.rerun_script.page_name, asked.rerun_script.query_string = page, query
        began = time.perf_counter()
        await self._session.send(asked.SerializeToString())
        self.token = None
        while True:
            data = await asyncio.wait_for(self._session.recv(), _PATIENCE)
            assert isinstance(data, bytes)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "script_finished":
                return time.perf_counter() - began, self.token
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                self.errors.append(f"{page}?{query}: {message.delta.new_element.exception.message}")
            if found := _STREAM.search(data):
                self.token = found[1].decode()
                if visit:
                    visit.charts_s = time.perf_counter() - began

    async def watch(self, page: str, query: str = "", *, seconds: float = _PATIENCE) -> Visit:
        """Open a page and follow its run to the end, or leave after so many seconds."""
        visit = Visit()
        began = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                early = asyncio.create_task(self._follow(f"open/{page}?{query}", visit, began))
                try:
                    visit.script_s, _ = await self.script(page, query, visit)
                    if not await early:
                        await self._named(page, query, visit, began)
                finally:
                    early.cancel()
        except TimeoutError:
            visit.status = "left"
        except Exception as error:
            self.errors.append(f"{page}?{query}: {type(error).__name__}: {error}")
        return visit

    async def _named(self, page: str, query: str, visit: Visit, began: float) -> None:
        """Follow the run that the page names."""
        if self.token is None:
            self.errors.append(f"{page}?{query} has no run")
        elif not await self._follow(f"stream/{self.token}", visit, began):
            self.errors.append(f"{page}?{query}: the run that the page named is not known")

    async def _follow(self, path: str, visit: Visit, began: float) -> bool:
        """Follow a run to its end; False if the server knows none there."""
        async with connect(
            f"ws://{self.address}/lab/{path}", max_size=None, compression=None,
            origin=f"http://{self.address}",  # type: ignore[arg-type]
            open_timeout=_PATIENCE, additional_headers=self.headers,
        ) as stream:  # fmt: skip
            try:
                while await self._take(await stream.recv(), stream, visit, began):
                    pass
            except ConnectionClosed:
                if stream.close_code == _UNKNOWN:
                    return False
                told = f"{stream.close_code} {stream.close_reason}"
                self.errors.append(f"the stream closed before the end: {told}")
        return True

    async def _take(self, data: str | bytes, stream: ClientConnection, visit: Visit, began: float) -> bool:
        """Take one message; False if it was the last one."""
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
            return False
        return True


def _frames(message: bytes) -> int:
    """Frames in one message of the stream."""
    at, count = 1 + _LENGTH.size, 0
    while at < len(message):
        at += _LENGTH.size + _LENGTH.unpack_from(message, at)[0]
        count += 1
    return count
