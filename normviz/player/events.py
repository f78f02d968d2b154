"""What happens to runs: each event is counted and written into the log.

The log's lines take their facts from one mapping, which is also what the JSON form of the log has as fields
(``normviz.ui.logs``).  A run is named by the beginning of its spec's key; nothing tells who asked for it.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from prometheus_client import Counter

from normviz import messages
from normviz.player.meters import Meters
from normviz.player.runs import Run, State
from normviz.spec import Spec

logger = logging.getLogger(__name__)

_MINUTE = 60.0
_ENDS = {State.DONE: "done", State.FAILED: "failed", State.IDLE: "stopped"}


class Events:
    """Tells the log and the meters."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._told = time.monotonic()
        self._refused = (0, 0)

    def refused(self, spec: Spec) -> None:
        """A spec costs too much.  The log has such refusals by the minute (`tell_refusals`)."""
        self._meters.refused_specs.labels(spec.name).inc()

    def asked(self, run: Run) -> None:
        """Somebody wants a run that is not computed now."""
        run.asked = 0.0 if run.frames else time.monotonic()

    def started(self, run: Run) -> None:
        """A run is set going."""
        run.began = time.monotonic()
        self._meters.runs_started.labels(run.spec.name).inc()
        told = {"event": "run_started", **_facts(run)}
        logger.info("run %(run)s of %(experiment)s is set going at frame %(frames)d", told)

    def took_frame(self, run: Run) -> None:
        """A frame has come."""
        self._meters.frames_received.inc()
        if run.asked:
            self._meters.first_frame.labels(run.spec.name).observe(time.monotonic() - run.asked)
            run.asked = 0.0

    def differs(self, run: Run) -> None:
        """A run comes out differently than the first time."""
        told = {"event": "run_differs", **_facts(run)}
        logger.warning("run %(run)s came out differently the second time; it is replaced", told)

    def broke_off(self, run: Run, status: str, sentence: str) -> None:
        """An attempt has ended without an end of the run."""
        how = "died" if status == messages.DIED else "lost"
        self._meters.run_deaths.labels(run.spec.name, how).inc()
        told = {"event": f"run_{how}", **_facts(run), "reason": sentence}
        logger.warning("run %(run)s broke off at frame %(frames)d: %(reason)s", told)

    def restarted(self, run: Run) -> None:
        """A run that broke off is set going again."""
        told = {"event": "run_restarted", **_facts(run), "attempt": run.deaths + run.losses + 1}
        logger.info("run %(run)s is set going again (attempt %(attempt)d)", told)

    def ended(self, run: Run, state: State, sentence: str) -> None:
        """A run is done, has failed or is stopped."""
        end = _ENDS[state]
        self._meters.runs_ended.labels(run.spec.name, end).inc()
        told = {"event": f"run_{end}", **_facts(run), "bytes": run.nbytes}
        line = f"run %(run)s of %(experiment)s is {end} with %(frames)d frames after %(seconds).1f s"
        if state is State.FAILED:
            logger.warning(line + ": %(reason)s", {**told, "reason": sentence})
        else:
            logger.info(line, told)

    def tell_refusals(self) -> None:
        """Once a minute at most, say how many connections and runs were refused since the last time."""
        now = time.monotonic()
        if now - self._told < _MINUTE:
            return
        refused = (_total(self._meters.refused_connections), _total(self._meters.refused_specs))
        connections, runs = (after - before for after, before in zip(refused, self._refused, strict=True))
        self._told, self._refused = now, refused
        if connections or runs:
            told = {"event": "refused", "connections": connections, "runs": runs}
            logger.warning(
                "refused since: %(connections)d connections, %(runs)d runs that cost too much", told
            )


def _facts(run: Run) -> dict[str, Any]:
    seconds = time.monotonic() - run.began if run.began else 0.0
    return {
        "run": run.spec.key[:8],
        "experiment": run.spec.name,
        "frames": run.frames,
        "seconds": round(seconds, 3),
    }


def _total(counter: Counter) -> int:
    (family,) = counter.collect()
    return int(sum(sample.value for sample in family.samples if sample.name.endswith("_total")))
