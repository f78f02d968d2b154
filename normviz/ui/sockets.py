"""Websockets of clients that break the protocol, or use it to keep the server busy.

``ui/connections.py`` bounds messages, but not what they are made of: a ping, a pong and an empty piece of a
message are six bytes each, and a client that sends nothing else takes the event loop for itself.  And uvicorn
has no end for a wish to connect that it cannot read, and takes for an error of the application what that says
to a client whose connection is being closed.  Here frames are counted too, wishes that cannot be read are
refused at once, and what is said too late is lost, as it is when a client has left.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

BURST, RATE = 1000, 200
"""Frames at once, and a second on average: twice as many as messages are allowed (``ui/connections.py``), and
a message of the greatest length may come in a thousand pieces."""
_PIECE = 4096
"""Bytes that are read at a time; as pings they take the loop a hundredth of a second."""
_UNREADABLE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@cache
def patient(kind: type[Any]) -> type[Any]:
    """The class of a server's websockets, taught; another one than uvicorn's own is left as it is."""
    return _Patient if kind is WebSocketsSansIOProtocol else kind


class _Patient(WebSocketsSansIOProtocol):
    """One websocket, as uvicorn speaks it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left, self._counted = float(BURST), time.monotonic()

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + _PIECE])
        if self.conn.handshake_exc and not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(_UNREADABLE)
            self.transport.close()

    def handle_events(self) -> None:
        now = time.monotonic()
        gained = RATE * (now - self._counted)
        self._left, self._counted = min(BURST, self._left + gained) - len(self.conn.events), now
        if self._left < 0:
            self.conn.fail(1008, "too many frames")
            self.handle_parser_exception()
        else:
            super().handle_events()

    def send_receive_event_to_app(self) -> None:
        try:
            if self.curr_msg_data_type == "text":
                b"".join(self.frames).decode()
        except UnicodeDecodeError:  # uvicorn would log it with a traceback
            self.conn.fail(1007)
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        if self.conn.close_sent is None:  # it was not accepted yet, so there is nothing to say
            self.transport.abort()
        else:
            super().handle_parser_exception()

    async def send(self, message: Any) -> None:
        await self.writable.wait()
        if self.transport.is_closing():
            raise ClientDisconnected
        await super().send(message)
