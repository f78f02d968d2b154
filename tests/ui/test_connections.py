"""Websockets are let in a few at a time, whatever becomes of those before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

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


class Listening(Application):
    """Lets its visitors in and hears them out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        self.opened += 1
        while (await receive())["type"] != "websocket.disconnect":
            pass


LANGUAGES = pytest.mark.parametrize(
    ("query", "browser", "language"),
    [("", "", "en"), ("lang=cs", "", "cs"), ("", "cs-CZ,cs;q=0.9,en;q=0.8", "cs"), ("lang=en", "cs", "en"),
     ("lang=xx", "cs", "cs"), ("", "de,cs;q=0.5", "en"), ("", "*", "en"), ("lang=%ff", "\xff;;,", "en")],
)  # fmt: skip
"""Of an address and a browser, and what they are answered in."""


@LANGUAGES
def test_a_page_that_finds_no_room_says_so_in_its_visitors_language(
    query: str, browser: str, language: str
) -> None:
    told: list[Message] = []

    async def visit() -> None:
        application = Application()
        application.word.set()
        doors = Connections(application, Settings(connections=1))
        there = asyncio.create_task(knock(doors))
        await quiet(lambda: application.opened == 1)
        page = scope("http", query, browser) | {"method": "GET", "path": "/train"}
        page["headers"].append((b"accept", b"text/html"))
        await doors(page, nothing, keep(told))
        application.leave.set()
        await there

    asyncio.run(visit())
    start, body = told
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-language"]) == (429, language.encode())
    assert headers[b"content-type"] == b"text/plain; charset=utf-8"
    sentence = {
        "en": "Too many connections are open. Close a window, or try again later.",
        "cs": "Otevřených spojení je příliš mnoho. Zavřete některé okno, nebo to zkuste později.",
    }[language]
    assert body["body"].decode() == sentence


@LANGUAGES
@pytest.mark.parametrize("said", ["nonsense", "flood"])
def test_who_is_cut_off_learns_why_in_their_language(
    said: str, query: str, browser: str, language: str
) -> None:
    told: list[Message] = []
    data = {"nonsense": b"\xff" * 9, "flood": BackMsg(stop_script=True).SerializeToString()}[said]

    async def talk() -> Message:
        return {"type": "websocket.receive", "bytes": data}

    async def visit() -> None:
        await Connections(Listening(), Settings())(scope("websocket", query, browser), talk, keep(told))

    asyncio.run(visit())
    reason = {
        ("nonsense", "en"): "A message was not of this protocol.",
        ("nonsense", "cs"): "Zpráva neodpovídala tomuto protokolu.",
        ("flood", "en"): "Too many messages.",
        ("flood", "cs"): "Příliš mnoho zpráv.",
    }[said, language]
    code = {"nonsense": 1002, "flood": 1008}[said]
    assert told == [
        {"type": "websocket.accept"}, {"type": "websocket.close", "code": code, "reason": reason},
    ]  # fmt: skip


def run(kind: type[Application], visit: Callable[..., Any]) -> None:
    async def all_of_it() -> None:
        application = kind()
        await visit(application, Connections(application, Settings()))

    asyncio.run(all_of_it())


def scope(kind: str, query: str = "", browser: str = "") -> Scope:
    """What a server tells of a request of a page of ours."""
    headers = [(b"host", b"here"), (b"origin", b"http://here")]
    if browser:
        headers.append((b"accept-language", browser.encode("latin-1")))
    return {
        "type": kind, "path": f"/{SESSION}", "query_string": query.encode(), "headers": headers,
        "client": ("127.0.0.1", 1),
    }  # fmt: skip


def keep(told: list[Message]) -> Send:
    """Take what is answered."""

    async def send(message: Message) -> None:
        told.append(message)

    return send


async def nothing() -> Message:
    """A client that has nothing more to say."""
    return {"type": "http.disconnect"}


async def knock(doors: Connections) -> list[Message]:
    """One websocket of a page of ours; what it is told."""
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    await doors(scope("websocket"), receive, keep(told))
    return told


async def quiet(condition: Callable[[], bool]) -> None:
    """Wait for something, and see that it stays."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert condition()
