"""A run in Redis: the names of its keys, the entries of its streams, and what happens in one step.

A run is known by its **key**, a hash of its spec and of the version that computes it.  What it *is* is a
stream, ``frames``, which every attempt at the run writes in the same way: the schema (entry 0-1), frame n
(entry n-0, from 1), and at the end how it came out (the last n, -2), if the spec alone decides that.  Each
entry carries the digest of the frames up to it (``messages.Digest``), so whoever has n frames can go on
reading at n + 1 and knows whether these are the same ones.

What *happens* to it is another stream, ``attempts``: which worker began, and how an attempt ended that is not
the last word.  An attempt holds a ``lease``, renewed while its worker lives; only who holds it, or finds
nobody holding it, may write frames.  ``wanted`` and ``awake`` name the replicas for which the run is
computed, and those of them whose visitors look at it now; a replica that does not repeat itself is forgotten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from normviz import messages

COMPUTE = "normviz.lab.horses.compute"
"""The function that a job names.  Workers call no other."""
WORKERS = "normviz:workers"
"""Sorted set of living workers: {"name", "torch", "cpu", "source", "devices"} as JSON, with its end."""
NUDGES = "normviz:nudges"
"""Channel: the key of a run that is wanted differently from before."""

LEASE = 4000
"""Milliseconds after which an attempt counts as dead whose worker was not heard of."""
INTEREST = 10_000
"""Milliseconds for which a replica's word holds that a run is wanted."""
ASKED = 3000
"""Milliseconds that a job may be between the queue and its worker."""
SEEN = 15_000
"""Milliseconds for which a worker's word holds that it is there."""


class Keys:
    """Names of what belongs to one run.  The braces keep it together in a Redis of several nodes."""

    def __init__(self, key: str) -> None:
        self.key = key
        run = f"normviz:{{{key}}}:"
        self.frames, self.attempts = run + "frames", run + "attempts"
        self.lease, self.wanted, self.awake = run + "lease", run + "wanted", run + "awake"
        self.asked, self.lock = run + "asked", run + "lock"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of one of a run's streams."""

    place: str
    kind: int
    """Of ``messages``: SCHEMA, FRAME and ENDED among the frames, BEGAN and ENDED among the attempts."""
    payload: bytes
    mark: str
    """Of a frame or the end: the digest up to there.  Among the attempts: whose word it is."""

    @classmethod
    def read(cls, place: bytes, fields: Mapping[bytes, bytes]) -> Self:
        """What a client got."""
        return cls(place.decode(), fields[b"kind"][0], fields[b"payload"], fields[b"mark"].decode())

    @property
    def frame(self) -> int:
        """The number of the last frame up to this entry; 0 at the schema."""
        return int(self.place.partition("-")[0])


def place_of(kind: int, frame: int) -> str:
    """Where the schema, frame number ``frame``, or the end after it stands in a stream."""
    if kind == messages.SCHEMA:
        return "0-1"
    return f"{frame}-0" if kind == messages.FRAME else f"{frame}-2"


def place_before(frame: int) -> str:
    """The place after which frame number ``frame`` is read; 0 stands for the schema."""
    return "0-0" if frame == 0 else "0-1" if frame == 1 else f"{frame - 1}-0"


def run_key(text: str, version: str) -> str:
    """The key of a spec's run, given the spec's JSON."""
    return hashlib.sha256(f"{text} {version}".encode()).hexdigest()[:40]


def job_id(key: str) -> str:
    """The job that computes a run: one, whoever asks for it."""
    return f"run-{key}"


def queue_name(version: str) -> str:
    """The queue of jobs that only workers of one version take."""
    return f"normviz-{hashlib.sha256(version.encode()).hexdigest()[:16]}"
