"""A worker of RQ that computes runs: one process, one run at a time, in a forked work-horse.

What it changes about RQ's own worker:

- It has one thread, so that it may fork, and the kernel ends its work-horse with it.  RQ's commands (stop a
  job, shut down) are read from its channel by the loop that waits for the work-horse.
- It holds the lease of its attempt, looks every half second whether anybody still wants the run, lets it rest
  while nobody looks at it, and ends it soon after nobody wants it (see ``normviz.store.recordings``).
- A run that neither uses processor time nor writes a frame hangs (``normviz.pulses``): it is ended like one
  whose process died.
- It calls one function only, whatever stands in the queue.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import time
from types import FrameType
from typing import Any, NoReturn
from uuid import uuid4

from rq import Queue, Worker
from rq.exceptions import DeserializationError, StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty, HorseMonitorTimeoutException
from rq.worker.base import WorkerStatus

from normviz import messages
from normviz.lab import groups, horses, processes, runs
from normviz.phrases import to_plain
from normviz.pulses import HUNG, LOOKS, Vigil
from normviz.store import recordings, scripts
from normviz.versions import About

logger = logging.getLogger(__name__)

_BEAT = 0.5  # seconds between two looks at a run
_UNWANTED = 2.0  # seconds; replicas that come back after a restart of Redis repeat their word within one
_RUN = 1  # its number for the vigil: a worker computes one at a time
_ALIVE = 5.0  # seconds between two words that this worker is there


class _NoPenalty(BaseDeathPenalty):
    """RQ's limit of time is an alarm that interrupts anything; here the kernel limits processor time."""

    def setup_death_penalty(self) -> None:
        """Nothing."""

    def cancel_death_penalty(self) -> None:
        """Nothing."""


class RunWorker(Worker):
    """Takes jobs of one version and computes their runs."""

    death_penalty_class = _NoPenalty
    max_connection_wait_time = 2.0

    def __init__(
        self, connection: Any, about: About, limits: groups.Limits, keep: int, silence: float
    ) -> None:
        queue = Queue(recordings.queue_name(about.version), connection=connection, serializer=JSONSerializer)
        super().__init__(
            [queue], connection=connection, serializer=JSONSerializer, worker_ttl=20,
            job_monitoring_interval=10, log_job_description=False,
            name=f"{os.uname().nodename}-{uuid4().hex[:8]}",
        )  # fmt: skip
        self._about, self._limits, self._keep, self._silence = about, limits, keep, silence
        self._there = connection.register_script(scripts.LIVING)
        self._take, self._hold, self._release = (
            connection.register_script(script) for script in (scripts.TAKE, scripts.HOLD, scripts.RELEASE)
        )
        self._said = 0.0  # when it last said that it is there
        self._keys = recordings.Keys("")
        self._attempt = ""
        self._word: dict[str, Any] | None = None
        self._looked = 0.0  # when it last looked who wants the run, and saw that somebody does
        self._wanted = 0.0
        self._resting = False
        self._vigil = Vigil()
        self._written = 0  # entries of the recording
        self._listened = 0.0  # when it last looked for a sign of life
        self._hung = False

    # --- without a thread -------------------------------------------------------------------------

    def subscribe(self) -> None:
        """Listen to RQ's commands, and to replicas that change their mind about a run."""
        self.pubsub = self.connection.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        channels = {self.pubsub_channel_name: self.handle_payload, recordings.NUDGES: self._take_nudge}
        self.pubsub.subscribe(**channels)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Tell RQ and the replicas that this worker is there; heed what it was told meanwhile."""
        super().heartbeat(timeout, pipeline)
        if self.is_horse:  # the channel is its worker's
            return
        while self.pubsub and self.pubsub.get_message(timeout=0):
            pass
        if time.monotonic() - self._said > _ALIVE:
            self._say(recordings.SEEN)

    def _say(self, lasting: int) -> None:
        about = {"name": self.name, "torch": self._about.torch, "cpu": self._about.cpu}
        member = json.dumps({**about, "source": self._about.source, "devices": self._about.devices})
        self._there(keys=[recordings.WORKERS], args=[member, lasting])
        self._said = time.monotonic()

    def register_death(self) -> None:
        """Tell everybody that this worker leaves."""
        super().register_death()  # type: ignore[no-untyped-call]
        self._say(0)

    # --- one job ----------------------------------------------------------------------------------

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Compute a run in a work-horse, and say how the attempt ended if that is not in the recording."""
        if not _is_run(job):
            logger.warning("the job %s is refused: it is no run", job.id)
            self.handle_job_failure(job, queue, exc_string="Workers call nothing but runs.")
            return
        self._keys, self._word = recordings.Keys(job.args[0]), None
        self._looked = self._wanted = 0.0
        self._resting, self._stopped_job_id = False, None
        self._hung, self._listened = False, time.monotonic()
        super().execute_job(job, queue)
        if self._word is None:
            self._word = _lost(f"a process of worker {self.name} ended without a word")
        told = json.dumps(self._word) if self._word else ""  # else the recording says it
        self._release(
            keys=[self._keys.lease, self._keys.attempts],
            args=[self._attempt, bytes([messages.ENDED]), told, self._keep],
        )

    def prepare_execution(self, job: Job) -> Execution:
        """Take the lease of the run."""
        execution: Execution = super().prepare_execution(job)
        self._attempt = execution.id
        self._take(keys=[self._keys.lease, self._keys.asked], args=[self._attempt, recordings.LEASE])
        return execution

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Make the process that computes."""
        if processes.threads() != 1:
            raise RuntimeError("this worker has more than one thread: it cannot fork safely")
        worker = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_horse(job, queue, worker)
        with contextlib.suppress(OSError):  # it may have done so itself, and even ended
            os.setpgid(pid, pid)
        self._horse_pid = pid
        self._vigil.begin(_RUN, pid)
        self._tell_began(pid)

    def _tell_began(self, pid: int) -> None:
        payload = json.dumps({"pid": pid})
        began: Any = {"kind": bytes([messages.BEGAN]), "payload": payload, "mark": self._attempt}
        with self.connection.pipeline() as pipeline:
            pipeline.xadd(self._keys.attempts, began, maxlen=20)
            pipeline.pexpire(self._keys.attempts, self._keep)
            pipeline.execute()

    def _become_horse(self, job: Job, queue: Queue, worker: int) -> NoReturn:
        """What the forked process does; it never returns to the worker's loop."""
        try:
            processes.end_with(worker)
            os.setpgid(0, 0)
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 0)
            os.dup2(2, 1)
            groups.confine(self._limits)
            horses.attempt = horses.Attempt(self.connection, self._keys.key, self._attempt, self._keep)
            self.main_work_horse(job, queue)
        finally:
            os._exit(1)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """In the work-horse: compute, and let the worker know at once how it went."""
        done: bool = super().perform_job(job, queue, execution)
        if horses.attempt and horses.attempt.word is not None:
            told = {"command": "ended", "word": horses.attempt.word}
            self.connection.publish(self.pubsub_channel_name, json.dumps(told))
        return done

    def _take_nudge(self, message: Any) -> None:
        if message["data"].decode() == self._keys.key:
            self._looked = 0.0

    def handle_payload(self, message: Any) -> None:
        """Heed a command of RQ's, or the last word of the work-horse."""
        told = json.loads(message["data"])
        if told["command"] == "ended":
            self._word = told["word"]
        else:
            super().handle_payload(message)  # type: ignore[no-untyped-call]

    # --- while it computes ------------------------------------------------------------------------

    def wait_for_horse(self) -> tuple[int, int, Any]:
        """Wait for the end of the work-horse, for half a second or a message, and clean up behind it.

        Raises:
            HorseMonitorTimeoutException: it goes on.
        """
        if self.pubsub and self._word is None:
            self.pubsub.get_message(timeout=min(_BEAT, self._silence / LOOKS))
        patience = os.WNOHANG if self._word is None else 0  # one that has said its last word ends now
        if not os.waitid(os.P_PID, self._horse_pid, os.WEXITED | os.WNOWAIT | patience):
            raise HorseMonitorTimeoutException
        groups.tell(self._horse_pid, signal.SIGKILL)
        ended = os.wait4(self._horse_pid, 0)
        groups.reap(self._horse_pid)
        self._vigil.end(_RUN)
        return ended

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Renew the lease, do with the run what its replicas want, and end it if it hangs."""
        now = time.monotonic()
        if now - self._listened >= self._silence / LOOKS:
            self._listened = now
            if self._vigil.look():
                self._hung = True
                self.kill_horse()
                return
        if now - self._looked < 0.9 * _BEAT:
            return
        self._looked = now
        holds, wanted, awake, written = self._hold(
            keys=[self._keys.lease, self._keys.wanted, self._keys.awake, self._keys.frames],
            args=[self._attempt, recordings.LEASE],
        )
        if written != self._written:
            self._written = written
            self._vigil.count(_RUN)
        if wanted:
            self._wanted = now
        if not holds or now - self._wanted > _UNWANTED:
            self._stopped_job_id = job.id
            self.kill_horse()
        elif bool(awake) == self._resting:
            self._resting = not awake
            self._vigil.rest(_RUN, self._resting)
            groups.tell(self._horse_pid, signal.SIGSTOP if self._resting else signal.SIGCONT)
        if now - self._said > _ALIVE:
            super().maintain_heartbeats(job, execution)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """End the work-horse and its workers at once."""
        groups.tell(self._horse_pid, sig)

    def _handle_stopped_job(self, job: Job, queue: Queue, execution: Execution) -> None:
        """RQ keeps a stopped job as a failed one; here nobody asks for it again."""
        self._word = {"status": messages.STOPPED, "sentence": ""}
        self._stopped_job_id = None
        with self.connection.pipeline() as pipeline:
            self.cleanup_execution(job, pipeline=pipeline, execution=execution)
            pipeline.execute()
        job.delete()

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: Any) -> None:
        """A work-horse that ended without a word: by a signal, or by leaving."""
        code = os.waitstatus_to_exitcode(ret_val)
        how = signal.Signals(-code).name if code < 0 else code
        sentence = f"process {retpid} of worker {self.name} ended with {how}"
        if code == -signal.SIGXCPU:
            self._word = {"status": messages.FAILED, "sentence": to_plain(runs.OUT_OF_TIME)}
        elif self._stop_requested:
            self._word = _lost(sentence)
        elif self._hung:
            self._word = {"status": messages.DIED, "sentence": HUNG.format(self._silence)}
        else:
            self._word = {"status": messages.DIED, "sentence": sentence}

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Leave at once: another worker goes on with the run, and no frame is lost."""
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested
        self._stop_requested = True
        if self._horse_pid:
            self.kill_horse()


def _is_run(job: Job) -> bool:
    try:
        return bool(job.func_name == recordings.COMPUTE)
    except DeserializationError:
        return False


def _lost(sentence: str) -> dict[str, Any]:
    return {"status": messages.LOST, "sentence": sentence}
