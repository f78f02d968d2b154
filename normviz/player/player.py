"""The player: specs in, shared recordings out.

    open(spec) -> token        start the run or join it; from any thread
    recording(token)           the frames so far
    watch(run(token))          wakes at every change; in the event loop

One spec is one run, whoever asks (single flight): its key is the spec's and the engine's version.  A run
goes on while somebody watches; unwatched it rests, so that a visitor who tries one setting after the other
has one run at work.  Unwatched for the length of a lease it ends, its frames are kept, and it is computed on
when somebody returns: again from the spec, without sending what is known, and the known part is compared by
its digest.  In the same way a run whose process died is finished with the same frames.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from normviz import messages
from normviz.frames import Recording
from normviz.phrases import phrase
from normviz.player import kept
from normviz.player.costs import check_cost
from normviz.player.engines import Engine, Tell, engine_of
from normviz.player.events import Events
from normviz.player.lines import Line
from normviz.player.meters import Meters
from normviz.player.registry import Registry
from normviz.player.runs import DifferentFramesError, Run, State, Watch
from normviz.player.settings import MB, Settings
from normviz.spec import Spec, SpecError
from normviz.versions import About

logger = logging.getLogger(__name__)

_REST_AFTER = 1.0  # seconds unwatched; between its page and its stream a run is unwatched for a moment
_MOST_DEATHS = 3  # restarts of a run whose process died
_RELIEF = 4.0  # seconds; so long workers may need to leave a run and to begin another one
_MOST_LOSSES = 10  # restarts of a run whose process ended for another reason
_ENDED = phrase("The operator of this server has ended this run.")


class Player:
    """Runs, who watches them, and the engine that computes them.

    Raises:
        SpecError: (``open``) the run costs more than the settings allow.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        engine: Callable[[Settings, Tell], Engine] = engine_of,
    ) -> None:
        self.settings = settings or Settings()
        self.meters = Meters()
        self.draining = False
        """Newcomers should go elsewhere; whoever is here goes on."""
        self._events = Events(self.meters)
        self._engine = engine(self.settings, self._tell)
        self._numbers, self._eyes = count(1), count(1)
        self._known = Registry()
        self._live: dict[int, Run] = {}
        self._line = Line(self._live, self.settings.share)
        self._relieved = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the engine; return when it is warm.

        Raises:
            EngineError: it cannot compute.
        """
        await self._engine.start()
        self._adopt()
        self._loop = asyncio.get_running_loop()
        self._sweeper = asyncio.create_task(self._sweep())

    def _adopt(self) -> None:
        """Have the recordings that were made beforehand."""
        about = self.about
        if not self.settings.recorded or about is None:
            return
        for spec, recording in kept.load(Path(self.settings.recorded), about.version):
            self._known.of(spec, about.version).adopt(recording)
        logger.info("%d recorded runs from %s", len(self._known), self.settings.recorded)

    async def close(self) -> None:
        """End all runs and the engine; return when no process is left."""
        self._loop = None
        if self._sweeper:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        for run in self._going():
            run.leave(State.IDLE)
        self._live.clear()
        self._line.clear()
        await self._engine.close()

    @property
    def about(self) -> About | None:
        """What computes here; None before the start."""
        return self._engine.about

    @property
    def running(self) -> bool:
        """It is started and not closed."""
        return self._loop is not None

    @property
    def able(self) -> bool:
        """It is running, and a run that comes now would begin at once."""
        return self.running and self._engine.able

    # --- for pages --------------------------------------------------------------------------------

    def open(self, spec: Spec, visitor: str = "") -> str:
        """Start the run of a spec or join it, for a visitor (see ``watch``); returns the token of its stream.

        Raises:
            SpecError: it costs more than this server allows.
        """
        loop, about = self._loop, self.about
        if loop is None or about is None:
            raise RuntimeError("the player is not running")
        try:
            check_cost(spec, self.settings)
        except SpecError:
            self._events.refused(spec)
            raise
        run = self._known.of(spec, about.version)
        loop.call_soon_threadsafe(self._asked, run, visitor)
        return run.token

    def recording(self, token: str) -> Recording | None:
        """The frames of a run so far; None if the token is unknown or there is no frame yet."""
        run = self.run(token)
        return run.recording if run else None

    def run(self, token: str) -> Run | None:
        """The run of a token."""
        return self._known.find(token)

    # --- for streams (in the event loop) ----------------------------------------------------------

    @contextlib.contextmanager
    def watch(self, run: Run, visitor: str = "") -> Iterator[Watch]:
        """Watch a run; as long as somebody does, it goes on.

        Of the runs that one visitor alone watches only some are computed at a time (``Settings.share``),
        those opened last; the others wait until one of these has ended, and give way to other visitors.
        Without a name everyone is another.
        """
        watch = Watch(run, visitor, next(self._eyes))
        run.watches.add(watch)
        run.opener = None
        self._known.touch(run)
        self._wanted(run)
        try:
            yield watch
        finally:
            run.watches.discard(watch)
            self._known.touch(run)
            self._settle()

    def place(self, run: Run) -> int:
        """Place in line, from 1; 0 if the run does not wait, or only for others of its visitors.

        Whoever waits here comes behind all that wait in the engine's own line.
        """
        own = self._line.place(run)
        return own + self._engine.waiting if own else run.place

    async def finished(self, token: str) -> Run:
        """Watch a run until it is done or failed.

        Raises:
            KeyError: no run has this token.
            RuntimeError: the player was closed before.
        """
        run = self.run(token)
        if run is None:
            raise KeyError(token)
        with self.watch(run) as watch:
            while not run.ended:
                if not self.running:
                    raise RuntimeError("the player is not running")
                await watch.changed()
        return run

    # --- for the operator -------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """The runs known, the one asked for last at the end; from any thread."""
        return self._known.all()

    def end(self, token: str) -> None:
        """End a run that waits or is computed; whoever watches it is told.  From any thread."""
        run, loop = self.run(token), self._loop
        if run and loop:
            loop.call_soon_threadsafe(self._end_by_hand, run)

    def _end_by_hand(self, run: Run) -> None:
        if run.state in (State.LIVE, State.WAITING):
            self._stop(run, State.FAILED, _ENDED, mendable=True)

    @property
    def attended(self) -> int:
        """Runs in progress that somebody watches or has just asked for, and finished ones that are still on
        their way to somebody.  In the event loop.
        """
        now = time.monotonic()
        going = {run.token: run for run in self._going()}
        asked = sum(bool(run.watches) or now - run.left <= _REST_AFTER for run in going.values())
        ended = (run for run in self.runs() if run.token not in going)
        return asked + sum(any(watch.owed for watch in run.watches) for run in ended)

    def report(self) -> dict[str, object]:
        """Facts for the operator; plain JSON values, nothing personal."""
        runs = self.runs()
        states = {state.value: sum(run.standing is state for run in runs) for state in State}
        return {
            "runs": states,
            "watching": sum(len(run.watches) for run in runs),
            "recordings_bytes": sum(run.nbytes for run in runs),
            "engine": self._engine.report(),
        }

    # --- starting ---------------------------------------------------------------------------------

    def _going(self) -> list[Run]:
        """All runs that are computed or wait."""
        return [*self._live.values(), *self._line]

    def _asked(self, run: Run, visitor: str) -> None:
        """A page has asked for a run; soon its stream will watch it."""
        if self._loop is not None:
            run.opener = Watch(run, visitor, next(self._eyes))
            self._wanted(run, anew=True)

    def _wanted(self, run: Run, *, anew: bool = False) -> None:
        """Set a run going if it stands; ``anew``: also one that failed and might succeed now."""
        if self._loop is None:
            return
        if run.state is State.IDLE or (anew and run.state is State.FAILED and run.mendable):
            run.deaths = run.losses = 0
            run.state = State.WAITING
            self._events.asked(run)
            self._line.join(run)
        self._settle()
        if not run.held:
            self._rest(run, False)

    def _settle(self) -> None:
        """Bring about what is fair now: who stands still, who begins, and who waits at which place."""
        if self._loop is None:
            return
        self._weigh()
        while (order := self._line.order()) and self._room():
            self._line.leave(order[0])
            self._events.started(order[0])
            self._attempt(order[0])
            self._weigh()
        for run in self._line.seat():
            run.changed()

    def _weigh(self) -> None:
        for run, held in list(self._line.held()):
            if run.held != held:
                run.held = held
                self._rest(run, held or not run.eyes)
                run.changed()

    def _room(self) -> bool:
        """Another run may be at work, if need be instead of one that stands still."""
        if len(self._live) < self.settings.runs:
            return True
        still = self._line.gives_way(self._live.values())
        if still:
            self._set_back(still)
        return still is not None

    def _set_back(self, run: Run) -> None:
        """Have a run at work wait in line again; if nobody looks at it, for somebody who does."""
        self._engine.cancel(run.number)
        del self._live[run.number]
        self._events.ended(run, State.IDLE, "")
        run.leave(State.WAITING if run.eyes else State.IDLE)
        if run.eyes:
            self._line.join(run)
            self._weigh()

    def _rest(self, run: Run, resting: bool) -> None:
        if run.number and run.resting != resting:
            run.resting = resting
            self._engine.rest(run.number, resting)

    def _attempt(self, run: Run) -> None:
        number = next(self._numbers)
        self._live[number] = run
        skip = run.attempt(number)
        self._engine.run(number, run.text, skip)

    def _end(self, run: Run, state: State, sentence: str = "", *, mendable: bool = False) -> None:
        self._live.pop(run.number, None)
        self._line.leave(run)
        self._events.ended(run, state, sentence)
        run.leave(state, sentence, mendable=mendable)
        self._settle()

    def _stop(self, run: Run, state: State, sentence: str = "", *, mendable: bool = False) -> None:
        if run.number:
            self._engine.cancel(run.number)
        self._end(run, state, sentence, mendable=mendable)

    # --- what the engine tells --------------------------------------------------------------------

    def _tell(self, message: messages.Message) -> None:
        run = self._live.get(message.run)
        if run is None:
            return  # of an attempt that is over
        try:
            if message.kind == messages.ENDED:
                self._ended(run, message.told["status"], message.told["sentence"])
            else:
                run.take(message)
                if message.kind == messages.FRAME:
                    self._events.took_frame(run)
        except DifferentFramesError:
            self._events.differs(run)
            self._engine.cancel(run.number)
            del self._live[run.number]
            run.replace()
            self._attempt(run)
            self._settle()
        if run.nbytes > self.settings.largest_recording * MB and run.state is State.LIVE:
            self._stop(run, State.FAILED, _too_long(self.settings.largest_recording))

    def _ended(self, run: Run, status: str, sentence: str) -> None:
        if status == messages.DONE:
            run.prove()
            self._end(run, State.DONE)
        elif status in (messages.DIED, messages.LOST):
            run.deaths += status == messages.DIED
            run.losses += status == messages.LOST
            self._events.broke_off(run, status, sentence)
            if run.deaths > _MOST_DEATHS or run.losses > _MOST_LOSSES:
                self._end(run, State.FAILED, _given_up(run.deaths + run.losses), mendable=True)
            else:
                del self._live[run.number]
                self._events.restarted(run)
                self._attempt(run)
                self._settle()
        else:
            self._end(run, State.FAILED, sentence, mendable=status != messages.FAILED)

    # --- leases and memory ------------------------------------------------------------------------

    async def _sweep(self) -> None:
        pause = min(1.0, self.settings.lease / 4)
        while True:
            slept = time.monotonic()
            await asyncio.sleep(pause)
            self.meters.loop_lag.observe(max(0.0, time.monotonic() - slept - pause))
            try:
                self._events.tell_refusals()
                self._end_leases()
                self._relieve()
                self._known.make_room(self.settings)
            except Exception:
                logger.exception("looking after the runs failed; it is tried again")

    def _end_leases(self) -> None:
        now = time.monotonic()
        for run in self._going():
            alone = 0.0 if run.watches else now - run.left
            if alone > self.settings.lease:
                self._stop(run, State.IDLE)
            elif alone > _REST_AFTER:
                run.opener = None
                self._rest(run, True)
        self._settle()

    def _relieve(self) -> None:
        """Where runs wait in the engine's own line, have those leave it and the workers that stand still."""
        for run in [run for run in self._live.values() if run.held and run.place]:
            self._set_back(run)
        now = time.monotonic()
        if not self._engine.waiting or now - self._relieved < _RELIEF:
            return
        for _ in range(self._engine.waiting):
            if still := self._line.gives_way(run for run in self._live.values() if not run.place):
                self._relieved = now
                self._set_back(still)
        self._settle()


def _given_up(times: int) -> str:
    return phrase(
        "This run was broken off {times} times without a reason that the server knows (often a lack of "
        "memory), so it is given up. Reload the page to try again, or choose a smaller run.",
        times=times,
    )


def _too_long(most: float) -> str:
    return phrase(
        "The recording of this run grew larger than this server allows ({most} MB). Record less often.",
        most=most,
    )
