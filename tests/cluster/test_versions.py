"""Real workers of two versions at one Redis: each computes for its own replicas, and no frame is mixed."""

from __future__ import annotations

import contextlib
import json
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from normviz import player
from normviz.frames import Frame, Schema
from normviz.player import Run
from normviz.ui import metrics
from tests.cluster.services import ROOT, Cluster, ClusterStand, RedisServer, Replica, Workers
from tests.player.processes import until
from tests.player.small_experiments import Walk, walk
from tests.player.stands import frames_of

pytestmark = pytest.mark.slow

OTHER = "other_experiments"
SOURCE = """
from normviz.frames import Frame
from tests.player import small_experiments

before = small_experiments.walk


def walk(spec):
    for told in before(spec):
        if isinstance(told, Frame):
            told = Frame(told.step, {**told.arrays, "walk": -told.arrays["walk"]})
        yield told


small_experiments.walk = walk
"""
"""The same experiments, whose walks go the other way."""


def turned(spec: Walk) -> Iterator[Schema | Frame]:
    """What the other version computes."""
    for told in walk(spec):
        yield (
            Frame(told.step, told.arrays | {"walk": -told.arrays["walk"]})
            if isinstance(told, Frame)
            else told
        )


@dataclass
class Mixed:
    """A Redis, and of each version a worker and a player."""

    folder: Path
    cluster: Cluster
    own: ClusterStand
    other: ClusterStand


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mixed]:
    """In the midst of an update."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / f"{OTHER}.py").write_text(SOURCE)
    with contextlib.ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).syspath_prepend(str(folder))
        cluster = stack.enter_context(Cluster(RedisServer(folder), 1, log=folder / "workers.log"))
        path = os.pathsep.join([str(ROOT), str(folder)])
        environment = {**cluster.redis.environment, "NORMVIZ_EXPERIMENTS": OTHER, "PYTHONPATH": path}
        stack.callback(Workers(environment, 1, log=folder / "other.log").end)
        own = ClusterStand(cluster, operator_token="the-operators-own-token")
        stack.callback(own.close)
        other = ClusterStand(cluster, experiments=(OTHER,))
        stack.callback(other.close)
        for stand in (own, other):
            until(lambda stand=stand: engine(stand)["other_workers"] == 1)  # type: ignore[misc]
        yield Mixed(folder, cluster, own, other)


def engine(stand: ClusterStand) -> dict[str, Any]:
    told: Any = stand.player.report()["engine"]
    return dict(told)


def recorded(run: Run) -> list[bytes]:
    assert run.recording
    return [run.recording.data(k) for k in range(len(run.recording))]


def test_one_spec_has_a_run_for_each_version(mixed: Mixed) -> None:
    assert mixed.own.player.about != mixed.other.player.about
    spec = Walk(seed=61, steps=150, pause=5)
    ends = [stand.watch(spec) for stand in (mixed.own, mixed.other)]
    runs = [end.result(120) for end in ends]
    assert [recorded(run) for run in runs] == [frames_of(spec, walk), frames_of(spec, turned)]
    assert [(run.deaths, run.losses, run.replaced) for run in runs] == [(0, 0, 0)] * 2


def test_a_run_waits_for_a_worker_of_its_version_though_another_one_is_idle(mixed: Mixed) -> None:
    spec, cluster = Walk(seed=62, steps=400, pause=10), mixed.cluster
    with mixed.own.watching(spec) as run:
        until(lambda: run.frames > 10)
        cluster.workers.end()
        until(lambda: run.place == 1 and not mixed.own.player.able, within=30)
        seen = run.frames
        short = replace(spec, seed=63, steps=20)
        assert recorded(mixed.other.finish(short)) == frames_of(short, turned)
        assert (run.place, run.frames) == (1, seen)
        cluster.workers = Workers(cluster.redis.environment, 1, log=cluster.workers.log_file)
        assert recorded(mixed.own.finish(spec)) == frames_of(spec, walk)
        assert run.replaced == 0


def test_the_operator_sees_who_is_of_another_version(mixed: Mixed, monkeypatch: pytest.MonkeyPatch) -> None:
    stand, other = mixed.own, mixed.other.player.about
    assert other
    until(lambda: engine(stand)["workers"] == engine(stand)["other_workers"] == 1)
    monkeypatch.setattr(player, "_current", stand.player)
    app = AppTest.from_function(_board, default_timeout=60)
    app.session_state["operator admitted"] = True
    app.run()
    assert not app.exception
    (told,) = [one.value for one in app.warning]
    assert told == (
        f"1 worker of another version, not used here: source `{other.source[:12]}`, torch `{other.torch}`, "
        f"`{other.cpu}`"
    )
    assert any(one.value.startswith("1 worker of this version") for one in app.caption)
    found = {
        sample.labels["version"]: sample.value
        for family in metrics._Now(stand.player).collect()
        for sample in family.samples
        if sample.name == "normviz_workers"
    }
    assert found == {"own": 1, "other": 1}


def test_an_operator_whose_workers_are_all_of_other_versions_can_see_it(mixed: Mixed) -> None:
    """A replica that finds nothing that computes for it has no player yet."""
    token = "the-operators-own-token"
    settings = {"NORMVIZ_OPERATOR_TOKEN": token, "NORMVIZ_METRICS": "1", "NORMVIZ_EXPERIMENTS": ""}
    replica = Replica({**mixed.cluster.redis.environment, **settings}, log=mixed.folder / "replica.log")
    try:
        until(lambda: replica.status == 503)
        told = partial(_asked, f"http://{replica.address}/lab/metrics", token)
        until(lambda: 'normviz_workers{version="other"} 2.0' in told())
        assert 'normviz_workers{version="own"} 0.0' in told()
        assert "normviz_ready 0.0" in told()
        drain = json.loads(_asked(f"http://{replica.address}/lab/drain", token))
        assert drain == {"draining": False, "attended_runs": 0}
    finally:
        replica.end()
    assert replica.log.count("workers of another version are not used") == 2
    assert "Traceback" not in replica.log


def _asked(address: str, token: str) -> str:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def _board() -> None:
    from normviz.ui.operations import show

    show()
