"""Metrics for Prometheus: GET /lab/metrics, if ``NORMVIZ_METRICS`` is set.

What has been counted (``normviz.player.meters``), and how things stand at the moment of the question.  With
``NORMVIZ_OPERATOR_TOKEN`` set the request must carry it as a bearer token; without, whoever reaches the route
may read it, so a proxy should not pass it on.  No label tells anything of a visitor.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Any

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit import runtime

import normviz
from normviz import player
from normviz.ui import gates, memory
from normviz.ui.health import under_base


def routes() -> list[Route]:
    """The route, under Streamlit's base path."""
    return [Route(under_base("lab/metrics"), metrics, methods=["GET"])]


def metrics(request: Request) -> Response:
    """All metrics; in a thread, since looking at the memory takes a while."""
    try:
        playing = player.here()
    except RuntimeError:
        return Response("The server is not ready yet.\n", 503)
    if not playing.settings.metrics:
        return gates.nothing_here()
    if gates.token() and (refused := gates.refusal(request)):
        return refused
    parts = (playing.meters.registry, _Now(playing), ProcessCollector(registry=None))
    text = b"".join(generate_latest(part) for part in parts)
    return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"})


def sessions() -> int:
    """Open sessions of Streamlit, one for each open page."""
    if not runtime.exists():
        return 0
    told = runtime.get_instance().stats_mgr.get_stats(["active_sessions"])
    return int(sum(stat.value for stats in told.values() for stat in stats))  # type: ignore[attr-defined]


class _Now(Collector):
    """How things stand."""

    def __init__(self, playing: player.Player) -> None:
        self._player = playing

    def collect(self) -> Iterator[Metric]:
        """Look at everything once."""
        told: dict[str, Any] = self._player.report()
        yield _gauge("runs", "Known runs by state.", told["runs"], "state")
        yield _gauge("sessions", "Open pages.", sessions())
        yield _gauge("streams", "Open streams.", told["watching"])
        yield _gauge("recordings_bytes", "Frames kept in memory.", told["recordings_bytes"])
        yield _gauge("ready", "Runs can be computed.", self._player.able)
        yield _gauge("draining", "Newcomers should go elsewhere.", self._player.draining)
        if "workers" in told["engine"]:
            workers = {"own": told["engine"]["workers"], "other": told["engine"]["other_workers"]}
            yield _gauge("workers", "Workers; those of another version are not used.", workers, "version")
            yield _gauge("queue", "Runs that wait for a worker, of all replicas.", told["engine"]["waiting"])
        yield _gauge("memory_bytes", "Memory held, by kind of process.", memory.held(), "process")
        if "restarts" in told["engine"]:  # workers are started again where they are
            restarts = told["engine"]["restarts"]
            yield CounterMetricFamily("normviz_engine_restarts", "Engine hosts started again.", restarts)
        yield self._about()

    def _about(self) -> Metric:
        about = self._player.about
        info = GaugeMetricFamily(
            "normviz_info", "What computes here.", labels=["version", "python", "torch", "form"]
        )
        if about:
            info.add_metric([normviz.__version__, platform.python_version(), about.torch, about.form], 1)
        return info


def _gauge(name: str, documentation: str, value: float | dict[str, int], label: str = "") -> Metric:
    """One number, or one for each value of a label."""
    if not isinstance(value, dict):
        return GaugeMetricFamily(f"normviz_{name}", documentation, value=float(value))
    gauge = GaugeMetricFamily(f"normviz_{name}", documentation, labels=[label])
    for which, one in value.items():
        gauge.add_metric([which], one)
    return gauge
