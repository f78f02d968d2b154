"""Memory that nobody needs goes back to the machine.

The pages of visitors who have left are kept for a while in case they come back
(``server.disconnectedSessionTTL``), but Streamlit looks whether that while is over only when somebody else
leaves, and a page's objects refer to each other, so that only the collector frees them.  What is free then is
for GNU's C library a hole in its heap, to be used again by the same process alone, until it is told to give
it back.  On a small machine the runs need it.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys

from streamlit import runtime

_EVERY = 30.0  # seconds; it takes a hundredth of a second, in a thread of its own
_ARENA_MAX = -8  # of mallopt(3)
_ARENAS = 2
"""Heaps.  Threads get one each, up to eight times the cores, so that they need not wait for another; but of
Python's threads one runs at a time."""


def few() -> None:
    """Have the threads that come share few heaps; before there are any."""
    if library := _library():
        library.mallopt(_ARENA_MAX, _ARENAS)


def settle() -> None:
    """What is there when the server has started stays, so the collector need not look at it ever again.

    It would take a tenth of a second each time, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()


async def give_back() -> None:
    """Give back what is free, again and again."""
    library = _library()
    while True:
        await asyncio.sleep(_EVERY)
        _forget_pages()
        await asyncio.to_thread(gc.collect)
        if library:
            await asyncio.to_thread(library.malloc_trim, 0)


def _forget_pages() -> None:
    """Have Streamlit let go of the pages of those who left long ago; as its parts are named at present."""
    manager = getattr(runtime.get_instance(), "_session_mgr", None) if runtime.exists() else None
    kept = getattr(getattr(manager, "_session_storage", None), "_cache", None)
    if expire := getattr(kept, "expire", None):
        expire()


def _library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None  # others have none (musl)
