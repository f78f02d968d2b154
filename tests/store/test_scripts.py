"""What happens in Redis in one step, against a real Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from normviz import messages
from normviz.store import Keys, scripts
from normviz.store.recordings import Entry, place_before, place_of
from tests.cluster.services import RedisServer

KEEP, LEASE = 60_000, 60_000
SCHEMA, FRAME, ENDED = messages.SCHEMA, messages.FRAME, messages.ENDED


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis alone."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.end()


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    """An empty Redis."""
    with server.client as client:
        client.flushall()
        yield client


KEYS = Keys("run")


def append(client: Any, attempt: str, kind: int, frame: int, payload: bytes = b"x", mark: str = "") -> str:
    before = frame + (kind == ENDED)
    answer: bytes = client.register_script(scripts.APPEND)(
        keys=[KEYS.frames, KEYS.lease],
        args=[
            attempt,
            before,
            place_of(kind, frame),
            bytes([kind]),
            payload,
            mark or f"d{frame}",
            KEEP,
            LEASE,
        ],
    )
    return answer.decode()


def entries(client: Any) -> list[Entry]:
    return [Entry.read(place, fields) for place, fields in client.xrange(KEYS.frames)]


def test_a_recording_is_written_in_order_and_read_from_any_frame_on(client: Any) -> None:
    assert append(client, "one", SCHEMA, 0) == "written"
    assert [append(client, "one", FRAME, n, bytes([n])) for n in range(1, 12)] == ["written"] * 11
    assert append(client, "one", ENDED, 11) == "written"
    there = entries(client)
    assert [one.frame for one in there] == [*range(12), 11]
    assert [one.kind for one in there] == [SCHEMA, *[FRAME] * 11, ENDED]
    for skip in range(1, 12):  # the entry after the known ones is the last of them: it holds their digest
        ((_, read),) = client.xread({KEYS.frames: place_before(skip)}, count=1)
        assert Entry.read(*read[0]).frame == skip


def test_an_entry_is_written_once_however_often_it_is_said(client: Any) -> None:
    for _ in range(3):
        assert append(client, "one", SCHEMA, 0) == "written"
        assert append(client, "one", FRAME, 1) == "written"
    assert len(entries(client)) == 2
    assert append(client, "one", FRAME, 1, mark="other") == "torn"


def test_a_gap_is_refused(client: Any) -> None:
    append(client, "one", SCHEMA, 0)
    append(client, "one", FRAME, 1)
    client.delete(KEYS.frames)  # as a restart without persistence does
    assert append(client, "one", FRAME, 2) == "torn"
    assert not entries(client)


def test_an_attempt_that_was_overtaken_writes_nothing(client: Any) -> None:
    append(client, "one", SCHEMA, 0)
    client.register_script(scripts.TAKE)(keys=[KEYS.lease, KEYS.asked], args=["two", LEASE])
    assert append(client, "one", FRAME, 1) == "superseded"
    assert append(client, "two", FRAME, 1) == "written"
    release = client.register_script(scripts.RELEASE)
    told = [bytes([ENDED]), b"{}", KEEP]
    assert release(keys=[KEYS.lease, KEYS.attempts], args=["one", *told]) == 0
    assert client.get(KEYS.lease) == b"two"
    assert release(keys=[KEYS.lease, KEYS.attempts], args=["two", *told]) == 1
    assert client.get(KEYS.lease) is None
    assert client.xlen(KEYS.attempts) == 1


def test_a_run_is_wanted_as_long_as_one_replica_says_so(client: Any) -> None:
    want = client.register_script(scripts.WANT)
    hold = client.register_script(scripts.HOLD)
    keys = [KEYS.wanted, KEYS.awake, KEYS.frames, KEYS.attempts]

    def held() -> list[int]:
        keys = [KEYS.lease, KEYS.wanted, KEYS.awake, KEYS.frames]
        told: list[int] = hold(keys=keys, args=["one", LEASE])
        return told

    assert held() == [1, 0, 0, 0]
    want(keys=keys, args=["a", 1, 60_000, KEEP])
    want(keys=keys, args=["b", 1, 300, KEEP])
    assert held() == [1, 2, 2, 0]
    want(keys=keys, args=["a", 0, 60_000, KEEP])  # its visitors look away
    assert held() == [1, 2, 1, 0]
    time.sleep(0.4)  # b was killed
    assert held() == [1, 1, 0, 0]
    append(client, "one", SCHEMA, 0)
    append(client, "one", FRAME, 1)
    assert held() == [1, 1, 0, 2]
    client.set(KEYS.lease, "two")
    assert held() == [0, 0, 0, 0]


def test_a_worker_is_forgotten_that_does_not_repeat_itself(client: Any) -> None:
    living = client.register_script(scripts.LIVING)
    living(keys=["workers"], args=["a", 60_000])
    assert living(keys=["workers"], args=["b", 200]) == [b"b", b"a"]
    time.sleep(0.3)
    assert living(keys=["workers"], args=[]) == [b"a"]
    assert living(keys=["workers"], args=["a", 0]) == []  # it leaves
