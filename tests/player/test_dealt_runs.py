"""Runs with workers of their own: no worker outlives its run, and a run survives the loss of one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from normviz.player import Settings, State
from tests.player.processes import alive, children, ended_unreaped, until
from tests.player.small_experiments import Crew, crew
from tests.player.stands import EXPERIMENTS, Stand, frames_of


@pytest.fixture(scope="module")
def forking() -> Iterator[Stand]:
    """A player in the fork form."""
    standing = Stand(Settings(engine="fork", lease=0.5, run_seconds=2, experiments=EXPERIMENTS))
    yield standing
    standing.close()


def recorded(run) -> list[bytes]:
    return [run.recording.data(k) for k in range(len(run.recording))]


def workers(stand: Stand, run) -> set[int]:
    """The run's two workers, once they are there."""
    until(lambda: run.frames > 3 and len(children(run.pid)) == 2)
    return children(run.pid)


def assert_nothing_left(stand: Stand) -> None:
    """The host has no child left, not even one that has ended."""
    (host,) = stand.hosts
    until(lambda: not children(host) and not ended_unreaped(host), within=10)


def test_frames_are_those_of_one_process(forking: Stand) -> None:
    spec = Crew(seed=1, steps=100)
    run = forking.finish(spec)
    assert run.state is State.DONE
    assert recorded(run) == frames_of(spec, crew)
    assert_nothing_left(forking)


def test_without_a_fork_the_parts_are_computed_in_turn(stand: Stand) -> None:
    spec = Crew(seed=2, steps=40)
    assert recorded(stand.finish(spec)) == frames_of(spec, crew)


def test_a_killed_worker_makes_the_run_die_and_it_is_computed_again(
    forking: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    spec = Crew(seed=3, steps=60, pause=20)
    with forking.watching(spec) as run:
        one, other = workers(forking, run)
        before = run.pid
        os.kill(one, signal.SIGKILL)
        until(lambda: run.deaths == 1)
        until(lambda: f"the worker process {one} of a run ended with SIGKILL" in caplog.text)
        until(lambda: not alive(other) and not alive(before))
        assert forking.finish(spec) is run
    assert (run.state, run.replaced, run.deaths) == (State.DONE, 0, 1)
    assert recorded(run) == frames_of(spec, crew)
    assert_nothing_left(forking)


def test_a_killed_run_takes_its_workers_along(forking: Stand) -> None:
    spec = Crew(seed=4, steps=60, pause=20)
    with forking.watching(spec) as run:
        crew_of_it = workers(forking, run)
        os.kill(run.pid, signal.SIGKILL)
        until(lambda: not any(map(alive, crew_of_it)), within=10)
        assert forking.finish(spec) is run
    assert recorded(run) == frames_of(spec, crew)
    assert_nothing_left(forking)


def test_a_run_that_nobody_watches_leaves_no_worker(forking: Stand) -> None:
    with forking.watching(Crew(seed=5, steps=10_000, pause=20)) as run:
        crew_of_it = workers(forking, run)
    until(lambda: run.state is State.IDLE)
    until(lambda: not any(map(alive, crew_of_it)), within=10)
    assert_nothing_left(forking)


def test_a_killed_host_leaves_no_worker(forking: Stand) -> None:
    spec = Crew(seed=6, steps=60, pause=20)
    with forking.watching(spec) as run:
        crew_of_it = workers(forking, run)
        (host,) = forking.hosts
        os.kill(host, signal.SIGKILL)
        until(lambda: not any(map(alive, crew_of_it)), within=10)
        assert forking.finish(spec) is run
    assert recorded(run) == frames_of(spec, crew)
