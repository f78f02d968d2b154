"""A network between a visitor and the server that can go away."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, Self


class Network:
    """Relays connections to ``target``, until it is told not to.  Runs in a thread of its own.

    ``lose`` is what a visitor sees whose wireless network goes away or whose router forgets: connections stay
    open, and nothing comes or goes any more, not even their end.  ``cut`` closes them.  Until ``restore`` new
    ones get no answer; then they do, and the old ones stay lost.
    """

    def __init__(self, target: str) -> None:
        self._host, port = target.split(":")
        self._port = int(port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._open = asyncio.Event()
        self._open.set()
        self._lines: set[_Line] = set()
        self._server = self._do(asyncio.start_server(self._relay, "127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def lose(self) -> None:
        """Let everything vanish without a word."""
        self._do(self._stop(lambda line: line.lost.set()))

    def cut(self) -> None:
        """Close everything."""
        self._do(self._stop(lambda line: line.close()))

    def restore(self) -> None:
        """Let new connections through."""
        self._loop.call_soon_threadsafe(self._open.set)

    async def _stop(self, end: Any) -> None:
        self._open.clear()
        for line in self._lines:
            end(line)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(reader, writer)
        self._lines.add(line)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):  # the network is closed
                await self._open.wait()
                await line.relay(self._host, self._port)
        finally:
            line.close()
            self._lines.discard(line)

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def close(self) -> None:
        """End all of it."""

        async def end() -> None:
            self._server.close()
            relays = asyncio.all_tasks() - {asyncio.current_task()}
            for relay in relays:
                relay.cancel()
            await asyncio.gather(*relays, return_exceptions=True)

        self._do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class _Line:
    """One connection of a visitor, and the one to the server that belongs to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writers = reader, [writer]
        self.lost = asyncio.Event()

    async def relay(self, host: str, port: int) -> None:
        """Carry both directions until one side ends; of a lost one nobody learns anything."""
        reader, writer = await asyncio.open_connection(host, port)
        self._writers.append(writer)
        both = [
            asyncio.create_task(self._carry(reader, 0)),
            asyncio.create_task(self._carry(self._reader, 1)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if self.lost.is_set():
                await asyncio.Event().wait()
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, to: int) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if not self.lost.is_set():
                    self._writers[to].write(data)
                    await self._writers[to].drain()

    def close(self) -> None:
        """End both connections."""
        for writer in self._writers:
            writer.close()
