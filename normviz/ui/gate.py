"""One page script at a time, in an order: whoever clicks first, then whoever arrives.

Python runs one thread at a time whatever they are.  When a class opens a link at once and sixty scripts take
turns of five milliseconds, every one of them ends late, and so does the click of somebody who has long been
there.  One after the other, the first is done after a fraction of the time and the last no later.
"""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from collections.abc import Iterator
from itertools import count

import streamlit as st

_GRACE = 1.0  # seconds by which a first visit stands back behind a click
_PATIENCE = 10.0  # seconds after which a script no longer waits: one that hangs must not hold up the others
_HERE = "been here"


class Gate:
    """Lets threads in one by one, by the time at which they came; those with a delay stand back by it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = False
        self._line: list[tuple[float, int, threading.Event]] = []
        self._numbers = count()

    @contextlib.contextmanager
    def turn(self, delay: float = 0.0, patience: float = _PATIENCE) -> Iterator[bool]:
        """Wait for a turn and hold it; False if patience ran out, so that another one may have it too.

        Units:
            delay, patience: seconds.
        """
        held = self._enter(delay, patience)
        try:
            yield held
        finally:
            if held:
                self._leave()

    def _enter(self, delay: float, patience: float) -> bool:
        called = threading.Event()
        with self._lock:
            if not self._busy:
                self._busy = True
                return True
            mine = (time.monotonic() + delay, next(self._numbers), called)
            heapq.heappush(self._line, mine)
        if called.wait(patience):
            return True
        with self._lock:
            if called.is_set():  # at the last moment
                return True
            self._line.remove(mine)
            heapq.heapify(self._line)
        return False

    def _leave(self) -> None:
        with self._lock:
            if self._line:
                heapq.heappop(self._line)[-1].set()
            else:
                self._busy = False


_gate = Gate()


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    """Run a visitor's script in its turn."""
    first = _HERE not in st.session_state
    st.session_state[_HERE] = True
    with _gate.turn(_GRACE if first else 0.0):
        yield
