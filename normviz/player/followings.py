"""Following one run in Redis: what is read of its streams, as the messages that the player knows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from normviz import messages
from normviz.store import Keys, job_id, queue_name
from normviz.store.recordings import Entry, place_before, run_key


class Following:
    """One attempt of the player at a run; any number of attempts, made by workers, may stand behind it."""

    def __init__(self, number: int, text: str, skip: int, version: str) -> None:
        self.number, self.text, self.skip = number, text, skip
        self.keys = Keys(run_key(text, version))
        self.job, self.queue = job_id(self.keys.key), queue_name(version)
        self.at = place_before(skip)
        """The place in the frames after which is read."""
        self.heard = ""
        """The place in the attempts after which is read; empty before the run was looked at."""
        self.resting = False
        self.changed = False
        """The replica's word about it is to be said again."""
        self.seen = time.monotonic()
        """When it last stood in the queue or was computed."""
        self.place = 0
        """Place in the queue, from 1; 0 if it does not wait."""
        self._attempt = ""
        self._digest = messages.Digest()

    @property
    def frame(self) -> int:
        """The last frame read, or left out."""
        return int(self.at.partition("-")[0])

    def read(self, entry: Entry) -> Iterator[messages.Message]:
        """Take an entry of the recording."""
        self.at = entry.place
        if entry.kind != messages.FRAME:
            yield self._message(entry.kind, entry.payload)
        elif entry.frame == self.skip:  # the last of those that are known
            self._digest = messages.Digest(entry.mark)
            yield self.tell(messages.SKIPPED, digest=entry.mark)
        else:
            self._digest.add(entry.payload)
            if self._digest.hex == entry.mark:
                yield self._message(messages.FRAME, entry.payload)
            else:  # it does not continue what was read; the player sees it by the digest
                yield self.tell(messages.SKIPPED, digest=entry.mark)

    def hear(self, entry: Entry) -> Iterator[messages.Message]:
        """Take an entry of the attempts."""
        self.heard = entry.place
        if entry.kind == messages.BEGAN:
            self._attempt = entry.mark
            yield self._message(messages.BEGAN, entry.payload)
        elif entry.mark == self._attempt or not self._attempt:
            told = json.loads(entry.payload)
            if told["status"] == messages.STOPPED:  # nobody wanted it, for a moment
                told = {"status": messages.LOST, "sentence": "it was ended while it was asked for"}
            yield self.tell(messages.ENDED, **told)

    def wait(self, place: int | None) -> Iterator[messages.Message]:
        """Take its index in the queue."""
        now = 0 if place is None else place + 1
        if now != self.place:
            self.place = now
            yield self.tell(messages.PLACE, place=now)

    def tell(self, kind: int, **told: Any) -> messages.Message:
        """A message about it."""
        return self._message(kind, json.dumps(told).encode())

    def _message(self, kind: int, payload: bytes) -> messages.Message:
        return messages.Message(self.number, kind, payload)
