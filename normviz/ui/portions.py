"""Large answers in portions, each sent when the client has taken the one before.

An answer that is handed over whole waits in the server's memory until the client has read it.  Clients that
ask for large files and read slowly, or not at all, would fill it.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SIZE = 65_536
"""Bytes of a portion: as much as the server lets wait before it makes the sender wait."""


class Portions:
    """Cuts the answers of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def cut(message: Message) -> None:
            body = memoryview(message.get("body", b"")) if message["type"] == "http.response.body" else b""
            last = max(0, len(body) - 1) // SIZE
            for n in range(last):
                portion = bytes(body[n * SIZE : (n + 1) * SIZE])
                await send({"type": "http.response.body", "body": portion, "more_body": True})
            await send({**message, "body": bytes(body[last * SIZE :])} if last else message)

        await self._app(scope, receive, cut if scope["type"] == "http" else send)
