"""Websockets are let in a few at a time, whatever becomes of those before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from normviz.player.settings import Settings
from normviz.ui.connections import _AT_ONCE, SESSION, Connections

MANY = 5 * _AT_ONCE


class Application:
    """Opens connections slowly: each waits for a word before it answers."""

    def __init__(self) -> None:
        self.opening = self.most = self.opened = 0
        self.word = asyncio.Event()
        self.leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.opening += 1
        self.most = max(self.most, self.opening)
        try:
            await self.word.wait()
            await self.answer(send)
        finally:
            self.opening -= 1
        self.opened += 1
        await self.leave.wait()

    async def answer(self, send: Send) -> None:
        await send({"type": "websocket.accept"})


class Refusing(Application):
    async def answer(self, send: Send) -> None:
        await send({"type": "websocket.close"})
        raise RuntimeError("and it fails")


class Silent(Application):
    async def answer(self, send: Send) -> None:
        raise RuntimeError("it fails without an answer")


def test_a_crowd_is_let_in_a_few_at_a_time_and_stays() -> None:
    async def visit(application: Application, doors: Connections) -> None:
        crowd = [asyncio.create_task(knock(doors)) for _ in range(MANY)]
        await quiet(lambda: application.opening == _AT_ONCE)
        application.word.set()
        await quiet(lambda: application.opened == MANY)  # nobody has to leave for the next one
        assert application.most == _AT_ONCE
        application.leave.set()
        assert await asyncio.gather(*crowd) == [[{"type": "websocket.accept"}]] * MANY

    run(Application, visit)


def test_who_is_refused_or_fails_holds_up_nobody() -> None:
    async def visit(application: Application, doors: Connections) -> None:
        application.word.set()
        crowd = [asyncio.create_task(knock(doors)) for _ in range(MANY)]
        ended = await asyncio.wait_for(asyncio.gather(*crowd, return_exceptions=True), 30)
        assert all(isinstance(one, RuntimeError) for one in ended)

    run(Refusing, visit)
    run(Silent, visit)


def test_who_leaves_before_the_answer_holds_up_nobody() -> None:
    async def visit(application: Application, doors: Connections) -> None:
        crowd = [asyncio.create_task(knock(doors)) for _ in range(MANY)]
        await quiet(lambda: application.opening == _AT_ONCE)
        for one in crowd[:-1]:  # those that are being opened and those that wait for it
            one.cancel()
        await quiet(lambda: all(one.done() for one in crowd[:-1]))
        application.word.set()
        application.leave.set()
        assert await asyncio.wait_for(crowd[-1], 30) == [{"type": "websocket.accept"}]

    run(Application, visit)


def run(kind: type[Application], visit: Callable[..., Any]) -> None:
    async def all_of_it() -> None:
        application = kind()
        await visit(application, Connections(application, Settings()))

    asyncio.run(all_of_it())


async def knock(doors: Connections) -> list[Message]:
    """One websocket of a page of ours; what it is told."""
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        told.append(message)

    headers = [(b"host", b"here"), (b"origin", b"http://here")]
    scope = {"type": "websocket", "path": f"/{SESSION}", "headers": headers, "client": ("127.0.0.1", 1)}
    await doors(scope, receive, send)
    return told


async def quiet(condition: Callable[[], bool]) -> None:
    """Wait for something, and see that it stays."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert condition()
