"""Following a run: entries of Redis as messages of the player, above all where they do not fit."""

from __future__ import annotations

import json

import pytest

from normviz import messages
from normviz.messages import Digest, Message
from normviz.player.followings import Following
from normviz.store.recordings import Entry, place_of

FRAMES = [b"one", b"two", b"three"]


def recording(frames: list[bytes]) -> list[Entry]:
    """What an attempt writes."""
    digest = Digest()
    made = [Entry(place_of(messages.SCHEMA, 0), messages.SCHEMA, b"{}", digest.hex)]
    for n, frame in enumerate(frames, 1):
        digest.add(frame)
        made.append(Entry(place_of(messages.FRAME, n), messages.FRAME, frame, digest.hex))
    end = json.dumps({"status": messages.DONE, "sentence": ""}).encode()
    return [*made, Entry(place_of(messages.ENDED, len(frames)), messages.ENDED, end, digest.hex)]


def read(following: Following, entries: list[Entry]) -> list[Message]:
    return [message for entry in entries for message in following.read(entry)]


def test_a_whole_recording_is_told_as_it_is() -> None:
    told = read(Following(7, "{}", 0, "v"), recording(FRAMES))
    assert {message.run for message in told} == {7}
    assert [message.payload for message in told[1:-1]] == FRAMES
    assert [message.kind for message in told] == [messages.SCHEMA, *[messages.FRAME] * 3, messages.ENDED]


@pytest.mark.parametrize("known", [1, 2, 3])
def test_known_frames_are_proved_by_their_digest_alone(known: int) -> None:
    following = Following(7, "{}", known, "v")
    assert following.frame == known - 1
    told = read(following, recording(FRAMES)[known:])  # what is read after ``following.at``
    mine = Digest()
    for frame in FRAMES[:known]:
        mine.add(frame)
    assert told[0].kind == messages.SKIPPED
    assert told[0].told == {"digest": mine.hex}
    assert [message.payload for message in told[1:-1]] == FRAMES[known:]


def test_frames_of_another_computation_are_never_told() -> None:
    following = Following(7, "{}", 0, "v")
    read(following, recording(FRAMES)[:3])
    (told,) = read(
        following, recording([b"one", b"TWO", b"three"])[3:4]
    )  # frame 3 is the same, its past is not
    assert told.kind == messages.SKIPPED
    mine = Digest()
    for frame in FRAMES[:2]:
        mine.add(frame)
    assert told.told["digest"] != mine.hex


def test_the_end_of_an_attempt_before_ours_is_not_ours() -> None:
    following = Following(7, "{}", 0, "v")
    began = Entry("5-0", messages.BEGAN, b'{"pid": 3}', "second")
    assert [message.kind for message in following.hear(began)] == [messages.BEGAN]
    died = json.dumps({"status": messages.DIED, "sentence": "SIGSEGV"}).encode()
    assert not list(following.hear(Entry("6-0", messages.ENDED, died, "first")))
    (told,) = following.hear(Entry("7-0", messages.ENDED, died, "second"))
    assert (told.kind, told.told["status"]) == (messages.ENDED, messages.DIED)


def test_a_place_in_the_queue_is_told_when_it_changes() -> None:
    following = Following(7, "{}", 0, "v")
    told = [message.told["place"] for index in (1, 1, 0, None, None) for message in following.wait(index)]
    assert told == [2, 1, 0]
