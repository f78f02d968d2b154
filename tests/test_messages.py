"""Messages between the two sides: taken apart however the pipe cuts them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normviz import messages
from normviz.messages import LARGEST, Digest, Message, ProtocolError, Reader, packed
from normviz.phrases import counted, phrase

MESSAGES = st.builds(Message, st.integers(-(2**31), 2**31 - 1), st.integers(0, 255), st.binary(max_size=300))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MESSAGES, max_size=8), st.data())
def test_messages_arrive_whole_however_they_are_cut(told: list[Message], data: st.DataObject) -> None:
    stream = b"".join(packed(one.run, one.kind, one.payload) for one in told)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    reader, heard = Reader(), []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        heard += reader.feed(stream[start:stop])
    assert heard == told
    assert len(reader) == 0


def test_an_absurd_length_is_noticed_before_it_is_waited_for() -> None:
    with pytest.raises(ProtocolError, match="bytes"):
        list(Reader().feed((LARGEST + 1).to_bytes(4, "little") + b"\0" * 5))


@pytest.mark.parametrize("payload", [b"\xff", b"[1]", b"{"])
def test_a_payload_that_is_no_object_is_noticed(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        _ = Message(1, messages.ENDED, payload).told


def test_a_phrase_is_still_one_on_the_other_side() -> None:
    """In whatever depth, so that it can be said in another language there; other values as they were."""
    inner = counted("{n} layer", "{n} layers", 3)
    sent = phrase("{label}: {what} of {of:.1f}", label=phrase("Depth"), what=inner, of=0.5)
    (message,) = Reader().feed(packed(1, messages.ENDED, status="failed", sentence=sent, devices=[{"n": 1}]))
    told = message.told
    assert (told["sentence"], told["status"]) == ("Depth: 3 layers of 0.5", "failed")
    assert told["devices"] == [{"n": 1}]
    again = told["sentence"]
    assert (again.template, again.places) == (sent.template, sent.places)
    assert (again.places["what"].many, again.places["what"].n) == ("{n} layers", 3)


def test_a_digest_tells_where_frames_are_cut() -> None:
    def digest(*frames: bytes) -> str:
        made = Digest()
        for frame in frames:
            made.add(frame)
        return made.hex

    assert digest(b"ab", b"c") == digest(b"ab", b"c")
    assert len({digest(), digest(b""), digest(b"ab", b"c"), digest(b"a", b"bc"), digest(b"abc")}) == 5
