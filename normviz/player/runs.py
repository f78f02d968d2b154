"""A run as the player keeps it: its spec, the frames so far, who watches, and how it stands."""

from __future__ import annotations

import asyncio
import enum
import logging
import secrets
import time
import zlib
from array import array

from normviz import messages
from normviz.frames import Recording, Schema
from normviz.spec import Spec

logger = logging.getLogger(__name__)

_GENERATIONS = 10_000_000  # first ones, of as many versions


class State(enum.Enum):
    """How a run stands."""

    IDLE = "idle"
    """Not computed now; the frames so far are kept.  Whoever comes to watch sets it going."""
    WAITING = "waiting"
    """In line."""
    LIVE = "live"
    DONE = "done"
    FAILED = "failed"


class DifferentFramesError(Exception):
    """Frames computed again are not those of the first time."""


class Run:
    """One spec, computed at most once at a time, watched by anybody.

    ``version`` is that of the engine: it decides what the frames are (``About.version``).
    """

    def __init__(self, spec: Spec, version: str = "") -> None:
        self.spec = spec
        self.text = spec.to_json()
        self.token = secrets.token_urlsafe(18)
        self.state = State.IDLE
        self.sentence = ""
        self.mendable = False
        """Of a failed run: another attempt might succeed."""
        self.recording: Recording | None = None
        self.replaced = 0
        """How often the recording was replaced by another one."""
        self._first = zlib.crc32(version.encode()) % _GENERATIONS
        self.number = 0
        """The present attempt; 0 if there is none."""
        self.pid = 0
        self.place = 0
        """Place in the engine's own line, from 1; 0 if it does not wait there."""
        self.resting = False
        """Live, but taking no processor time."""
        self.held = False
        """It rests or waits although it is watched: other runs of its visitors come first."""
        self.adopted = False
        """It was made beforehand."""
        self.deaths = 0
        self.losses = 0
        self.left = time.monotonic()
        """When it was last asked for or watched."""
        self.asked = 0.0
        """When its first frame was asked for; 0 once it has come."""
        self.began = 0.0
        """When it was last set going; 0 before."""
        self.arrivals = array("d")
        """When each frame came, by the monotonic clock; 0 for those of a recording made before."""
        self.watches: set[Watch] = set()
        self.opener: Watch | None = None
        """Who has asked for it just now and does not watch yet."""
        self._digest = messages.Digest()
        self._unproven = 0

    @property
    def generation(self) -> int:
        """Names the recording, so that frames of two are never mixed.

        It differs after a replacement, and on a server that computes by another version: somebody who was
        here before that server was started may come back with frames of the old one.
        """
        return self._first + self.replaced

    @property
    def frames(self) -> int:
        """Frames so far."""
        return len(self.recording) if self.recording is not None else 0

    @property
    def nbytes(self) -> int:
        """Bytes of the frames so far."""
        return self.recording.nbytes if self.recording is not None else 0

    @property
    def eyes(self) -> set[Watch]:
        """Those for whom it is computed: who watches, else who has just asked for it."""
        return self.watches or ({self.opener} if self.opener else set())

    @property
    def standing(self) -> State:
        """Its state as it seems from outside: what waits in the engine's line waits."""
        return State.WAITING if self.place else self.state

    @property
    def ended(self) -> bool:
        """Nothing more will come by itself."""
        return self.state in (State.DONE, State.FAILED)

    def leave(self, state: State, sentence: str = "", *, mendable: bool = False) -> None:
        """End the present attempt."""
        self.state, self.sentence, self.mendable = state, sentence, mendable
        self.number = self.pid = self.place = 0
        self.resting = self.held = False
        self.changed()

    def attempt(self, number: int) -> int:
        """Begin an attempt; returns how many frames it may leave out."""
        self.state, self.number, self.place = State.LIVE, number, 0
        self.resting = self.held = False
        self._unproven = self.frames
        self.changed()
        return self.frames

    def forget(self) -> None:
        """Let go of the frames.  The same spec gives the same ones again."""
        self.recording, self.adopted = None, False
        self.arrivals = array("d")
        self._digest = messages.Digest()
        if self.state is State.DONE:
            self.state = State.IDLE

    def adopt(self, recording: Recording) -> None:
        """Take a recording made before as this run's, whole."""
        self.recording, self.state, self.adopted = recording, State.DONE, True
        self.arrivals = array("d", bytes(8 * len(recording)))
        for k in range(len(recording)):
            self._digest.add(recording.data(k))

    def replace(self) -> None:
        """Let go of the frames because those that come next are others."""
        self.forget()
        self.replaced += 1

    def changed(self) -> None:
        """Wake whoever watches."""
        for watch in self.watches:
            watch.event.set()

    # --- what the engine tells --------------------------------------------------------------------

    def take(self, message: messages.Message) -> None:
        """Take in a message of the present attempt, all kinds but ENDED.

        Raises:
            DifferentFramesError: it contradicts what is recorded.
        """
        if message.kind == messages.FRAME:
            self._take_frame(message.payload)
        elif message.kind == messages.SCHEMA:
            self._take_schema(message.payload.decode())
        elif message.kind == messages.SKIPPED:
            if message.told["digest"] != self._digest.hex:
                raise DifferentFramesError
            self._unproven = 0
        elif message.kind == messages.BEGAN:
            self.pid = message.told["pid"]
        elif message.kind == messages.PLACE:
            self.place = message.told["place"]
            self.changed()

    def prove(self) -> None:
        """Make sure that the attempt has computed again what was recorded before it.

        Raises:
            DifferentFramesError: it has not.
        """
        if self._unproven:
            raise DifferentFramesError

    def _take_schema(self, text: str) -> None:
        schema = Schema.from_json(text)
        if self.recording is None:
            self.recording = Recording(schema)
        elif self.recording.schema.to_json() != schema.to_json():
            raise DifferentFramesError
        self.changed()

    def _take_frame(self, data: bytes) -> None:
        self.prove()
        if self.recording is None:
            raise messages.ProtocolError("a frame before the schema")
        self._digest.add(data)
        self.recording.append(data)
        self.arrivals.append(time.monotonic())
        self.changed()


class Watch:
    """Somebody's eye on a run; lives in the event loop."""

    def __init__(self, run: Run, visitor: str, number: int) -> None:
        self.run, self.visitor = run, visitor
        self.number = number
        """Rises with each eye that opens."""
        self.owed = False
        """There are frames on their way to it, or an end that it was not told yet."""
        self.event = asyncio.Event()
        self.event.set()

    async def changed(self) -> None:
        """Wait until the run has changed since the last call."""
        await self.event.wait()
        self.event.clear()
