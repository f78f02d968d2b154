"""Memory that nobody needs goes back to the machine (GNU's C library; elsewhere nothing is done).

What sixty visitors and their recordings took is free again after they have left, but for the C library it is
a hole in its heap, to be used again by the same process alone.  On a small machine the runs need it.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
from collections.abc import Callable

_EVERY = 30.0  # seconds; it takes a few milliseconds, in a thread of its own
_ARENA_MAX = -8  # of mallopt(3)
_ARENAS = 2
"""Heaps.  Threads get one each, up to eight times the cores, so that they need not wait for another; but of
Python's threads one runs at a time."""


def few() -> None:
    """Have the threads that come share few heaps; before there are any."""
    if library := _library():
        library.mallopt(_ARENA_MAX, _ARENAS)


async def give_back() -> None:
    """Give back what is free, again and again."""
    trim = _trim()
    while trim:
        await asyncio.sleep(_EVERY)
        await asyncio.to_thread(trim)


def _trim() -> Callable[[], object] | None:
    library = _library()
    return (lambda: library.malloc_trim(0)) if library else None


def _library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None  # others have none (musl)
