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
from collections import OrderedDict
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
from normviz.player.meters import Meters
from normviz.player.registry import Registry
from normviz.player.runs import DifferentFramesError, Run, State, Watch
from normviz.player.settings import MB, Settings
from normviz.spec import Spec, SpecError
from normviz.versions import About

logger = logging.getLogger(__name__)

_REST_AFTER = 1.0  # seconds unwatched; between its page and its stream a run is unwatched for a moment
_MOST_DEATHS = 3  # restarts of a run whose process died
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
        self._line: OrderedDict[str, Run] = OrderedDict()  # by token
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
        for run in [*self._live.values(), *self._line.values()]:
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

    def open(self, spec: Spec) -> str:
        """Start the run of a spec or join it; returns the token of its stream.

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
        loop.call_soon_threadsafe(self._wanted, run, True)
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
        those opened last; the others rest until one of these has ended.  Without a name everyone is another.
        """
        watch = Watch(run, visitor, next(self._eyes))
        run.watches.add(watch)
        self._known.touch(run)
        self._wanted(run)
        self._deal(run)
        try:
            yield watch
        finally:
            run.watches.discard(watch)
            self._known.touch(run)
            self._deal(run, left=visitor)

    def place(self, run: Run) -> int:
        """Place in line, ours or the engine's, from 1; 0 if the run does not wait."""
        return next((n for n, token in enumerate(self._line, 1) if token == run.token), run.place)

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
        going = {run.token: run for run in (*self._live.values(), *self._line.values())}
        asked = sum(bool(run.watches) or now - run.left <= _REST_AFTER for run in going.values())
        ended = (run for run in self.runs() if run.token not in going)
        return asked + sum(any(watch.owed for watch in run.watches) for run in ended)

    def report(self) -> dict[str, object]:
        """Facts for the operator; plain JSON values, nothing personal."""
        runs = self.runs()
        states = {state.value: sum(run.state is state for run in runs) for state in State}
        return {
            "runs": states,
            "watching": sum(len(run.watches) for run in runs),
            "recordings_bytes": sum(run.nbytes for run in runs),
            "engine": self._engine.report(),
        }

    # --- starting ---------------------------------------------------------------------------------

    def _wanted(self, run: Run, anew: bool = False) -> None:
        """Set a run going if it stands; ``anew``: also one that failed and might succeed now."""
        if self._loop is None:
            return
        if run.state is State.IDLE or (anew and run.state is State.FAILED and run.mendable):
            run.deaths = run.losses = 0
            run.state = State.WAITING
            self._events.asked(run)
            self._line[run.token] = run
        if not run.held:
            self._rest(run, False)
        self._fill()

    def _fill(self) -> None:
        moved = False
        while self._line and len(self._live) < self.settings.runs:
            _, run = self._line.popitem(last=False)
            self._events.started(run)
            self._attempt(run)
            moved = True
        if moved:
            for run in self._line.values():
                run.changed()

    def _rest(self, run: Run, resting: bool) -> None:
        if run.number and run.resting != resting:
            run.resting = resting
            self._engine.rest(run.number, resting)

    def _deal(self, run: Run, left: str = "") -> None:
        """Let a run, and those that its visitors watch besides, go on or wait for each other."""
        visitors = {left, *(watch.visitor for watch in run.watches)} - {""}
        others = (one for one in self._live.values() if any(eye.visitor in visitors for eye in one.watches))
        for one in {run, *others}:
            self._weigh(one)

    def _weigh(self, run: Run) -> None:
        held = bool(run.watches and run.number) and all(map(self._behind, run.watches))
        if run.held != held:
            run.held = held
            self._rest(run, held)
            run.changed()

    def _behind(self, watch: Watch) -> bool:
        """Its visitor has opened as many other runs since as are computed at a time."""
        later = {
            run.token
            for run in self._live.values()
            for other in run.watches
            if other.visitor == watch.visitor and other.number > watch.number and run is not watch.run
        }
        return bool(watch.visitor) and len(later) >= self.settings.share

    def _attempt(self, run: Run) -> None:
        number = next(self._numbers)
        self._live[number] = run
        skip = run.attempt(number)
        self._engine.run(number, run.text, skip)
        self._deal(run)

    def _end(self, run: Run, state: State, sentence: str = "", *, mendable: bool = False) -> None:
        self._live.pop(run.number, None)
        self._line.pop(run.token, None)
        self._events.ended(run, state, sentence)
        run.leave(state, sentence, mendable=mendable)
        self._fill()
        self._deal(run)

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
                self._known.make_room(self.settings)
            except Exception:
                logger.exception("looking after the runs failed; it is tried again")

    def _end_leases(self) -> None:
        now = time.monotonic()
        for run in [*self._live.values(), *self._line.values()]:
            alone = 0.0 if run.watches else now - run.left
            if alone > self.settings.lease:
                self._stop(run, State.IDLE)
            elif alone > _REST_AFTER:
                self._rest(run, True)


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
