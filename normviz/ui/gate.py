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

_GRACE = 10.0  # seconds by which a first visit stands back behind a click: a class has long arrived by then
_PATIENCE = 2.0  # seconds; a script that takes longer hangs, and loses its turn to the next one
_HERE = "been here"


class Gate:
    """Lets threads in one by one, by the time at which they came; those with a delay stand back by it."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._line: list[tuple[float, int, threading.Event]] = []
        self._numbers = count()
        self._inside: threading.Event | None = None
        self._since = 0.0

    @contextlib.contextmanager
    def turn(self, delay: float = 0.0) -> Iterator[None]:
        """Wait for a turn and hold it.  ``delay``: seconds by which others may come later and yet before."""
        called = threading.Event()
        with self._lock:
            heapq.heappush(self._line, (time.monotonic() + delay, next(self._numbers), called))
            self._call()
        while not called.wait(self._patience):
            with self._lock:
                self._call()
        try:
            yield
        finally:
            with self._lock:
                if self._inside is called:
                    self._inside = None
                    self._call()

    def _call(self) -> None:
        """Let the next one in, if nobody is inside or whoever is has been for too long."""
        now = time.monotonic()
        if self._line and (self._inside is None or now - self._since > self._patience):
            self._inside, self._since = heapq.heappop(self._line)[-1], now
            self._inside.set()


_gate = Gate()


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    """Run a visitor's script in its turn."""
    first = _HERE not in st.session_state
    st.session_state[_HERE] = True
    with _gate.turn(_GRACE if first else 0.0):
        yield
