"""Runs that hang: noticed by their silence, ended, and computed again."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import pytest

from normviz import messages
from normviz.player import Settings, State
from normviz.pulses import LOOKS, Vigil, processor_time
from tests.cluster.services import WORKERS, Cluster, ClusterStand, RedisServer
from tests.player.processes import alive, children, until
from tests.player.small_experiments import Crew, Fault, Walk, crew, walk
from tests.player.stands import EXPERIMENTS, Stand, frames_of


@pytest.fixture(scope="module", params=["fork", "persistent", "redis"])
def wary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A player, or workers, that soon take silence for a sign."""
    with contextlib.ExitStack() as opened:
        if request.param == "redis":
            folder = tmp_path_factory.mktemp("cluster")
            server = RedisServer(folder)
            server.environment["NORMVIZ_SILENCE"] = "1.8"
            cluster = opened.enter_context(Cluster(server, WORKERS, log=folder / "workers.log"))
            yield opened.enter_context(contextlib.closing(ClusterStand(cluster)))
        else:
            settings = Settings(engine=request.param, processes=1, silence=1.8, experiments=EXPERIMENTS)
            yield opened.enter_context(contextlib.closing(Stand(settings)))


def recorded(run) -> list[bytes]:
    return [run.recording.data(k) for k in range(len(run.recording))]


def test_a_stopped_run_is_ended_and_finishes_with_the_same_frames(wary: Stand) -> None:
    spec, other = Walk(seed=1, steps=60, pause=20), Walk(seed=2, steps=200, pause=20)
    neighbour = wary.watch(other)
    with wary.watching(spec) as run:
        until(lambda: run.frames > 10)
        stopped = run.pid
        os.kill(stopped, signal.SIGSTOP)
        assert wary.finish(spec) is run
    assert not alive(stopped)
    assert (run.state, run.replaced) == (State.DONE, 0)
    assert recorded(run) == frames_of(spec, walk)
    assert recorded(neighbour.result(300)) == frames_of(other, walk)


FORK = pytest.mark.parametrize("wary", ["fork"], indirect=True)


@pytest.mark.parametrize("wary", ["fork", "redis"], indirect=True)
def test_a_run_that_always_hangs_is_given_up_and_may_be_tried_anew(
    wary: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    run = wary.finish(Fault(how="sleeps"))
    assert (run.state, run.deaths, run.frames) == (State.FAILED, 4, 3)
    assert run.mendable
    assert run.sentence.startswith("This run was broken off 4 times")
    assert caplog.text.count("it hung: for 1.8 seconds it took no processor time and said nothing") == 4


def test_the_silence_of_one_is_not_held_against_those_beside_it(wary: Stand) -> None:
    """In the persistent form they fall silent with it."""
    with wary.watching(Walk(seed=3, steps=10_000, pause=20)) as beside:
        until(lambda: beside.frames > 3)
        with wary.watching(Fault(how="sleeps", pause=1)) as run:
            until(lambda: run.deaths)
            assert (beside.deaths, beside.losses) == (0, int(wary.player.about.form == "persistent"))
    until(lambda: beside.resting)


def test_a_run_that_computes_in_silence_or_rests_is_left_alone(wary: Stand) -> None:
    with wary.watching(Fault(how="spins")) as busy:
        until(lambda: busy.frames == 3)
        with wary.watching(Walk(seed=4, steps=1000, pause=10)) as resting:
            until(lambda: resting.frames or wary.player.about.form == "persistent")
        time.sleep(4)
        assert (busy.deaths, busy.losses, busy.state) == (0, 0, State.LIVE)
        assert (resting.deaths, resting.losses) == (0, 0)


@FORK
def test_a_host_that_stops_is_replaced(wary: Stand) -> None:
    """Its run hangs with it as soon as nobody reads what it says."""
    spec = Walk(seed=5, steps=500, pause=1)
    with wary.watching(spec) as run:
        until(lambda: run.frames > 5)
        (host,) = wary.hosts
        before = {host, run.pid}
        os.kill(host, signal.SIGSTOP)
        assert wary.finish(spec) is run
    assert not any(map(alive, before))
    assert (run.state, run.replaced, run.deaths) == (State.DONE, 0, 0)
    assert recorded(run) == frames_of(spec, walk)


@FORK
def test_a_worker_that_stops_takes_its_run_along(wary: Stand) -> None:
    spec = Crew(seed=6, steps=60, pause=20)
    with wary.watching(spec) as run:
        until(lambda: run.frames > 3)
        before = {run.pid, *children(run.pid)}
        assert len(before) == 3
        os.kill(max(before), signal.SIGSTOP)
        assert wary.finish(spec) is run
    assert not any(map(alive, before))
    assert run.deaths == 1
    assert recorded(run) == frames_of(spec, crew)


# --- by itself ------------------------------------------------------------------------------------


def told(number: int) -> messages.Message:
    return next(messages.Reader().feed(messages.packed(number, messages.FRAME, b"x")))


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Processor time by process, as the vigil sees it."""
    times = {7: 100}
    monkeypatch.setattr("normviz.pulses.processor_time", lambda: times)
    return times


def test_only_silence_without_work_is_hanging(spent: dict[int, int]) -> None:
    vigil = Vigil()
    vigil.begin(1, 7)
    for _ in range(3 * LOOKS):  # it works
        spent[7] += 1
        assert vigil.look() == []
    for _ in range(3 * LOOKS):  # it speaks
        vigil.hear(told(1))
        assert vigil.look() == []
    vigil.rest(1, True)
    assert [vigil.look() for _ in range(3 * LOOKS)] == [[]] * 3 * LOOKS
    vigil.rest(1, False)
    looks = [vigil.look() for _ in range(2 * LOOKS)]
    assert looks == [*[[]] * (LOOKS - 1), [1]] * 2
    vigil.end(1)
    assert [vigil.look() for _ in range(2 * LOOKS)] == [[]] * 2 * LOOKS


def test_nothing_hangs_where_the_work_of_processes_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("normviz.pulses.sys.platform", "darwin")
    vigil = Vigil()
    vigil.begin(1, 7)
    assert [vigil.look() for _ in range(2 * LOOKS)] == [[]] * 2 * LOOKS


def test_processor_time_is_that_of_the_whole_group() -> None:
    before = processor_time()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        if os.fork():
            signal.pause()
        while True:  # the leader waits, the other one works
            pass
    try:
        assert before is not None
        until(lambda: (processor_time() or {})[child] > 10, within=60)
        assert before[child] == 0
    finally:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
