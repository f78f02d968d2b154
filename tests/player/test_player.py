"""The player with real engine hosts and workers, in all forms: the tests kill processes and count them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from normviz.phrases import Phrase
from normviz.player import Run, Settings, State
from normviz.player.costs import CostError
from tests.cluster.services import WORKERS
from tests.player.processes import alive, children, stopped, until
from tests.player.small_experiments import SCHEMA, Crew, Fault, Walk, walk
from tests.player.stands import EXPERIMENTS, Stand, frames_of


def recorded(run) -> list[bytes]:
    return [run.recording.data(k) for k in range(len(run.recording))]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_frames_are_those_of_the_runner(stand: Stand) -> None:
    spec = Walk(seed=1, steps=300)
    run = stand.finish(spec)
    assert run.state is State.DONE
    assert run.recording.schema == SCHEMA
    assert recorded(run) == frames_of(spec, walk)


def test_many_visitors_of_one_spec_cost_one_run(stand: Stand) -> None:
    spec = Walk(seed=2, steps=50, pause=50)
    runs = []
    visitors = [threading.Thread(target=lambda: runs.append(stand.open(spec))) for _ in range(40)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert len(runs) == 40
    assert len({run.token for run in runs}) == 1
    with stand.watching(spec) as run:
        until(lambda: run.frames)
        assert stand.at_work == 1
        if stand.player.about.form == "fork":
            assert children(stand.hosts[0]) == {run.pid}
    assert recorded(stand.finish(spec)) == frames_of(spec, walk)


def test_unwatched_run_ends_and_is_computed_on(stand: Stand) -> None:
    spec = Walk(seed=3, steps=100, pause=30)
    with stand.watching(spec) as run:
        until(lambda: run.frames)
        pid = run.pid
    until(lambda: run.state is State.IDLE)
    kept = recorded(run)
    assert 0 < len(kept) < 100
    if stand.player.about.form == "fork":
        until(lambda: not alive(pid))
    stand.finish(spec)
    assert run.replaced == 0
    assert recorded(run)[: len(kept)] == kept
    assert recorded(run) == frames_of(spec, walk)


@pytest.mark.parametrize("form", ["fork", "persistent"])
def test_an_unwatched_run_rests_until_somebody_returns(form: str) -> None:
    """Its frames stand still, then the same attempt goes on."""
    patient = Stand(Settings(engine=form, processes=1, lease=60, experiments=EXPERIMENTS))
    try:
        spec = Walk(seed=31, steps=2000, pause=10)
        with patient.watching(spec) as run:
            until(lambda: run.frames)
            number = run.number
        until(lambda: run.resting)
        time.sleep(0.3)  # what was on its way has come
        frames = run.frames
        time.sleep(0.5)
        assert run.frames == frames
        assert run.state is State.LIVE
        with patient.watching(spec):
            until(lambda: run.frames > frames + 5)
        assert run.number == number
        kept = recorded(run)
        assert kept == frames_of(spec, walk)[: len(kept)]
    finally:
        patient.close()


def test_watched_run_goes_on(stand: Stand) -> None:
    spec = Walk(seed=4, steps=80, pause=40)  # takes thrice the lease
    run = stand.finish(spec)
    assert run.state is State.DONE
    assert run.frames == 80


def test_killed_run_finishes_with_the_same_frames(stand: Stand) -> None:
    spec = Walk(seed=5, steps=60, pause=20)
    with stand.watching(spec) as run:
        until(lambda: run.frames > 10)
        kill(run.pid)
        assert stand.finish(spec) is run
    assert (run.state, run.replaced) == (State.DONE, 0)
    assert recorded(run) == frames_of(spec, walk)


def test_killed_hosts_come_back_and_their_runs_finish(stand: Stand) -> None:
    number = {"fork": 1, "persistent": 2, "redis": WORKERS}[stand.player.about.form]
    until(lambda: len(stand.hosts) == number)
    specs = [Walk(seed=seed, steps=60, pause=20) for seed in (6, 7, 8)]
    ends = [stand.watch(spec) for spec in specs]
    runs = [stand.open(spec) for spec in specs]
    until(lambda: all(run.frames > 3 for run in runs))
    before = stand.hosts
    forked = set().union(*map(children, before))
    for pid in before:
        kill(pid)
    for spec, run, end in zip(specs, runs, ends, strict=True):
        assert end.result(300) is run
        assert (run.state, run.replaced) == (State.DONE, 0)
        assert recorded(run) == frames_of(spec, walk)
    assert not any(map(alive, [*before, *forked]))
    until(lambda: len(stand.hosts) == number)
    assert not set(stand.hosts) & set(before)


def test_run_that_always_dies_is_given_up_and_harms_no_other(stand: Stand) -> None:
    other = Walk(seed=9, steps=150, pause=20)
    neighbour = stand.watch(other)
    run = stand.finish(Fault(how="crashes"))
    assert (run.state, run.deaths) == (State.FAILED, 4)
    assert "given up" in run.sentence
    assert run.frames == 3
    assert recorded(neighbour.result(300)) == frames_of(other, walk)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("refuses", "How: “refuses” does not work; allowed is anything else. Choose another one."),
        ("raises", "This run failed because of a fault in the program."),
        ("no schema", "This run failed because of a fault in the program."),
        ("frame first", "This run failed because of a fault in the program."),
        ("two schemas", "This run failed because of a fault in the program."),
        ("wrong shape", "This run failed because of a fault in the program."),
        ("nothing", "This run failed because of a fault in the program."),
        ("allocates", "This run needs more memory than this server gives to one run."),
    ],
)
def test_failing_run_says_so_in_a_sentence(
    stand: Stand, how: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    spec = Fault(how=how)
    run = stand.finish(spec)
    assert run.state is State.FAILED
    assert run.sentence.startswith(sentence)
    assert isinstance(run.sentence, Phrase), "it could not be said in another language"
    assert "Traceback" not in run.sentence
    assert "secret" not in run.sentence
    if how == "raises":  # the log has what the visitor is spared
        until(lambda: "ZeroDivisionError: the inner secret" in caplog.text + stand.log)
        assert spec.key[:8] in caplog.text + stand.log
        assert spec.key[:8] in run.sentence


def test_what_a_run_prints_does_not_disturb(stand: Stand) -> None:
    run = stand.finish(Fault(how="prints"))
    assert (run.state, run.frames) == (State.DONE, 3)


def test_run_that_comes_out_differently_is_replaced(stand: Stand) -> None:
    spec = Fault(how="unsteady", pause=20)
    with stand.watching(spec) as run:
        until(lambda: run.frames > 5)
        kill(run.pid)
        stand.finish(spec)
    assert run.replaced == 1
    assert run.frames == 100
    assert len({float(run.recording.frame(k).arrays["start"]) for k in range(100)}) == 1


def test_process_that_exits_counts_as_dead_and_may_be_tried_anew(
    tight: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    for attempts in (4, 8):
        run = tight.finish(Fault(how="exits"))
        assert (run.state, run.deaths, run.frames) == (State.FAILED, 4, 3)
        assert caplog.text.count("ended with 3") == attempts


@pytest.mark.parametrize("how", ["spins", "calls"])
def test_hung_run_ends_with_its_lease(tight: Stand, how: str) -> None:
    with tight.watching(Fault(how=how)) as run:
        until(lambda: run.frames == 3)
    until(lambda: run.state is State.IDLE)
    until(lambda: not children(tight.hosts[0]))


def test_computing_time_of_a_run_is_limited(tight: Stand) -> None:
    run = tight.finish(Fault(how="spins", pause=1))
    assert (run.state, run.deaths) == (State.FAILED, 0)
    assert "more computing time" in run.sentence


def test_memory_of_a_run_is_limited(tight: Stand) -> None:
    run = tight.finish(Fault(how="hoards"))
    assert (run.state, run.deaths) == (State.FAILED, 0)
    assert "needs more memory" in run.sentence


def test_of_one_visitors_runs_those_opened_last_come_first() -> None:
    """The first of three windows stands still until one of the others is done, or somebody else looks on."""
    sharing = Stand(Settings(engine="fork", share=2, lease=60, experiments=EXPERIMENTS))
    try:
        specs = [Walk(seed=seed, steps=5000, pause=10) for seed in (91, 92, 93)]
        first, second, third = map(sharing.open, specs)
        with sharing.looking(first, "ann"), sharing.looking(second, "ann"):
            until(lambda: first.frames and second.frames)
            with sharing.looking(third, "ann"):
                until(lambda: third.frames)
                assert [run.held for run in (first, second, third)] == [True, False, False]
                time.sleep(0.3)  # what was on its way has come
                frames = first.frames
                with sharing.looking(sharing.open(Walk(seed=94, steps=5000, pause=10)), "bob"):
                    time.sleep(0.5)
                    assert not any(run.held for run in (second, third))
                assert first.frames == frames
                with sharing.looking(first, "bob"):
                    until(lambda: first.frames > frames)
                until(lambda: first.held)
            until(lambda: not first.held)
            short = sharing.open(Walk(seed=95, steps=50, pause=10))
            with sharing.looking(short, "ann"):
                until(lambda: first.held)
                until(lambda: short.ended)
                until(lambda: not first.held)
        assert not second.resting
    finally:
        sharing.close()


def test_runs_beyond_the_number_wait_in_line(tight: Stand) -> None:
    specs = [Walk(seed=seed, steps=30, pause=30) for seed in (11, 12, 13)]
    ends = [tight.watch(spec) for spec in specs]
    first, second, third = map(tight.open, specs)
    until(lambda: first.frames)
    assert [tight.player.place(run) for run in (first, second, third)] == [0, 1, 2]
    assert len(children(tight.hosts[0])) == 1
    assert [end.result(300).state for end in ends] == [State.DONE] * 3


def test_recordings_stay_within_their_memory(tight: Stand) -> None:
    specs = [Walk(seed=seed, steps=100) for seed in range(6)]  # 0.4 MB each
    runs = [tight.finish(spec) for spec in specs]
    until(lambda: tight.player.report()["recordings_bytes"] <= 1e6)
    assert [run.recording is not None for run in runs] == [False] * 4 + [True] * 2
    assert recorded(tight.finish(specs[0])) == frames_of(specs[0], walk)


def test_recordings_that_nobody_watches_any_more_keep_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those unwatched for long only what fits stays, the one watched last first; the memory comes back."""
    module = sys.modules["normviz.player.registry"]
    standing = Stand(Settings(engine="fork", lease=0.5, kept=1, experiments=EXPERIMENTS))
    try:
        specs = [Walk(seed=seed, steps=100) for seed in range(6)]  # 0.4 MB each
        runs = [standing.finish(spec) for spec in specs]
        time.sleep(1)  # several looks
        assert all(run.recording is not None for run in runs)
        with standing.looking(runs[0], "somebody"):
            monkeypatch.setattr(module, "_OLD_AFTER", 0.1)
            until(lambda: standing.player.report()["recordings_bytes"] <= 1.5e6)
            assert [run.recording is not None for run in runs] == [True, *[False] * 3, True, True]
    finally:
        standing.close()


def test_runs_stand_still_for_one_that_has_shown_nothing_yet(stand: Stand) -> None:
    """For two seconds at most; its workers too.  Then they go on where they were."""
    if stand.player.about.form != "fork":
        return  # elsewhere runs take turns, or are spread over more workers than cores
    with (
        stand.watching(Walk(seed=77, steps=5000, pause=20)) as run,
        stand.watching(Crew(seed=77, steps=5000, pause=20)) as crew,
    ):
        until(lambda: run.frames and crew.frames)
        pids = {run.pid, crew.pid, *children(crew.pid)}
        with stand.watching(Walk(seed=78, steps=2, pause=1500)) as slow:
            until(lambda: all(map(stopped, pids)))
            assert not slow.frames
            until(lambda: slow.frames)
            until(lambda: not any(map(stopped, pids)))
        with stand.watching(Walk(seed=79, steps=2, pause=8000)) as slower:
            until(lambda: all(map(stopped, pids)))
            frames = run.frames
            until(lambda: run.frames > frames)
            assert not slower.frames


def test_recording_that_grows_too_large_is_ended(tight: Stand) -> None:
    class Understated(Walk):
        """A spec that claims to be small."""

        def cost(self):
            return Walk(steps=1).cost()

    run = tight.finish(Understated(steps=10_000))
    assert run.state is State.FAILED
    assert "larger than this server allows (1 MB)" in run.sentence
    assert run.nbytes < 2e6


def test_costly_spec_is_refused_with_the_factor(tight: Stand) -> None:
    with pytest.raises(CostError, match=r"asks for 41 times the memory for its recording that this server"):
        tight.open(Walk(steps=10_000))
    with pytest.raises(CostError, match=r"asks for 3\.2 times the work that this server allows\."):
        tight.open(Walk(steps=20, effort=16_000_000))


def test_versions_have_recordings_of_their_own() -> None:
    """So have the frames that somebody brings back to a server that was started anew."""
    spec = Walk(seed=1)
    one, same, other = Run(spec, "source torch cpu"), Run(spec, "source torch cpu"), Run(spec, "another")
    assert one.generation == same.generation != other.generation
    one.replace()
    assert one.generation == same.generation + 1
