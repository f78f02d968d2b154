"""The engine on many machines: runs are jobs of RQ, their frames come by Redis (``normviz.store``).

Any number of web processes ("replicas") share the workers (``normviz.lab.cluster``).  A spec is one job,
whichever replica asks for it, and one recording, which every replica reads from any frame on.  A replica says
every second which runs it wants and which of them its visitors look at; a run goes on while one wants it.

Two loops do everything: one speaks (asks for jobs, says what is wanted, notices runs that nobody computes any
more), one reads (a single blocking XREAD over the streams of all runs).  Both go on where they were when
Redis comes back.  Only workers of this program's source are used, and of one processor and one torch.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any
from uuid import uuid4

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from normviz import messages
from normviz.player.engines import Tell
from normviz.player.followings import Following
from normviz.player.hosts import EngineError
from normviz.player.settings import Settings
from normviz.store import recordings, scripts
from normviz.store.recordings import Entry
from normviz.versions import About, source_hash

logger = logging.getLogger(__name__)

_BEAT = 1.0  # seconds between two words about what is wanted
_GONE = 1.0  # seconds after which a run counts as lost that neither waits nor is computed
_BACK = 3.0  # seconds in which workers are found to be at work again after Redis was away
_BLOCK = 2000  # milliseconds of one read; a new run interrupts it
_AT_ONCE = 64  # entries of one stream in one answer
_TIMEOUT = 8.0  # seconds; longer than a read blocks
_WAIT = 0.5  # seconds between two tries to reach Redis

Turn = Callable[[], Awaitable[None]]


class ClusterEngine:
    """Follows runs that workers elsewhere compute (see ``engines.Engine``)."""

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings, self._tell = settings, tell
        self._place, self._keep = settings.server.place, settings.redis_keep * 1000
        self._replica = uuid4().hex
        self._bell = f"normviz:replica:{self._replica}"  # a stream of our own: an entry ends a blocking read
        self._rung = "0-0"
        self._followed: dict[int, Following] = {}
        self._left: list[Following] = []
        self._about: About | None = None
        self._source = ""
        self._workers: Counter[About] = Counter()
        self._reached: bool | None = None
        self._waiting = 0
        self._looked = 0.0
        self._wake, self._found = asyncio.Event(), asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._closing = False

    @property
    def about(self) -> About | None:
        """See ``Engine``: the version of the workers that are used."""
        return self._about

    @property
    def able(self) -> bool:
        """See ``Engine``: Redis answers and there are workers."""
        return bool(self._reached and self._about and self._workers[self._about])

    @property
    def waiting(self) -> int:
        """See ``Engine``: the length of the queue, as of the last look."""
        return self._waiting

    async def start(self) -> About:
        """See ``Engine``.  Waits for Redis and for a worker, however long."""
        try:
            self._source = await asyncio.to_thread(source_hash, self._settings.experiments)
            options = await asyncio.to_thread(self._settings.server.options)
        except (OSError, ImportError) as error:
            raise EngineError(f"The cluster's engine cannot start: {error}") from error
        once = Retry(NoBackoff(), 1)  # a connection that a restart of Redis has broken
        options |= {"socket_timeout": _TIMEOUT, "socket_connect_timeout": 3, "retry": once}
        # The clients' own types tell of all their modes at once, so they tell nothing.
        self._redis: Any = redis.asyncio.Redis(**options)
        self._asking: Any = redis.Redis(**options)
        self._want = self._redis.register_script(scripts.WANT)
        self._living = self._redis.register_script(scripts.LIVING)
        self._loops = [asyncio.create_task(self._always(turn)) for turn in (self._speak, self._read)]
        await self._found.wait()
        assert self._about
        return self._about

    def run(self, number: int, text: str, skip: int) -> None:
        """See ``Engine``."""
        assert self._about
        self._followed[number] = Following(number, text, skip, self._about.version)
        self._wake.set()

    def cancel(self, number: int) -> None:
        """See ``Engine``.  The run goes on if another replica wants it."""
        if following := self._followed.pop(number, None):
            self._left.append(following)
            self._wake.set()

    def rest(self, number: int, resting: bool) -> None:
        """See ``Engine``.  The run rests if it does so for every replica."""
        if following := self._followed.get(number):
            following.resting, following.changed = resting, True
            self._wake.set()

    def report(self) -> dict[str, object]:
        """See ``Engine``."""
        about = self._about
        return {
            "redis": self._place,
            "reached": bool(self._reached),
            "source": self._source[:12],
            "workers": self._workers[about] if about else 0,
            "other_workers": sum(self._others.values()),
            "others": [
                {"workers": n, "source": one.source[:12], "torch": one.torch, "cpu": one.cpu}
                for one, n in self._others.most_common()
            ],
            "runs": len(self._followed),
            "waiting": self._waiting,
        }

    @property
    def _others(self) -> Counter[About]:
        """Workers that are not used, by version."""
        return Counter({one: n for one, n in self._workers.items() if one != self._about})

    async def close(self) -> None:
        """See ``Engine``."""
        if not self._loops:
            return
        self._closing = True
        self._wake.set()
        with contextlib.suppress(redis.RedisError, OSError, TimeoutError):
            async with asyncio.timeout(2):
                await self._ring()
        # A read that is cancelled leaves its connection open for a while, so the loops may end by themselves.
        _, late = await asyncio.wait(self._loops, timeout=2)
        for loop in late:
            loop.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._left += self._followed.values()
        self._followed.clear()
        with contextlib.suppress(redis.RedisError, OSError, TimeoutError):
            async with asyncio.timeout(2):  # else our word ends by itself
                await self._leave()
        await self._redis.aclose()
        self._asking.close()

    # --- the two loops ----------------------------------------------------------------------------

    async def _always(self, turn: Turn) -> None:
        while not self._closing:
            try:
                await turn()
                self._reach(turn, True)
            except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
                self._reach(turn, False, error)
                await asyncio.sleep(_WAIT)
            except Exception:
                logger.exception("following the runs failed; it is tried again")
                await asyncio.sleep(_WAIT)

    def _reach(self, turn: Turn, reached: bool, error: Exception | None = None) -> None:
        """Note whether Redis answers.  Both loops would notice, not at once; the one that speaks tells."""
        if turn != self._speak or reached is self._reached:
            return
        if reached and self._reached is False:
            logger.warning("Redis at %s answers again", self._place)
        elif not reached:
            logger.error("Redis at %s does not answer; it is tried again: %s", self._place, error)
        self._reached = reached

    async def _speak(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BEAT):
                await self._wake.wait()
        self._wake.clear()
        if self._reached is False:
            for following in self._followed.values():
                following.seen = time.monotonic() + _BACK
        await self._leave()
        due = time.monotonic() - self._looked > 0.9 * _BEAT
        if due:
            self._looked = time.monotonic()
            self._choose(await self._living(keys=[recordings.WORKERS], args=[]))
            if self._about:
                self._waiting = await self._redis.llen(_queued(recordings.queue_name(self._about.version)))
        joined = False
        for following in list(self._followed.values()):
            if not following.heard:
                await self._join(following)
                joined = True
            elif due or following.changed:
                await self._look(following)
        if joined:
            await self._ring()

    async def _ring(self) -> None:
        """End the read that is going on, so that the next one sees what has changed."""
        await self._redis.xadd(self._bell, {"": ""}, maxlen=1)
        await self._redis.expire(self._bell, 60)

    async def _read(self) -> None:
        followed = [following for following in self._followed.values() if following.heard]
        places: dict[Any, Any] = {self._bell: self._rung}
        for following in followed:
            places[following.keys.frames], places[following.keys.attempts] = following.at, following.heard
        answer = dict(await self._redis.xread(places, count=_AT_ONCE, block=_BLOCK))
        if rung := answer.get(self._bell.encode()):
            self._rung = rung[-1][0].decode()
        for following in followed:
            frames = answer.get(following.keys.frames.encode(), [])
            for entry in _entries(frames):
                self._pass_on(following, following.read(entry))
            if len(frames) < _AT_ONCE:  # nothing that was written before the attempt ended is still to come
                for entry in _entries(answer.get(following.keys.attempts.encode(), [])):
                    self._pass_on(following, following.hear(entry))

    def _pass_on(self, following: Following, told: Iterable[messages.Message]) -> None:
        """Tell the player; what it hears may make it cancel the run."""
        for message in told:
            if self._followed.get(following.number) is not following:
                return
            if message.kind == messages.ENDED:
                self._left.append(self._followed.pop(following.number))
                self._wake.set()
            self._tell(message)

    # --- runs -------------------------------------------------------------------------------------

    async def _join(self, following: Following) -> None:
        """Begin to follow a run, and ask for it unless it is there already."""
        await self._say(following)
        heard = "0-0"
        for entry in _entries(await self._redis.xrevrange(following.keys.attempts, count=1)):
            heard = entry.place
            if entry.kind == messages.BEGAN:
                self._pass_on(following, following.hear(entry))
        if not await self._whole(following):
            await asyncio.to_thread(self._ask, following)
        following.seen, following.heard = time.monotonic(), heard

    async def _look(self, following: Following) -> None:
        """Repeat that a run is wanted, and see whether somebody computes it."""
        await self._say(following)
        keys = following.keys
        index = await self._redis.lpos(_queued(following.queue), following.job)
        self._pass_on(following, following.wait(index))
        now = time.monotonic()
        if index is not None or await self._redis.exists(keys.lease, keys.asked):
            following.seen = max(now, following.seen)
        elif now - following.seen > _GONE and not await self._whole(following):
            lost = {"status": messages.LOST, "sentence": "no worker computes it any more"}
            self._pass_on(following, [following.tell(messages.ENDED, **lost)])

    async def _whole(self, following: Following) -> bool:
        """The recording has its end.  One that ends before what we have read is another one."""
        for entry in _entries(await self._redis.xrevrange(following.keys.frames, count=1)):
            if entry.kind == messages.ENDED:
                if entry.frame < following.frame:
                    told = following.tell(messages.SKIPPED, digest=entry.mark)
                    self._pass_on(following, [told])
                return True
        return False

    async def _say(self, following: Following) -> None:
        """Say that we want a run, and at once to its worker if that is new."""
        keys, new = following.keys, following.changed or not following.heard
        following.changed = False
        await self._want(
            keys=[keys.wanted, keys.awake, keys.frames, keys.attempts],
            args=[self._replica, int(not following.resting), recordings.INTEREST, self._keep],
        )
        if new:
            await self._redis.publish(recordings.NUDGES, keys.key)

    async def _leave(self) -> None:
        """Take back our word about runs that we follow no more."""
        while self._left:
            left, keys = self._left[0], self._left[0].keys
            if all(keys.key != following.keys.key for following in self._followed.values()):
                await self._redis.zrem(keys.wanted, self._replica)
                await self._redis.zrem(keys.awake, self._replica)
                await self._redis.publish(recordings.NUDGES, keys.key)
                if left.place and not await self._redis.zcard(keys.wanted):
                    await asyncio.to_thread(self._withdraw, left)
            self._left.pop(0)

    @contextlib.contextmanager
    def _queue(self, following: Following) -> Iterator[Queue]:
        """The queue of a run's job, for whoever alone may change what is there of it."""
        with self._asking.lock(following.keys.lock, timeout=10, blocking_timeout=5):
            yield Queue(following.queue, connection=self._asking, serializer=JSONSerializer)

    def _withdraw(self, following: Following) -> None:
        """Take a run's job out of the queue, so that it holds no place there."""
        with self._queue(following) as queue:
            if queue.get_job_position(following.job) is not None and (job := queue.fetch_job(following.job)):
                job.delete()

    def _ask(self, following: Following) -> None:
        """Put the run's job into the queue, unless it is there or is computed."""
        keys = following.keys
        with self._queue(following) as queue:
            waits = queue.get_job_position(following.job) is not None
            if waits or self._asking.exists(keys.lease, keys.asked):
                return
            if left := queue.fetch_job(following.job):  # by a worker that died
                left.delete()
            self._asking.set(keys.asked, "", px=recordings.ASKED)
            queue.enqueue_call(
                recordings.COMPUTE, (keys.key, following.text), job_id=following.job, timeout=-1,
                result_ttl=0, failure_ttl=60, description=following.job,
            )  # fmt: skip

    # --- workers ----------------------------------------------------------------------------------

    def _choose(self, members: list[bytes]) -> None:
        """Choose which workers compute: of our source, and those that most of them agree with."""
        told = [json.loads(member) for member in members]
        there = Counter(
            About("redis", one["torch"], one["cpu"], one["source"], tuple(one["devices"])) for one in told
        )
        fitting = sorted(
            (about for about in there if about.source == self._source),
            key=lambda about: (about != self._about, -there[about], about.version),
        )
        for about in set(there) - set(self._workers) - set(fitting[:1]):
            logger.warning(
                "workers of another version are not used: source %.12s (ours: %.12s), torch %s, %s",
                about.source, self._source, about.torch, about.cpu,
            )  # fmt: skip
        self._workers = there
        if fitting and fitting[0] != self._about:
            self._about = fitting[0]
            logger.info("runs are computed by torch %s on %s", self._about.torch, self._about.cpu)
        if self._about:
            self._found.set()


def _queued(name: str) -> str:
    """The key of a queue's list."""
    return Queue.redis_queue_namespace_prefix + name


def _entries(told: Iterable[Any]) -> Iterable[Entry]:
    return (Entry.read(place, fields) for place, fields in told)
