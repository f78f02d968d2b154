"""The app on a port of its own, and a client of it that keeps to no rule."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.browser.visitors import Server

SESSION = "_stcore/stream"
ELSEWHERE = "127.0.0.2"


def raw(server: Server, data: bytes, *, whole: bool = False, seconds: float = 20) -> bytes:
    """What is answered to these very bytes; the beginning, or ``whole``."""
    url = urlsplit(server.address)
    assert url.hostname
    assert url.port
    with closing(socket.create_connection((url.hostname, url.port), seconds)) as connection:
        connection.sendall(data)
        answer = connection.recv(65536)
        while whole and (more := connection.recv(65536)):
            answer += more
        return answer


def ask(server: Server, path: str, method: str = "GET", *headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer; nothing is made of the path on its way."""
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""])
    lines = raw(server, head.encode("utf-8", "surrogateescape")).partition(b"\r\n\r\n")[0].decode("latin-1")
    first, *rest = lines.split("\r\n")
    told = [line.partition(": ") for line in rest]
    return int(first.split()[1]), {name.lower(): value for name, _, value in told}


def open_socket(server: Server, path: str, client: str = "127.0.0.1", **options: Any) -> ClientConnection:
    """A websocket from one of this machine's addresses (on Linux it has all of 127.0.0.0/8)."""
    url = urlsplit(server.address)
    assert url.hostname
    assert url.port
    line = socket.create_connection((url.hostname, url.port), 30, source_address=(client, 0))
    options.setdefault("open_timeout", 60)
    options.setdefault("origin", Origin(server.address.rstrip("/")))
    if path == SESSION:
        options.setdefault("subprotocols", [Subprotocol("streamlit")])
    address = server.address.replace("http", "ws") + path
    return connect(address, sock=line, max_size=None, compression=None, **options)


def page(query: str = "", **facts: object) -> bytes:
    """The message with which a window asks for the front door."""
    asked = BackMsg()
    asked.rerun_script.query_string = query
    for name, value in facts.items():
        setattr(asked.rerun_script, name, value)
    return asked.SerializeToString()


def shown(socket: ClientConnection) -> list[ForwardMsg]:
    """What comes until the script has ended."""
    told: list[ForwardMsg] = []
    while not told or told[-1].WhichOneof("type") != "script_finished":
        data = socket.recv(60)
        assert isinstance(data, bytes)
        told.append(ForwardMsg.FromString(data))
    return told


def serves(server: Server, client: str = ELSEWHERE) -> None:
    """Others get their page."""
    with open_socket(server, SESSION, client) as other:
        other.send(page())
        assert len(shown(other)) > 5
