"""What one client gets next: every frame once, a bounded number of bytes on the way, the newest first."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normviz.frames import Array, Frame, Recording, Schema
from normviz.player.feeds import WINDOW, Feed

SCHEMA = Schema((Array("x", (1000,), "f4", ("i",)), Array("y", (100_000,), "f4", ("j",))))
SMALL, LARGE = (
    SCHEMA.encode(Frame(0, {name: np.zeros(SCHEMA[name].shape, np.float32)})) for name in ("x", "y")
)  # 4 kB, 400 kB


def taken_apart(message: bytes) -> list[tuple[int, bytes]]:
    """Index and bytes of each frame in a message, as the browser reads it."""
    assert message[:1] == b"F"
    (index,) = struct.unpack_from("<I", message, 1)
    frames, at = [], 5
    while at < len(message):
        (length,) = struct.unpack_from("<I", message, at)
        frames.append((index + len(frames), message[at + 4 : at + 4 + length]))
        at += 4 + length
    return frames


def indices(messages: list[bytes]) -> list[list[int]]:
    return [[k for k, _ in taken_apart(message)] for message in messages]


def test_a_client_that_keeps_up_gets_frames_in_order() -> None:
    recording, feed = Recording(SCHEMA), Feed()
    for k in range(10):
        recording.append(SMALL)
        assert indices(feed.take(recording, live=True)) == [[k]]
        feed.acknowledge(k + 1)
    assert feed.complete
    assert feed.take(recording, live=True) == []


def test_a_client_that_comes_back_gets_what_it_lacks() -> None:
    recording, feed = Recording(SCHEMA, [SMALL] * 10), Feed(after=7)
    assert indices(feed.take(recording, live=False)) == [[7, 8, 9]]


def test_a_client_that_is_behind_gets_the_first_frame_then_the_newest_then_the_gap() -> None:
    recording, feed = Recording(SCHEMA, [SMALL] * 1000), Feed()
    first, newest, gap = indices(feed.take(recording, live=True))
    assert first == [0]
    assert newest[-1] == 999
    assert newest == list(range(newest[0], 1000))
    assert gap == list(range(1, gap[-1] + 1))
    assert len(newest) * len(SMALL) > WINDOW / 3
    assert len(gap) * len(SMALL) > WINDOW / 3


def test_a_recording_that_is_complete_comes_in_order() -> None:
    recording, feed = Recording(SCHEMA, [SMALL] * 1000), Feed()
    (message,) = indices(feed.take(recording, live=False))
    assert message == list(range(len(message)))


def test_a_frame_larger_than_the_window_travels_alone() -> None:
    recording, feed = Recording(SCHEMA, [SMALL, LARGE, LARGE]), Feed()
    assert indices(feed.take(recording, live=False)) == [[0]]
    feed.acknowledge(1)
    assert indices(feed.take(recording, live=False)) == [[1]]
    assert feed.take(recording, live=False) == []
    feed.acknowledge(2)
    assert indices(feed.take(recording, live=False)) == [[2]]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120), st.booleans()), max_size=60))
def test_every_frame_arrives_once_and_the_way_is_bounded(rounds: list[tuple[int, int, bool]]) -> None:
    recording, feed = Recording(SCHEMA), Feed()
    arrived: dict[int, bytes] = {}
    waiting: list[bytes] = []
    seen = 0
    for new, read, large in [*rounds, *[(0, 10_000, False)] * 200]:
        for _ in range(new):
            recording.append(recording_frame(len(recording), large=large and _ % 50 == 0))
        waiting += feed.take(recording, live=len(arrived) % 2 == 0)
        assert feed.outstanding == sum(map(len, waiting))
        assert feed.outstanding <= WINDOW + len(LARGE)
        for message in waiting[:read]:
            for k, frame in taken_apart(message):
                assert k not in arrived
                arrived[k] = frame
                seen += 1
        del waiting[:read]
        feed.acknowledge(seen)
    assert feed.complete
    assert [arrived[k] for k in range(len(recording))] == [recording.data(k) for k in range(len(recording))]


def recording_frame(step: int, *, large: bool) -> bytes:
    return struct.pack("<i", step) + (LARGE if large else SMALL)[4:]


def test_beginning_anew_sends_everything_again_and_counts_on() -> None:
    recording, feed = Recording(SCHEMA, [SMALL] * 3), Feed()
    feed.take(recording, live=True)
    before = feed.outstanding
    feed.restart()
    assert indices(feed.take(recording, live=True)) == [[0, 1, 2]]
    feed.acknowledge(3)
    assert feed.outstanding == before
    feed.acknowledge(6)
    assert feed.outstanding == 0
