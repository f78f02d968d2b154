"""Clients that break the protocol of websockets, against uvicorn itself with a small application."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from normviz.player import Settings
from normviz.ui import patience
from normviz.ui.sockets import BURST

SLOW = 0.3
"""Seconds for which the application thinks before it accepts at ``/slow``."""
PING = Frame(Opcode.PING, b"").serialize(mask=True)
EMPTY = Frame(Opcode.CONT, b"", fin=False).serialize(mask=True)
FLOODS = {
    "pings": PING,
    "pongs": Frame(Opcode.PONG, b"").serialize(mask=True),
    "pieces": EMPTY,
}


async def talks(connection: WebSocket) -> None:
    """Answers each message, and goes on talking whatever becomes of the connection."""
    await connection.accept()
    with suppress(WebSocketDisconnect, KeyError):
        while True:
            await connection.send_text(await connection.receive_text())


async def slow(connection: WebSocket) -> None:
    await asyncio.sleep(SLOW)
    await talks(connection)


async def never_listens(connection: WebSocket) -> None:
    """Says something again and again, as Streamlit and our stream do."""
    await connection.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await connection.send_text("word")
            await asyncio.sleep(0)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    routes = [
        WebSocketRoute("/", talks),
        WebSocketRoute("/slow", slow),
        WebSocketRoute("/deaf", never_listens),
    ]
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listening:
        taught = patience.AutoHTTPProtocol
        patch.setattr(taught, "connection_made", taught.connection_made)  # restored at the end
        patience.teach(Settings())
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(autouse=True)
def no_error(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that a client does is an error of ours."""
    yield
    assert [one.getMessage() for one in caplog.get_records("call") if one.levelno >= logging.ERROR] == []


def wish(path: str = "/", *headers: str) -> bytes:
    """To have a websocket."""
    key = base64.b64encode(bytes(16)).decode()
    lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def opened(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 20)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    said = b""
    with suppress(ConnectionError):
        while more := connection.recv(65536):
            said += more
    return said


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5"],
        ["Transfer-Encoding: chunked"],
        ["Sec-WebSocket-Protocol: " + "streamlit, " * 2000],
        [f"A{i}: b" for i in range(300)],
    ],
    ids=["body", "chunks", "long line", "many lines"],
)
def test_a_wish_that_cannot_be_read_is_refused_at_once(port: int, headers: list[str]) -> None:
    with closing(opened(port)) as connection:
        connection.sendall(wish("/", *headers))
        assert rest(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.parametrize("path", ["/", "/deaf"])
def test_a_flood_of_frames_ends_its_connection(port: int, path: str, kind: str) -> None:
    with closing(opened(port)) as connection:
        connection.sendall(wish(path))
        assert b" 101 " in connection.recv(4096)
        if kind == "pieces":
            connection.sendall(Frame(Opcode.BINARY, b"", fin=False).serialize(mask=True))
        with suppress(ConnectionError):
            connection.sendall(FLOODS[kind] * (2 * BURST))
        rest(connection)


def drown(client: ClientConnection) -> None:
    for _ in range(100 * BURST):
        client.ping()


def test_its_reason_is_told(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/") as client:
        for _ in range(BURST // 2):
            client.ping()
        client.send("still here")
        assert client.recv(20) == "still here"
        with pytest.raises(ConnectionClosed) as ended:
            drown(client)
        assert ended.value.rcvd is None or ended.value.rcvd.code == 1008


def test_a_message_may_come_in_pieces(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/") as client:
        client.send(["ab"] * (BURST // 2))
        assert client.recv(20) == "ab" * (BURST // 2)


@pytest.mark.parametrize("path", ["/", "/slow", "/deaf"])
@pytest.mark.parametrize(
    "broken",
    [
        b"\x82\x05hello",
        b"\xf2\x85\0\0\0\0hello",
        b"\x81\x82\0\0\0\0\xff\xff",
        b"\x80\x80\0\0\0\0",
        b"GET / HTTP/1.1\r\n\r\n",
        PING * (2 * BURST),
    ],
    ids=["unmasked", "reserved", "no UTF-8", "no beginning", "HTTP", "flood"],
)
def test_what_is_no_frame_ends_its_connection(port: int, path: str, broken: bytes) -> None:
    """Also before the application has accepted it, and while it talks."""
    with closing(opened(port)) as connection:
        connection.sendall(wish(path))
        if path != "/slow":
            assert b" 101 " in connection.recv(4096)
        else:
            time.sleep(SLOW / 2)
        with suppress(ConnectionError):
            connection.sendall(broken)
        rest(connection)
