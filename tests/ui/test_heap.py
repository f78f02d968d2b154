"""What was freed below something that stays goes back to the machine."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import psutil
import pytest

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
    heap.few()
    asyncio.run(asyncio.wait_for(heap.give_back(), 5))
