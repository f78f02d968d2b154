"""A name server that knows where the replicas are, as an engine of containers tells its proxies."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from socketserver import BaseRequestHandler, TCPServer, UDPServer

_HEAD = struct.Struct(">6H")
_LENGTH = struct.Struct(">H")
"""Before each message that comes by TCP."""
_ANSWER = 0x8400
"""It is an answer, and of the one whose names these are."""
_POINTER = 0xC00C
"""To the name in the question."""
_IP, _INTERNET = 1, 1


@contextlib.contextmanager
def name_server(addresses: list[str]) -> Iterator[str]:
    """Answer every question for a name with these IPv4 addresses, which may change; its host and port.

    Some systems have their programs ask by TCP alone.
    """

    class ByDatagram(BaseRequestHandler):
        def handle(self) -> None:
            asked, line = self.request
            line.sendto(_answer(asked, addresses), self.client_address)

    class ByStream(BaseRequestHandler):
        def handle(self) -> None:
            line = self.request.makefile("rwb")
            (length,) = _LENGTH.unpack(line.read(_LENGTH.size))
            answer = _answer(line.read(length), addresses)
            line.write(_LENGTH.pack(len(answer)) + answer)
            line.flush()

    with (
        TCPServer(("127.0.0.1", 0), ByStream) as streams,
        UDPServer(streams.server_address, ByDatagram) as datagrams,
    ):
        threads = [threading.Thread(target=one.serve_forever) for one in (streams, datagrams)]
        for thread in threads:
            thread.start()
        try:
            yield "{}:{}".format(*streams.server_address)
        finally:
            for one, thread in zip((streams, datagrams), threads, strict=True):
                one.shutdown()
                thread.join()


def _answer(asked: bytes, addresses: list[str]) -> bytes:
    number, *_ = _HEAD.unpack_from(asked)
    end = asked.index(b"\0", _HEAD.size) + 5
    (kind,) = struct.unpack_from(">H", asked, end - 4)
    found = addresses if kind == _IP else []
    records = [struct.pack(">HHHIH", _POINTER, _IP, _INTERNET, 1, 4) + socket.inet_aton(one) for one in found]
    return _HEAD.pack(number, _ANSWER, 1, len(found), 0, 0) + asked[_HEAD.size : end] + b"".join(records)
