"""Websockets: who may open one, how many may be open, and how fast a client may talk.

Two routes take them: Streamlit's own, on which every open window is a session of its script, and the stream
of frames (``ui/stream.py``).  ``Connections`` stands before both:

- Only pages of this server connect (``ui/origins.py``), on these two routes; others get 403.
- So many at once, in all and from one address (``NORMVIZ_CONNECTIONS``, ``NORMVIZ_CONNECTIONS_PER_ADDRESS``).
  A page is then answered with 429 and a sentence, the stream is closed with 4429 and the sentence (in the
  language of the address, else of the browser); Streamlit's handshake gets 403, after which it asks again,
  less and less often.
- Who talks faster than a hand can is closed with 1008, and who does not read is not heard: so a client cannot
  pile up work or answers.
- They are let in one after the other, and their first scripts begin two at a time, so that a hundred at once
  leave the event loop time for others.
- Of Streamlit's messages those pass that a page of ours sends.

Behind a proxy every visitor has the proxy's address, unless the server trusts what it says of them: uvicorn
does so for the addresses in ``FORWARDED_ALLOW_IPS`` (at first this machine's own).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from normviz import player
from normviz.phrases import Phrase, phrase
from normviz.player.settings import Settings
from normviz.ui.complaints import Complaint
from normviz.ui.origins import host_allowed, origin_allowed
from normviz.ui.words import of_request, spoken

logger = logging.getLogger(__name__)

STREAM = "lab/stream/"
_STREAMS = (STREAM, "lab/open/")
SESSION = "_stcore/stream"

FULL = 4429
_WHY_FULL = phrase("Too many connections are open. Close a window, or try again later.")
_TOO_FAST = phrase("Too many messages.")
_NO_PROTOCOL = phrase("A message was not of this protocol.")
_SAID = frozenset(
    {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request"}
)
"""Kinds of Streamlit's messages that pages send.  The others empty caches, run git, or are for its makers."""


_AT_ONCE = 2
"""Connections that are being opened; to open one takes milliseconds.  A class that comes at the same moment
would otherwise hold up everybody who is there already.  As many first scripts of newcomers run at a time."""
_PATIENCE = 0.5
"""Seconds after which a first script leaves its place to the next one: ten times what one takes, but no more,
since the end of a script is not heard of when its client does not read."""
_SHORT = 200  # bytes; a message that says no more than that a script has ended is shorter


@dataclass(frozen=True)
class Talk:
    """How much a client may say: so many messages at once, and so many a second on average."""

    burst: float
    rate: float


TALK = {STREAM: Talk(100, 100), SESSION: Talk(60, 10)}
"""Of the stream a message for each round of frames; of a session one for each move of a hand."""


class Connections:
    """Bounds the websockets of an application."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._most, self._most_each = settings.connections, settings.connections_per_address
        self._open: Counter[str] = Counter()
        self._door, self._places = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(_AT_ONCE)
        self._crowd = Complaint(logger, "connections are refused: %d are open, %d of them from that address")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif scope["type"] == "http" and _is_page(scope) and self._full(address(scope)):
            await _full_page(scope)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = _route(scope)
        headers = Headers(scope=scope)
        host = headers.get("host")
        if route is None or not (host_allowed(host) and origin_allowed(headers.get("origin"), host)):
            await send({"type": "websocket.close"})  # before it is accepted: 403
            return
        client = address(scope)
        if self._full(client):
            self._crowd.tell(self._open.total(), self._open[client])
            count_refusal(FULL)
            await _refuse(route, of_request(HTTPConnection(scope)), receive, send)
            return
        arrival = _Arrival(self._places) if route == SESSION else None
        heard = _Heard(scope, receive, send, TALK[route], arrival)
        try:
            with self._counted(client):
                await self._enter(scope, heard)
        finally:
            if arrival:
                arrival.end()

    async def _enter(self, scope: Scope, heard: _Heard) -> None:
        """Have the application serve a connection; others are let in as soon as it has accepted this one."""
        await self._door.acquire()
        inside = contextlib.ExitStack()
        inside.callback(self._door.release)

        async def send(message: Message) -> None:
            inside.close()  # it has answered
            await heard.send(message)

        with inside:
            await self._app(scope, heard.receive, send)

    def _full(self, client: str) -> bool:
        return self._open.total() >= self._most or self._open[client] >= self._most_each

    @contextlib.contextmanager
    def _counted(self, client: str) -> Iterator[None]:
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]


def count_refusal(code: int) -> None:
    """Let the metrics know of a connection that is refused."""
    with contextlib.suppress(RuntimeError):  # before the start, and after the end
        player.current().meters.refused_connections.labels(str(code)).inc()


def _full_page(scope: Scope) -> PlainTextResponse:
    language = of_request(HTTPConnection(scope))
    headers = {"Retry-After": "30", "Content-Language": language}
    return PlainTextResponse(spoken(_WHY_FULL, language), 429, headers)


async def _refuse(route: str, language: str, receive: Receive, send: Send) -> None:
    """Say that there are too many, in the way in which each of the two clients understands it."""
    if route == SESSION:
        await send({"type": "websocket.close"})
        return
    await receive()  # its wish to connect
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": FULL, "reason": spoken(_WHY_FULL, language)})


class _Arrival:
    """The first script of a newcomer: it waits for one of few places and has it until it ends.

    Every script is a thread, and while sixty of them start at once the event loop, a thread like them, gets a
    sixtieth of the time.
    """

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._due = True
        self._timer: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        """Wait for a place, the first time."""
        if not self._due:
            return
        self._due = False
        await self._places.acquire()
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self.end)

    def hear(self, data: bytes | None) -> None:
        """Streamlit says something to the newcomer's page."""
        if self._timer and data and len(data) < _SHORT and _finished(data):
            self.end()

    def end(self) -> None:
        """Give the place to the next one, if there is one to give."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
            self._places.release()


class _Heard:
    """Both directions of one connection, within what is allowed to it; ``arrival`` if it is a session."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, talk: Talk, arrival: _Arrival | None
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._talk, self._arrival = talk, arrival
        self._left, self._counted = talk.burst, time.monotonic()
        self._taken = asyncio.Event()
        self._taken.set()
        self._closed = False

    async def send(self, message: Message) -> None:
        """Pass on what the application says; it waits until the client reads."""
        if self._closed:
            return
        self._taken.clear()
        if self._arrival:
            self._arrival.hear(message.get("bytes"))
        try:
            # What is said to a client that has left is lost; that it has, ``receive`` will tell.  (Streamlit
            # takes the error that this is for a breach of protocol, and fills the log with it.)
            with contextlib.suppress(OSError):
                await self._send(message)
        finally:
            self._taken.set()

    async def receive(self) -> Message:
        """The next message of the client that the application shall hear."""
        while True:
            await self._taken.wait()
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            if self._too_fast():
                return await self._end(1008, _TOO_FAST)
            if not self._arrival:
                return message
            kind = _kind(message.get("bytes"))
            if kind is None:
                return await self._end(1002, _NO_PROTOCOL)
            if kind == "rerun_script":
                await self._arrival.begin()
            if kind in _SAID:
                return message

    def _too_fast(self) -> bool:
        now = time.monotonic()
        gained = self._talk.rate * (now - self._counted)
        self._left, self._counted = min(self._talk.burst, self._left + gained) - 1, now
        return self._left < 0

    async def _end(self, code: int, why: Phrase) -> Message:
        """Close; what the application is told is that the client has left."""
        reason = spoken(why, of_request(HTTPConnection(self._scope)))
        await self.send({"type": "websocket.close", "code": code, "reason": reason})
        self._closed = True
        return {"type": "websocket.disconnect", "code": code, "reason": reason}


def _finished(data: bytes) -> bool:
    """Whether a message of Streamlit's says that a script has ended."""
    try:
        return bool(ForwardMsg.FromString(data).WhichOneof("type") == "script_finished")
    except DecodeError:
        return False


def _kind(data: bytes | None) -> str | None:
    """What a message to Streamlit is about; "" if it is about nothing, None if it is no message."""
    message = BackMsg()
    try:
        message.ParseFromString(data or b"")
    except DecodeError:
        return None
    return message.WhichOneof("type") or ("" if data else None)


def _route(scope: Scope) -> str | None:
    """Which of the two a websocket asks for."""
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    path = scope["path"].removeprefix(f"/{base}/" if base else "/")
    if path == SESSION:
        return SESSION
    head, slash, last = path.rpartition("/")
    return STREAM if head + slash in _STREAMS and last else None


def _is_page(scope: Scope) -> bool:
    return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")


def address(scope: Scope) -> str:
    """Where a client comes from."""
    return network(str(scope["client"][0]) if scope.get("client") else "")


def network(host: str) -> str:
    """What counts as one address; of IPv6 the network, since one client may have all addresses of it."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
