"""The pace of a stream: what comes first is told at once, everything else in rounds."""

from __future__ import annotations

import asyncio
from array import array
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from normviz import player
from normviz.frames import Array, Frame, Recording, Schema
from normviz.ui import stream

SCHEMA = Schema((Array("x", (1,), "f4", ("i",)),))


class Told:
    """A connection that keeps the kinds of messages; a run whose events come one after the other."""

    def __init__(self, frames: int) -> None:
        self.sent: list[str] = []
        self.waits: list[tuple[str, float]] = []
        """What had been sent, and how long the next round then waited."""
        self.query_params: dict[str, str] = {}
        self.path_params: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.run = SimpleNamespace(
            recording=None, generation=1, ended=False, held=False, state=player.State.LIVE, sentence="",
            arrivals=array("d"), frames=0,
        )  # fmt: skip
        self.events = ["schema", *["frame"] * frames]

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(chr(data[0]))

    async def close(self, code: int, reason: str) -> None:
        pass

    async def changed(self) -> None:
        """The next thing happens."""
        if self.events.pop(0) == "schema":
            self.run.recording = Recording(SCHEMA)
            return
        frame = Frame(self.run.frames, {"x": np.zeros(1, "f4")})
        self.run.recording.append(SCHEMA.encode(frame))
        self.run.frames += 1

    async def sleep(self, seconds: float) -> None:
        """A wait; the run ends in the one behind its last frame."""
        self.waits.append(("".join(self.sent), seconds))
        if not self.events:
            self.run.ended, self.run.state = True, player.State.DONE


def told(monkeypatch: pytest.MonkeyPatch, frames: int) -> Told:
    """What a client hears of a run of so many frames."""
    one = Told(frames)
    meter = SimpleNamespace(inc=lambda *_: None, observe=lambda *_: None)
    playing = SimpleNamespace(
        meters=SimpleNamespace(frames_sent=meter, sent_bytes=meter, frame_latency=meter),
        place=lambda run: None,
        running=True,
    )
    watch = SimpleNamespace(run=one.run, owed=False, event=None, changed=one.changed)
    stand_in: Any = SimpleNamespace(**{**vars(asyncio), "sleep": one.sleep})
    monkeypatch.setattr(stream, "asyncio", stand_in)
    client = stream._Client(one, playing, watch, 0)  # type: ignore[arg-type]
    asyncio.run(client.speak())
    return one


def test_the_only_frame_and_the_end_come_together_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = told(monkeypatch, frames=1)
    assert one.sent == ["S", "F", "E"]
    assert one.waits[:2] == [("", stream._TOGETHER), ("S", stream._TOGETHER)]
    assert one.waits[2][0] == "SFE"


def test_after_the_first_frame_there_are_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    one = told(monkeypatch, frames=4)
    assert one.sent == ["S", "F", "F", "F", "F", "E"]
    paced = [seconds for sent, seconds in one.waits if sent in ("SF", "SFF", "SFFF")]
    assert len(paced) == 3
    assert all(stream._TOGETHER < seconds <= stream._INTERVAL for seconds in paced)
