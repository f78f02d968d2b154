"""The work-horse of a worker: a forked process that computes one run and writes it to Redis.

An attempt computes its run from the beginning, whatever other attempts have done.  What they have written is
not written again: where it ends, the digests are compared, and then this attempt writes on.  If they differ
(the run is no pure function of its spec), the recording is written anew; who has read the old one notices.
"""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from normviz import messages
from normviz.lab import runs
from normviz.phrases import to_plain
from normviz.store import recordings, scripts

_OUTAGE = 120
"""How often a command is tried while Redis is away, about a second apart; then the attempt is lost."""

_FINAL = (messages.DONE, messages.FAILED)
"""Ends that the spec alone decides: they belong to the recording."""

attempt: Attempt | None = None
"""The attempt that this process makes; set by its worker, for ``compute``."""


class LostError(Exception):
    """This attempt cannot go on, and it is not the run's fault."""


class _DifferentError(Exception):
    """The frames that are there are not those computed now."""


def client(options: dict[str, Any]) -> Any:
    """A client that outlasts a restart of Redis.  Its types tell of all modes at once, so none is given."""
    patience = Retry(ExponentialWithJitterBackoff(cap=1.0, base=0.05), _OUTAGE)
    return redis.Redis(**options, retry=patience, socket_connect_timeout=5)


def compute(key: str, text: str) -> None:
    """What a job calls (``recordings.COMPUTE``): compute the spec ``text`` and write it under ``key``."""
    if attempt is None or attempt.keys.key != key:
        raise RuntimeError("runs are computed by the workers of this project alone")
    attempt.make(text)


class Attempt:
    """One attempt at a run, and its way to Redis."""

    def __init__(self, connection: Any, key: str, name: str, keep: int) -> None:
        self._redis, self._name, self._keep = connection, name, keep
        self._append = connection.register_script(scripts.APPEND)
        self.keys = recordings.Keys(key)
        self.word: dict[str, Any] | None = None
        """How it ended, as the payload of ENDED; empty if the recording says so, None before the end."""

    def make(self, text: str) -> None:
        """Compute the run to its end."""
        try:
            try:
                self.word = self._write(text)
            except _DifferentError:
                self._redis.delete(self.keys.frames)
                self.word = self._write(text)
        except LostError as error:
            self.word = {"status": messages.LOST, "sentence": str(error)}

    def _write(self, text: str) -> dict[str, Any]:
        """Write what is not there yet; returns the word for ``word``."""
        known, there = self._known()
        digest, frames = messages.Digest(), 0
        reader = messages.Reader()
        for message in (message for data in runs.stream(0, text) for message in reader.feed(data)):
            if message.kind == messages.ENDED and message.told["status"] not in _FINAL:
                return {name: to_plain(one) for name, one in message.told.items()}
            if message.kind == messages.FRAME:
                frames += 1
                digest.add(message.payload)
            if known and frames == known and digest.hex != there:
                raise _DifferentError
            if message.kind == messages.ENDED:
                if frames < known:
                    raise _DifferentError
                self.append(message.kind, frames, message.payload, digest.hex)
                return {}
            if frames > known or not known:
                self.append(message.kind, frames, message.payload, digest.hex)
        raise AssertionError("a run's last message is ENDED")

    def _known(self) -> tuple[int, str]:
        """Frames that are there, and their digest."""
        for place, fields in self._redis.xrevrange(self.keys.frames, count=1):
            entry = recordings.Entry.read(place, fields)
            return entry.frame, entry.mark
        return 0, ""

    def append(self, kind: int, frames: int, payload: bytes, digest: str) -> None:
        """Write an entry that is not there yet.

        Raises:
            LostError: another attempt has taken over, or what lies before is gone.
        """
        before = frames + (kind == messages.ENDED)
        place = recordings.place_of(kind, frames)
        answer = self._append(
            keys=[self.keys.frames, self.keys.lease],
            args=[
                self._name, before, place, bytes([kind]), payload, digest, self._keep, recordings.LEASE,
            ],
        )  # fmt: skip
        if answer != b"written":
            raise LostError(_WHY[answer])


_WHY = {
    b"superseded": "another attempt has taken over",
    b"torn": "Redis has lost frames of this run",
}
