"""What a server has done so far, counted where it happens; the numbers say nothing of anybody.

Each player has meters of its own, in a registry of its own (``prometheus_client``), so that two players in
one process do not add up.  Labels are bounded: experiments, and the words below.  How things stand *now*
(runs, visitors, memory) is not counted here but looked at when somebody asks (``normviz.ui.metrics``).
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Meters:
    """Counters and distributions of one player and of the streams that it feeds.

    Units:
        Times are in seconds.  ``frame_latency`` is the time from a frame's arrival in this process until it
        is handed to the connection of a client that was there already; of each message, its oldest frame.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.runs_started = self._counter("runs_started", "Runs set going, restarts apart.", "experiment")
        self.runs_ended = self._counter(
            "runs_ended", "Runs that came to an end: done, failed or stopped.", "experiment", "state"
        )
        self.run_deaths = self._counter(
            "run_deaths", "Attempts that broke off: died (by themselves) or lost (with their host).",
            "experiment", "how",
        )  # fmt: skip
        self.frames_received = self._counter("frames_received", "Frames that runs have sent.")
        self.frames_sent = self._counter("frames_sent", "Frames handed to clients' connections.")
        self.sent_bytes = self._counter("sent_bytes", "Bytes of frames handed to clients' connections.")
        self.refused_specs = self._counter(
            "refused_specs", "Runs refused because they cost more than this server allows.", "experiment"
        )
        self.refused_connections = self._counter(
            "refused_connections", "Streams refused or broken off, by the code of the closing.", "code"
        )
        self.first_frame = self._histogram(
            "first_frame_seconds", "From the request of a new run to its first frame.", _SLOW, "experiment"
        )
        self.frame_latency = self._histogram(
            "frame_latency_seconds", "From a frame's arrival to its sending to a client.", _QUICK
        )
        self.loop_lag = self._histogram(
            "event_loop_lag_seconds", "How much later than asked the event loop woke a sleeper.", _QUICK
        )

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"normviz_{name}", about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"normviz_{name}", about, labels, buckets=buckets, registry=self.registry)
