"""One player and its workers, over TLS, with a Redis that forgets everything when it is killed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rq import Queue
from rq.command import send_stop_job_command
from rq.serializers import JSONSerializer

from normviz.player import Settings, State
from normviz.store import job_id, queue_name
from normviz.store.recordings import WORKERS, run_key
from tests.cluster.services import Cluster, ClusterStand, SecureRedisServer, Workers
from tests.player.processes import alive, until
from tests.player.small_experiments import Crew, Fault, Walk, crew, walk
from tests.player.stands import EXPERIMENTS, Stand, frames_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    server = SecureRedisServer(folder)
    server.environment["NORMVIZ_RUN_MEMORY"] = "8000"  # else what hangs in a call runs out of memory first
    with Cluster(server, 2, log=folder / "workers.log") as made:
        yield made


@pytest.fixture(scope="module")
def stand(cluster: Cluster) -> Iterator[ClusterStand]:
    """A player."""
    made = ClusterStand(cluster, lease=3.0)
    yield made
    made.close()


def recorded(run: Any) -> list[bytes]:
    return [run.recording.data(k) for k in range(len(run.recording))]


def resting(cluster: Cluster) -> bool:
    """A work-horse is stopped."""
    states = [
        Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] for pid in cluster.workers.horses
    ]
    return states == ["T"]


def test_an_unwatched_run_rests_and_wakes_and_ends(stand: ClusterStand, cluster: Cluster) -> None:
    spec = Walk(seed=41, steps=2000, pause=10)
    with stand.watching(spec) as run:
        until(lambda: run.frames)
        number = run.number
    until(lambda: resting(cluster))
    frames = run.frames
    with stand.watching(spec):
        until(lambda: run.frames > frames + 5)
        assert not resting(cluster)
    assert run.number == number
    until(lambda: run.state is State.IDLE)
    until(lambda: not cluster.workers.horses, within=10)


@pytest.mark.parametrize("how", ["spins", "calls"])
def test_a_run_that_hangs_is_ended_when_nobody_wants_it(
    stand: ClusterStand, cluster: Cluster, how: str
) -> None:
    with stand.watching(Fault(how=how)) as run:
        until(lambda: run.frames == 3)
        (horse,) = cluster.workers.horses
    until(lambda: run.state is State.IDLE)
    until(lambda: not alive(horse), within=10)


def test_another_players_visitors_keep_a_run_going(stand: ClusterStand, cluster: Cluster) -> None:
    other = ClusterStand(cluster, lease=0.5)
    try:
        spec = Walk(seed=42, steps=100, pause=20)
        with other.watching(spec):
            end = stand.watch(spec)
            until(lambda: other.open(spec).frames > 5)
            pids = {other.open(spec).pid, stand.open(spec).pid}
            assert len(pids) == 1
        until(lambda: other.open(spec).state is not State.LIVE)
        assert recorded(end.result(100)) == frames_of(spec, walk)
        assert (end.result().losses, end.result().deaths) == (0, 0)
    finally:
        other.close()


def test_redis_that_lost_everything_gets_the_same_run_again(stand: ClusterStand, cluster: Cluster) -> None:
    spec = Walk(seed=43, steps=100, pause=20)
    with stand.watching(spec) as run:
        until(lambda: run.frames > 10)
        cluster.redis.end(signal.SIGKILL)
        until(lambda: not stand.player.able)
        time.sleep(0.5)
        cluster.redis.start()
        assert stand.finish(spec) is run
    assert (run.state, run.replaced, run.deaths) == (State.DONE, 0, 0)
    assert recorded(run) == frames_of(spec, walk)
    until(lambda: stand.player.able)


def test_a_dealt_run_leaves_no_process(stand: ClusterStand, cluster: Cluster) -> None:
    spec = Crew(seed=44, steps=100)
    assert recorded(stand.finish(spec)) == frames_of(spec, crew)
    until(lambda: not cluster.workers.horses, within=10)


def test_rqs_own_command_stops_a_job(stand: ClusterStand, cluster: Cluster) -> None:
    spec = Walk(seed=45, steps=3000, pause=10)
    with stand.watching(spec) as run, cluster.redis.client as client:
        until(lambda: run.frames)
        before = run.pid
        key = run_key(spec.to_json(), stand.player.about.version)
        send_stop_job_command(client, job_id(key), serializer=JSONSerializer)
        until(lambda: not alive(before), within=10)
        until(lambda: run.losses == 1 and run.pid not in (0, before), within=20)  # since it is watched


def test_workers_call_nothing_but_runs(stand: ClusterStand, cluster: Cluster, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with cluster.redis.client as client:
        name = queue_name(stand.player.about.version)
        queue = Queue(name, connection=client, serializer=JSONSerializer)
        job = queue.enqueue_call("os.mkdir", (str(mark),))
        until(lambda: job.get_status() == "failed", within=30)
        unreadable = Queue(name, connection=client).enqueue_call("os.mkdir", (str(mark),))  # pickled
        until(lambda: unreadable.get_status() == "failed", within=30)
    assert not mark.exists()
    spec = Walk(seed=46, steps=5)
    assert recorded(stand.finish(spec)) == frames_of(spec, walk)


def test_workers_of_another_version_are_not_used(
    stand: ClusterStand, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    before = stand.player.about
    with cluster.redis.client as client:
        (member, *_) = client.zrange(WORKERS, 0, -1)
        other = member.replace(before.source.encode(), b"0" * 64)
        client.zadd(WORKERS, {other: (time.time() + 60) * 1000})
        until(lambda: stand.player.report()["engine"]["other_workers"] == 1)
        assert stand.player.about == before
        assert "workers of another version are not used: source 000000000000" in caplog.text
        client.zrem(WORKERS, other)


def test_workers_leave_at_once_and_say_so(cluster: Cluster, stand: ClusterStand) -> None:
    spec = Walk(seed=47, steps=3000, pause=10)
    with stand.watching(spec) as run:
        until(lambda: run.frames)
        cluster.workers.end()  # looks that nothing is left
        until(lambda: run.losses == 1 and not stand.player.able, within=20)
        until(lambda: run.place == 1)  # whatever was asked for before is withdrawn
        cluster.workers = Workers(cluster.redis.environment, 2, log=cluster.workers.log_file)
        frames = run.frames
        until(lambda: run.frames > frames)
    assert recorded(run) == frames_of(replace(spec, steps=run.frames), walk)


def test_a_player_waits_for_redis(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.redis.end()
    made: list[Stand] = []
    starting = threading.Thread(target=lambda: made.append(ClusterStand(cluster)))
    starting.start()
    until(lambda: "does not answer; it is tried again" in caplog.text)
    assert not made
    time.sleep(1)  # and again
    cluster.redis.start()
    starting.join(60)
    assert made[0].player.able
    made[0].close()
    assert "open-sesame" not in caplog.text + cluster.workers.log
    assert Settings(experiments=EXPERIMENTS).engine == "auto"  # a cluster is chosen, never found


def test_workers_end_though_redis_is_away(cluster: Cluster) -> None:
    cluster.redis.end()
    cluster.workers.end()  # waits for half a minute; what they have to say to Redis would be tried for two
