"""Of those who arrive at once few have their first scripts run at a time; a click waits for none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from normviz.player.settings import Settings
from normviz.ui import connections
from normviz.ui.connections import _AT_ONCE, SESSION, Connections
from tests.ui.test_connections import quiet

MANY = 5 * _AT_ONCE


class Scripts:
    """Stands for Streamlit: runs a script for each wish, until it is told that it may end."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.ended: list[str] = []
        self.word = asyncio.Event()
        self.doors = Connections(self, Settings())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["name"]
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        scripts = []
        while (message := await receive())["type"] == "websocket.receive":
            wish = BackMsg.FromString(message["bytes"])
            if wish.WhichOneof("type") == "rerun_script":
                scripts.append(asyncio.create_task(self._script(name + wish.rerun_script.query_string, send)))
        for script in scripts:
            script.cancel()

    async def _script(self, name: str, send: Send) -> None:
        self.running.append(name)
        try:
            for part in (ForwardMsg(hash="a part"), ForwardMsg(hash="long" * 200)):
                await send({"type": "websocket.send", "bytes": part.SerializeToString()})
            await self.word.wait()
            end = ForwardMsg(script_finished=ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY)
            await send({"type": "websocket.send", "bytes": end.SerializeToString()})
            self.ended.append(name)
        finally:
            self.running.remove(name)


class Guest:
    """One window."""

    def __init__(self, scripts: Scripts, name: str) -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        headers = [(b"host", b"here"), (b"origin", b"http://here")]
        scope = {"type": "websocket", "path": f"/{SESSION}", "headers": headers, "client": None, "name": name}
        self.visit = asyncio.create_task(scripts.doors(scope, self._said.get, self._hear))

    async def _hear(self, message: Message) -> None:
        assert message["type"] in ("websocket.accept", "websocket.send")

    def wish(self, query: str = "") -> None:
        """Have the script run."""
        wish = BackMsg()
        wish.rerun_script.query_string = query
        self._said.put_nowait({"type": "websocket.receive", "bytes": wish.SerializeToString()})

    def leave(self) -> None:
        """Close the window."""
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1001})


def names(first: int, last: int) -> list[str]:
    return [f"guest {n}" for n in range(first, last)]


def test_first_scripts_begin_a_few_at_a_time_in_the_order_of_arrival() -> None:
    async def visit(scripts: Scripts) -> None:
        guests = [Guest(scripts, name) for name in names(0, MANY)]
        for guest in guests:
            guest.wish()
        await quiet(lambda: scripts.running == names(0, _AT_ONCE))
        scripts.word.set()
        await quiet(lambda: len(scripts.ended) == MANY)
        assert scripts.ended == names(0, MANY)
        await leave(*guests)

    run(visit)


def test_a_click_waits_for_no_newcomer() -> None:
    async def visit(scripts: Scripts) -> None:
        here = Guest(scripts, "here")
        here.wish()
        scripts.word.set()
        await quiet(lambda: scripts.ended == ["here"])
        scripts.word.clear()
        guests = [Guest(scripts, name) for name in names(0, MANY)]
        for guest in guests:
            guest.wish()
        await quiet(lambda: len(scripts.running) == _AT_ONCE)
        here.wish(" clicks")
        await quiet(lambda: "here clicks" in scripts.running)
        assert len(scripts.running) == _AT_ONCE + 1
        await leave(here, *guests)

    run(visit)


def test_who_leaves_gives_the_place_to_the_next_one() -> None:
    async def visit(scripts: Scripts) -> None:
        guests = [Guest(scripts, name) for name in names(0, MANY)]
        for guest in guests:
            guest.wish()
        await quiet(lambda: len(scripts.running) == _AT_ONCE)
        for guest in guests[_AT_ONCE : 2 * _AT_ONCE]:  # who has none yet may be cut off at any moment
            guest.visit.cancel()
        await leave(*guests[:_AT_ONCE])
        await quiet(lambda: scripts.running == names(2 * _AT_ONCE, 3 * _AT_ONCE))
        await leave(*guests[2 * _AT_ONCE :])

    run(visit)


def test_a_first_script_that_takes_long_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PATIENCE", 0.05)

    async def visit(scripts: Scripts) -> None:
        guests = [Guest(scripts, name) for name in names(0, MANY)]
        for guest in guests:
            guest.wish()
        async with asyncio.timeout(30):
            while len(scripts.running) < MANY:
                await asyncio.sleep(0.01)
        scripts.word.set()  # the place of each was given on once, so it is not given on again
        await quiet(lambda: len(scripts.ended) == MANY)
        assert scripts.doors._places._value == _AT_ONCE
        await leave(*guests)

    run(visit)


def run(visit: Callable[[Scripts], Any]) -> None:
    async def all_of_it() -> None:
        await visit(Scripts())

    asyncio.run(all_of_it())


async def leave(*guests: Guest) -> None:
    """All of them go."""
    for guest in guests:
        guest.leave()
    async with asyncio.timeout(30):
        await asyncio.gather(*(guest.visit for guest in guests), return_exceptions=True)
