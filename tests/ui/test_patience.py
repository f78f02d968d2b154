"""Connections that do nothing, against uvicorn itself with a small application."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect as connect_websocket

from normviz.player import Settings
from normviz.ui import patience
from normviz.ui.portions import SIZE, Portions

WITHIN = 0.4
LARGE = 30_000_000
Watching = list[tuple[patience.Patience, asyncio.Transport]]
"""Who watches a connection, and the server's side of it."""
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def slow(request: Request) -> Response:
    """An answer that takes longer than a connection may be idle."""
    await asyncio.sleep(2.5 * WITHIN)
    return PlainTextResponse("at last")


async def large(request: Request) -> Response:
    """More than the kernel's buffers hold."""
    return Response(bytes(LARGE))


async def heard(socket: WebSocket) -> None:
    """A websocket that outlives the time for a request, says a word and goes."""
    await socket.accept()
    await asyncio.sleep(2.5 * WITHIN)
    await socket.send_text("here")
    await socket.close()


@contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """uvicorn in a thread, its protocol taught; the port."""
    routes = [Route("/", lambda _: PlainTextResponse("here")), Route("/slow", slow), Route("/large", large)]
    app = Starlette(routes=[*routes, WebSocketRoute("/socket", heard)])
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listening:
        taught = patience.AutoHTTPProtocol
        patch.setattr(taught, "connection_made", taught.connection_made)  # restored at the end
        patch.setattr(patience, "HEAD_WITHIN", WITHIN)
        patience.teach(settings)
        server = uvicorn.Server(uvicorn.Config(Portions(app), log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(Settings(connections=20, connections_per_address=3)) as port:
        yield port


def connect(port: int, client: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 20, source_address=(client, 0))


def answered(connection: socket.socket) -> bool:
    """Whether a whole request is answered, and not cut."""
    try:
        connection.sendall(HEAD + b"\r\n")
        return b"here" in connection.recv(4096)
    except OSError:
        return False


def cut(connection: socket.socket, seconds: float) -> bool:
    """Whether the server ends a connection within a time."""
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("said", [b"", b"G", HEAD], ids=["nothing", "a letter", "half a head"])
def test_who_does_not_finish_a_request_is_cut(port: int, said: bytes) -> None:
    with closing(connect(port)) as connection:
        connection.sendall(said)
        assert cut(connection, 5 * WITHIN)


def test_letter_by_letter_is_no_way_to_stay(port: int) -> None:
    """Neither before the first request nor after one."""
    for first in (b"", HEAD + b"\r\n"):
        with closing(connect(port)) as connection:
            connection.sendall(first)
            if first:
                assert b"here" in connection.recv(4096)
            began = time.monotonic()
            with suppress(ConnectionError):
                while time.monotonic() - began < 20:
                    connection.sendall(b"G")
                    time.sleep(WITHIN / 4)
            assert time.monotonic() - began < 10


def test_who_waits_for_an_answer_is_left_in_peace(port: int) -> None:
    with closing(connect(port)) as connection:
        connection.sendall(HEAD.replace(b"/ ", b"/slow ") + b"\r\n")
        assert b"at last" in connection.recv(4096)


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Watching:
    """Of each connection in turn."""
    met: Watching = []
    meet = patience.Patience.meet

    def noted(self: patience.Patience, protocol: object, transport: asyncio.Transport) -> None:
        met.append((self, transport))
        meet(self, protocol, transport)

    monkeypatch.setattr(patience.Patience, "meet", noted)
    return met


def test_an_answer_that_is_not_read_does_not_wait_in_memory(port: int, watching: Watching) -> None:
    """Of a large answer the server holds a portion or two; the rest follows as it is read."""
    with closing(connect(port)) as connection:
        connection.sendall(HEAD.replace(b"/ ", b"/large ") + b"Connection: close\r\n\r\n")
        got = len(connection.recv(1000))
        time.sleep(3 * WITHIN)
        assert watching[0][1].get_write_buffer_size() <= 3 * SIZE
        with closing(connect(port)) as other:
            assert answered(other)
        while more := connection.recv(1 << 20):
            got += len(more)
        assert got > LARGE


def test_the_kernel_gives_up_who_takes_nothing(port: int, watching: Watching) -> None:
    with closing(connect(port)) as connection:
        assert answered(connection)
        own = watching[0][1].get_extra_info("socket")
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1000 * patience.TAKEN_WITHIN


def test_so_many_connections_and_no_more_from_one_address() -> None:
    with serving(Settings(connections=5, connections_per_address=2)) as port, ExitStack() as opened:
        crowd = [opened.enter_context(closing(connect(port, "127.0.0.2"))) for _ in range(4)]
        assert all(map(answered, crowd))
        assert not answered(opened.enter_context(closing(connect(port, "127.0.0.2"))))
        # A trusted proxy speaks for many; in all there are ten.
        others = [opened.enter_context(closing(connect(port))) for _ in range(6)]
        assert all(map(answered, others))
        assert not answered(opened.enter_context(closing(connect(port))))
        for connection in crowd:
            connection.close()
        time.sleep(0.2)
        assert answered(opened.enter_context(closing(connect(port, "127.0.0.2"))))


def test_who_has_gone_is_forgotten(watching: Watching) -> None:
    """Also who talked over a websocket, whose end the protocol of requests is not told of."""
    with serving(Settings(connections=20, connections_per_address=10)) as port:
        with connect_websocket(f"ws://127.0.0.1:{port}/socket") as talking:
            assert talking.recv() == "here"
            (ours,) = {one for one, _ in watching if one._most_each == 20}
            assert len(ours._open) == 1
        with closing(connect(port)) as connection:
            assert answered(connection)
            assert len(ours._open) >= 1
        deadline = time.monotonic() + 20
        while ours._open and time.monotonic() < deadline:
            time.sleep(WITHIN / 4)
        assert ours._open == {}


def test_the_soft_limit_of_open_files_is_raised() -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, before[1]))
        assert patience._openable(1000) == min(1000, before[1] - patience._BESIDE)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 600
        assert patience._openable(10**9) <= before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
