"""What was freed below something that stays goes back to the machine."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from normviz.ui import heap
from tests.player.processes import until


def test_holes_in_the_heap_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_EVERY", 0.05)
    process = psutil.Process()
    filled = [bytearray(4000) for _ in range(20_000)]  # too small for a mapping of their own
    pins = filled[::100]  # what is in use between the holes: the heap cannot just become shorter
    gc.collect()
    full = process.memory_info().rss
    del filled
    assert process.memory_info().rss > full - 20e6  # freed, and kept by the process all the same

    async def wait() -> None:
        giving = asyncio.create_task(heap.give_back())
        await asyncio.to_thread(until, lambda: process.memory_info().rss < full - 50e6)
        giving.cancel()

    asyncio.run(wait())
    assert len(pins) == 200


@pytest.mark.parametrize("few", [True, False])
def test_threads_share_few_heaps(few: bool) -> None:
    told = subprocess.run(
        [sys.executable, "-c", COUNT, "few" if few else ""], capture_output=True, text=True, check=True
    ).stdout
    heaps = told.count("<heap ")
    assert heaps == 2 if few else heaps > 2


COUNT = """
import ctypes, sys, threading
from normviz.ui import heap
if sys.argv[1]:
    heap.few()
threads = [threading.Thread(target=lambda: (bytearray(4000), there.wait())) for _ in range(3)]
there = threading.Barrier(4)
for thread in threads:
    thread.start()
there.wait()  # all of them are here at once, and each has taken memory
library = ctypes.CDLL(None)
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert heap._library() is None
    heap.few()
    give_back(monkeypatch, lambda: True)


class Page:
    """Refers to itself, as a session of Streamlit's does."""

    def __init__(self, name: str) -> None:
        self.id, self.me = name, self


@pytest.mark.parametrize("seconds", [0, 3600])
def test_pages_of_who_left_long_ago_are_let_go(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Through Streamlit's own classes, whose parts have no public names."""
    nothing: Any = None
    storage = MemorySessionStorage(ttl_seconds=seconds)
    manager = WebsocketSessionManager(storage, nothing, nothing, nothing)
    monkeypatch.setattr(heap.runtime, "exists", lambda: True)
    monkeypatch.setattr(heap.runtime, "get_instance", lambda: SimpleNamespace(_session_mgr=manager))
    page: Any = Page("one")
    storage.save(SessionInfo(client=None, session=page))
    left = weakref.ref(page)
    del page
    gc.disable()
    try:
        give_back(monkeypatch, lambda: left() is None or seconds > 0)
    finally:
        gc.enable()
    assert (left() is None) == (seconds == 0)


def test_what_is_there_at_the_start_is_not_looked_at_again() -> None:
    try:
        heap.settle()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


def give_back(monkeypatch: pytest.MonkeyPatch, until_then: Callable[[], bool]) -> None:
    """Give back what is free several times, and on until something is so."""
    monkeypatch.setattr(heap, "_EVERY", 0.02)

    async def some_time() -> None:
        giving = asyncio.create_task(heap.give_back())
        await asyncio.sleep(0.2)
        await asyncio.to_thread(until, until_then)
        assert not giving.done()
        giving.cancel()

    asyncio.run(some_time())
