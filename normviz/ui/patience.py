"""Patience with connections that do nothing: those that never ask, and those that never read.

A server of asyncio waits for ever for a request that does not come, and for a client that does not take its
answer.  A few thousand of such connections cost their owner nothing, and nobody else gets in.  Here every
connection has a moment for its request, the kernel gives up clients that take nothing, messages are short,
and so many connections are open in all and from one address; further ones are cut at once.

This is decided before an application is asked, so uvicorn's own protocol has to be taught.  Its class can be
set, but it is chosen before the application is loaded: it is given a further step instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from normviz.player.settings import Settings
from normviz.ui.complaints import Complaint
from normviz.ui.connections import network
from normviz.ui.sockets import patient

logger = logging.getLogger(__name__)

HEAD_WITHIN = 15.0
"""Seconds in which a connection has begun a request, after it was opened and after the request before."""
TAKEN_WITHIN = 60.0
"""Seconds after which the kernel ends a connection whose client takes nothing of what was sent (Linux)."""
LARGEST_MESSAGE = 262_144
"""Bytes of a message to the server, also of an unfinished one; the longest are lessons being made."""
_FOR_EACH = 2
"""Connections for each websocket that may be open: browsers have up to six more while they load a page."""
_BESIDE = 256
"""File descriptors for all else: files, pipes to runs, listening sockets."""


def teach(settings: Settings) -> None:
    """Have uvicorn's connections watched."""
    patience = Patience(settings)
    made = AutoHTTPProtocol.connection_made

    def connection_made(protocol: Any, transport: asyncio.Transport) -> None:
        protocol.config.ws_max_size = min(protocol.config.ws_max_size, LARGEST_MESSAGE)
        protocol.ws_protocol_class = patient(protocol.ws_protocol_class)
        made(protocol, transport)
        patience.meet(protocol, transport)

    AutoHTTPProtocol.connection_made = connection_made  # type: ignore[assignment, method-assign]


class Patience:
    """Watches the connections of a server."""

    def __init__(self, settings: Settings) -> None:
        self._most = _openable(_FOR_EACH * settings.connections)
        self._most_each = _FOR_EACH * settings.connections_per_address
        trusted = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")
        self._proxies = ProxyHeadersMiddleware(None, trusted).trusted_hosts  # type: ignore[arg-type]
        self._open: dict[asyncio.Transport, str] = {}  # and where each comes from; some may have ended since
        self._crowd = Complaint(logger, "connections are cut: %d are open, %d of them from that address")

    def meet(self, protocol: Any, transport: asyncio.Transport) -> None:
        """Take note of a new connection; cut it if there are too many."""
        host = str((transport.get_extra_info("peername") or [""])[0])
        client = network(host)
        # A proxy has the connections of all its visitors.
        if not self._room(client, self._most if host in self._proxies else self._most_each):
            transport.abort()
            return
        self._open[transport] = client
        own = transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):  # not TCP, or not Linux
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * TAKEN_WITHIN))
        self._look_later(protocol, transport, None)

    def _room(self, client: str, most: int) -> bool:
        """Whether one more may be open in all, and of a client's; those that have ended are let go first."""
        for _ in ("as counted", "as it is"):
            mine = sum(where == client for where in self._open.values())
            if len(self._open) < self._most and mine < most:
                return True
            self._open = {one: where for one, where in self._open.items() if not one.is_closing()}
        self._crowd.tell(len(self._open), mine)
        return False

    def _look_later(self, protocol: Any, transport: asyncio.Transport, last: object) -> None:
        asyncio.get_running_loop().call_later(HEAD_WITHIN, self._look, protocol, transport, last)

    def _look(self, protocol: Any, transport: asyncio.Transport, last: object) -> None:
        """Cut a connection that has no request under way and has begun none since it was looked at last."""
        if transport.is_closing():
            self._open.pop(transport, None)
            return
        now: Any = transport.get_protocol()
        if now is not protocol:
            self._forget_later(transport)  # a websocket by now; it keeps its own time
            return
        cycle = protocol.cycle
        idle = cycle is None or cycle.response_complete
        if idle and cycle is last:
            transport.abort()
        else:
            self._look_later(protocol, transport, cycle if idle else object())

    def _forget_later(self, transport: asyncio.Transport) -> None:
        """Let go of a websocket once it has ended, with all that hangs on it."""
        if transport.is_closing():
            self._open.pop(transport, None)
        else:
            asyncio.get_running_loop().call_later(HEAD_WITHIN, self._forget_later, transport)


def _openable(wanted: int) -> int:
    """So many connections, or as many as this process may have; its soft limit is raised to what it takes."""
    if sys.platform == "win32":  # it has no such limit
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = wanted + _BESIDE
    if hard != resource.RLIM_INFINITY and hard < room:
        logger.warning("this process may have %d files open; %d connections need %d", hard, wanted, room)
        room = hard
    if soft != resource.RLIM_INFINITY and soft < room:
        resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
    return max(1, room - _BESIDE)
