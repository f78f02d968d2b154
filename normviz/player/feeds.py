"""Which frames one client gets next: bounded, newest first for a client that is behind."""

from __future__ import annotations

import struct
from collections import deque

from normviz.frames import Recording

_INDEX = struct.Struct("<I")
WINDOW = 256 * 1024
"""Bytes that may be on their way to a client before it has told that it received some."""
_MOST_AT_ONCE = 4  # messages; many small gaps are filled over several rounds


class Feed:
    """What one connection has been sent of a recording, and what it gets next.

    Every frame is sent once.  While everything unsent fits into the window, frames go in order.  A client
    that is behind a run in progress gets the first frame (it holds the constants), then the newest
    frames, and with the rest of the window the gap is filled from its beginning.
    """

    def __init__(self, after: int = 0) -> None:
        self._gaps: list[range] = []  # unsent, ascending
        self._known = after
        self._unsent = 0
        self._way: deque[tuple[int, int]] = deque()  # messages on their way: (frames sent so far, bytes)
        self.sent = 0
        """Frames sent."""
        self.outstanding = 0
        """Bytes on their way."""

    @property
    def complete(self) -> bool:
        """All frames known so far are sent."""
        return not self._gaps

    def restart(self) -> None:
        """Begin anew: what was sent is void, but it is still on its way."""
        self._gaps, self._known, self._unsent = [], 0, 0

    def acknowledge(self, frames: int) -> None:
        """The client tells how many frames it has received over this connection."""
        while self._way and self._way[0][0] <= frames:
            self.outstanding -= self._way.popleft()[1]

    def take(self, recording: Recording, *, live: bool) -> list[bytes]:
        """The messages to send now; none if the window is full.

        What is on the way is at most a window and one frame: a single frame may be larger than the window.
        """
        self._look(recording)
        room = WINDOW - self.outstanding
        if room <= 0 or not self._gaps:
            return []
        taken: list[bytes] = []
        if live and self._unsent > room:
            if self._gaps[0].start == 0:
                room -= self._send(recording, range(1), taken)
            if self._gaps and room > 0:
                room -= self._send(recording, self._newest(recording, room // 2), taken)
        while self._gaps and len(taken) < _MOST_AT_ONCE:
            part = self._oldest(recording, room)
            if not part:
                break
            room -= self._send(recording, part, taken)
        return taken

    def _look(self, recording: Recording) -> None:
        total = len(recording)
        if total <= self._known:
            return
        self._unsent += sum(len(recording.data(k)) for k in range(self._known, total))
        if self._gaps and self._gaps[-1].stop == self._known:
            self._gaps[-1] = range(self._gaps[-1].start, total)
        else:
            self._gaps.append(range(self._known, total))
        self._known = total

    def _oldest(self, recording: Recording, room: int) -> range:
        """Frames from the beginning of the first gap that fit; one at least if nothing is on its way."""
        gap = self._gaps[0]
        stop = gap.start
        while stop < gap.stop and (room := room - len(recording.data(stop)) - _INDEX.size) >= 0:
            stop += 1
        if stop == gap.start and not self.outstanding:
            stop += 1
        return range(gap.start, stop)

    def _newest(self, recording: Recording, room: int) -> range:
        """Frames at the end of the last gap that fit, but one at least."""
        gap = self._gaps[-1]
        start = gap.stop - 1
        while start > gap.start and room - sum(len(recording.data(k)) for k in (start - 1, start)) >= 0:
            room -= len(recording.data(start)) + _INDEX.size
            start -= 1
        return range(start, gap.stop)

    def _send(self, recording: Recording, part: range, taken: list[bytes]) -> int:
        frames = [recording.data(k) for k in part]
        pieces = [b"F", _INDEX.pack(part.start)]
        for frame in frames:
            pieces += [_INDEX.pack(len(frame)), frame]
        message = b"".join(pieces)
        at = next(i for i, gap in enumerate(self._gaps) if gap.start <= part.start < gap.stop)
        gap = self._gaps.pop(at)
        left = [range(gap.start, part.start), range(part.stop, gap.stop)]
        self._gaps[at:at] = [one for one in left if one]
        self._unsent -= sum(map(len, frames))
        self.sent += len(frames)
        self.outstanding += len(message)
        self._way.append((self.sent, len(message)))
        taken.append(message)
        return len(message)
