"""Messages between the web process and an engine host: what crosses the border of the two sides.

A host and the web process speak through two pipes (the host's standard input and output).  Both
directions carry the same thing, little endian:

    message = length of payload u32, run i32, kind 1 byte, payload

``run`` numbers one attempt at one run, given by the web process and never used twice; 0 is the host
itself.  Each payload is JSON except a frame's, which is the frame's own bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from normviz.phrases import from_plain, to_plain

_HEAD = struct.Struct("<IiB")
LARGEST = 256 * 1024 * 1024
"""Bytes of the largest payload.  More than that is a sign that the two ends have lost each other."""

# web process -> host
START = ord("+")
"""{"spec": JSON text, "skip": frames that are known already and are not sent again}"""
CANCEL = ord("-")
"""Nothing.  The host answers with ENDED, status "stopped"."""
REST = ord("z")
"""Nothing.  The run takes no processor time until it is woken; its process, if it has one, stays."""
WAKE = ord("w")
"""Nothing.  The run goes on."""

# host -> web process
HELLO = ord("H")
"""{"form", "torch", "cpu", "source", "devices", "device", "milliseconds"}: what computes here, once, when the
host is warm (see ``normviz.versions.About``)."""
PLACE = ord("P")
"""{"place"}: the run waits in the engine's own line, from 1; 0: no more."""
BEGAN = ord("B")
"""{"pid"}: the run has a process."""
SCHEMA = ord("S")
"""The schema's own JSON."""
FRAME = ord("F")
"""One encoded frame."""
SKIPPED = ord("K")
"""{"digest"}: the frames left out were computed again, and this is their digest (see ``Digest``)."""
TURN = ord("T")
"""Nothing.  In a process with several runs: from here on this one computes (it is to blame for a crash)."""
ENDED = ord("E")
"""{"status", "sentence"}: see ``DONE`` and the others.  A sentence for a visitor may be a phrase."""

DONE = "done"
FAILED = "failed"
"""The same spec would fail again; the sentence is for the visitor."""
BROKEN = "broken"
"""It failed, and might not if tried again (no memory, no process); the sentence is for the visitor."""
DIED = "died"
"""Its process ended without a word; the sentence is for the log."""
LOST = "lost"
"""Its process ended through no fault of its own; the sentence is for the log."""
STOPPED = "stopped"
"""It was cancelled."""


class ProtocolError(ValueError):
    """Bytes that are not a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, taken apart."""

    run: int
    kind: int
    payload: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The payload as JSON, phrases as they were.

        Raises:
            ProtocolError: it is not a JSON object.
        """
        try:
            told = json.loads(self.payload) if self.payload else {}
        except ValueError as error:
            raise ProtocolError(f"a payload of kind {chr(self.kind)} is not JSON: {error}") from error
        if not isinstance(told, dict):
            raise ProtocolError(f"a payload of kind {chr(self.kind)} is not a JSON object")
        return {name: from_plain(one) for name, one in told.items()}


def packed(run: int, kind: int, payload: bytes = b"", **told: Any) -> bytes:
    """A message as bytes; ``told`` is the payload as JSON."""
    body = json.dumps({name: to_plain(one) for name, one in told.items()}).encode() if told else payload
    return _HEAD.pack(len(body), run, kind) + body


class Reader:
    """Takes the bytes of a pipe as they come and gives the messages that are complete."""

    def __init__(self) -> None:
        self._held = bytearray()

    def __len__(self) -> int:
        """Bytes held of a message that is not complete."""
        return len(self._held)

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages completed by ``data``.  To be exhausted before the next ``feed``.

        Raises:
            ProtocolError: a length is beyond ``LARGEST``.
        """
        self._held += data
        at = 0
        try:
            while len(self._held) - at >= _HEAD.size:
                length, run, kind = _HEAD.unpack_from(self._held, at)
                if length > LARGEST:
                    raise ProtocolError(f"a message of {length} bytes; the largest has {LARGEST}")
                end = at + _HEAD.size + length
                if len(self._held) < end:
                    break
                payload = bytes(self._held[at + _HEAD.size : end])
                at = end
                yield Message(run, kind, payload)
        finally:
            del self._held[:at]


class Digest:
    """Hash of a run's frames: tells whether frames computed again are the same ones.

    It is a chain: each digest is made of the one before and the next frame.  So whoever knows the digest of
    the frames that he has can check the frame that follows, without those frames.
    """

    def __init__(self, known: str = "00" * 16) -> None:
        self._value = bytes.fromhex(known)

    def add(self, frame: bytes) -> None:
        """Take in the next frame."""
        link = hashlib.blake2b(self._value, digest_size=16)
        link.update(frame)
        self._value = link.digest()

    @property
    def hex(self) -> str:
        """The digest of the frames so far."""
        return self._value.hex()
