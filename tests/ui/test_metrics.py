"""Metrics against what visitors really did, read by Prometheus' own parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from normviz.ui import metrics
from tests.cluster.services import Cluster, ClusterStand, RedisServer
from tests.player.processes import until
from tests.player.small_experiments import Walk
from tests.ui.operated import BEARER, Operated


def test_counters_tell_what_happened(operated: Operated) -> None:
    told = operated.samples()

    def value(name: str, **labels: str) -> float:
        return told.get((f"normviz_{name}", frozenset(labels.items())), 0.0)

    walks = len(operated.walks)
    assert value("runs_started_total", experiment="walk") == walks + 1
    assert value("runs_started_total", experiment="fault") == 2
    assert value("runs_ended_total", experiment="walk", state="done") == walks
    assert value("runs_ended_total", experiment="fault", state="failed") == 2
    assert value("run_deaths_total", experiment="fault", how="died") == 4  # the first and three restarts
    assert value("run_deaths_total", experiment="walk", how="lost") == 1
    assert value("engine_restarts_total") == 1
    assert value("refused_connections_total", code="4404") == 2
    assert value("refused_specs_total", experiment="walk") == 1
    live = operated.live
    assert value("frames_received_total") >= operated.frames_received + live.received
    assert value("frames_sent_total") >= operated.frames_received + live.received
    assert value("sent_bytes_total") >= operated.frame_bytes + 4000 * live.received


def test_distributions_have_one_entry_for_each_event(operated: Operated) -> None:
    told = operated.samples()
    walks = frozenset({("experiment", "walk")})
    assert told["normviz_first_frame_seconds_count", walks] == len(operated.walks) + 1
    assert 0 < told["normviz_first_frame_seconds_sum", walks] < 600
    nothing: frozenset[tuple[str, str]] = frozenset()
    # Frames come 5 ms apart for half a second while somebody watches, in messages of some frames.
    count = told["normviz_frame_latency_seconds_count", nothing]
    assert 3 < count < told["normviz_frames_sent_total", nothing]
    assert 0 < told["normviz_frame_latency_seconds_sum", nothing] / count < 60
    assert told["normviz_event_loop_lag_seconds_count", nothing] > 0


def test_gauges_tell_how_things_stand(operated: Operated) -> None:
    told = operated.samples()
    report: Any = operated.server.get("/report")
    for state, number in report["runs"].items():
        assert told["normviz_runs", frozenset({("state", state)})] == number
    nothing: frozenset[tuple[str, str]] = frozenset()
    assert told["normviz_streams", nothing] == report["watching"] == 1
    assert told["normviz_ready", nothing] == 1
    assert told["normviz_sessions", nothing] == 0
    assert told["normviz_recordings_bytes", nothing] > 4000 * operated.frames_received * 0.9
    held = {
        process: told["normviz_memory_bytes", frozenset({("process", process)})]
        for process in ("server", "engine", "runs")
    }
    # The engine has torch imported, the server has not; the run shares nearly everything with the engine.
    assert held["engine"] > 50e6
    assert 20e6 < held["server"] < 400e6
    assert 0 < held["runs"] < held["engine"]


def test_labels_are_bounded_and_tell_nothing_of_visitors(operated: Operated) -> None:
    allowed = {"experiment", "state", "how", "code", "le", "process", "form", "python", "torch", "version"}
    labels = {label for _, labels in operated.samples() for label in labels}
    assert {name for name, _ in labels} <= allowed
    assert {value for name, value in labels if name == "experiment"} == {"walk", "fault"}


def test_metrics_ask_for_the_token(operated: Operated) -> None:
    assert operated.ask("/lab/metrics")[0] == 401
    assert operated.ask("/lab/metrics", Authorization="Bearer wrong")[0] == 401
    assert operated.ask("/lab/metrics", Authorization="Basic " + BEARER["Authorization"])[0] == 401
    assert operated.ask("/lab/metrics", **BEARER)[0] == 200


def test_the_drain_by_its_route(operated: Operated) -> None:
    assert operated.ask("/lab/drain", "POST")[0] == 401
    assert operated.ready()
    status, told = operated.ask("/lab/drain", "POST", **BEARER)
    assert (status, told) == (200, b'{"draining":true,"attended_runs":1}')
    assert operated.ask("/lab/ready") == (503, b'{"ready":false,"draining":true}')
    assert operated.ask("/lab/live")[0] == 200
    received = operated.live.received
    until(lambda: operated.live.read() == "F" and operated.live.received > received)  # visitors go on
    assert operated.ask("/lab/drain", "DELETE", **BEARER)[1] == b'{"draining":false,"attended_runs":1}'
    assert operated.ready()


def test_a_cluster_tells_who_waits_for_a_worker(tmp_path: Path) -> None:
    with Cluster(RedisServer(tmp_path), 1, log=tmp_path / "workers.log") as cluster:
        standing = ClusterStand(cluster)
        try:
            live, waiting = Walk(seed=1, steps=5000, pause=20), Walk(seed=2)
            with standing.watching(live) as first, standing.watching(waiting) as second:
                until(lambda: first.frames and second.place == 1)
                until(lambda: standing.player.report()["engine"]["waiting"] == 1)
                told = {
                    (one.name, *one.labels.values()): one.value
                    for family in metrics._Now(standing.player).collect()
                    for one in family.samples
                }
            assert (told["normviz_runs", "live"], told["normviz_runs", "waiting"]) == (1, 1)
            assert told["normviz_queue",] == 1
            assert told["normviz_workers", "own"] == 1
            assert ("normviz_engine_restarts_total",) not in told, "nobody here starts workers again"
        finally:
            standing.close()
