"""The line is fair between visitors: by itself, and with real engines, in all forms."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normviz.player import Run, Settings, State, Watch
from normviz.player.lines import Line
from tests.cluster.services import WORKERS, Cluster, ClusterStand, RedisServer
from tests.player.processes import until
from tests.player.small_experiments import Walk
from tests.player.stands import EXPERIMENTS, Stand

RUNS, SHARE, MANY = 8, 2, 30


@pytest.fixture(scope="module", params=["fork", "persistent", "redis"])
def narrow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A player with room for eight runs; of a cluster, for half as many workers."""
    limits = {"runs": RUNS, "share": SHARE, "lease": 60.0}
    with contextlib.ExitStack() as opened:
        if request.param == "redis":
            folder = tmp_path_factory.mktemp("cluster")
            cluster = opened.enter_context(Cluster(RedisServer(folder), WORKERS, log=folder / "workers.log"))
            yield opened.enter_context(contextlib.closing(ClusterStand(cluster, **limits)))
        else:
            settings = Settings(engine=request.param, processes=1, experiments=EXPERIMENTS, **limits)
            yield opened.enter_context(contextlib.closing(Stand(settings)))


def walks(first: int, many: int) -> list[Walk]:
    return [Walk(seed=seed, steps=10_000, pause=20) for seed in range(first, first + many)]


def at_work(runs: list[Run]) -> list[bool]:
    return [run.state is State.LIVE and not run.resting and not run.place for run in runs]


def test_thirty_windows_of_one_visitor_are_not_before_anybody_else(narrow: Stand) -> None:
    player = narrow.player
    with contextlib.ExitStack() as windows:
        runs = [narrow.open(spec, "ann") for spec in walks(1000, MANY)]
        for run in runs:
            windows.enter_context(narrow.looking(run, "ann"))
        until(lambda: at_work(runs) == [False] * (MANY - SHARE) + [True] * SHARE)
        until(lambda: all(run.frames for run in runs[-SHARE:]))
        assert [player.place(run) for run in runs[:-SHARE]] == [0] * (MANY - SHARE)
        assert all(run.held for run in runs[:-SHARE])
        others = [narrow.open(spec, f"visitor {n}") for n, spec in enumerate(walks(2000, SHARE))]
        for n, other in enumerate(others):
            windows.enter_context(narrow.looking(other, f"visitor {n}"))
        until(lambda: all(other.frames for other in others))
        live = [run for run in (*runs, *others) if run.state is State.LIVE]
        assert len(live) <= RUNS
        # Nobody takes the place of those at work; where a busy machine lost one, it is at work again.
        until(lambda: at_work(runs)[-SHARE:] == [True] * SHARE)
    until(lambda: all(run.resting or run.state is State.IDLE for run in (*runs, *others)))


def test_a_run_that_gave_way_goes_on_where_it_was(narrow: Stand) -> None:
    """When its visitor closes the windows that came before it."""
    with contextlib.ExitStack() as windows:
        first = narrow.open(walks(3000, 1)[0], "ann")
        windows.enter_context(narrow.looking(first, "ann"))
        until(lambda: first.frames > 3)
        with contextlib.ExitStack() as later:
            for spec in walks(3100, RUNS):
                later.enter_context(narrow.looking(narrow.open(spec, "ann"), "ann"))
            until(lambda: first.state is State.WAITING)
            assert first.held
            assert narrow.player.place(first) == 0
            frames = first.frames
        until(lambda: first.frames > frames)
        assert (first.replaced, first.deaths, first.losses) == (0, 0, 0)


def test_what_nobody_looks_at_gives_way_at_once(narrow: Stand) -> None:
    """Not when its lease is over, which takes a minute here."""
    left = [narrow.open(spec, f"visitor {n}") for n, spec in enumerate(walks(4000, RUNS))]
    with contextlib.ExitStack() as windows:
        for n, run in enumerate(left):
            windows.enter_context(narrow.looking(run, f"visitor {n}"))
        until(lambda: sum(at_work(left)) == (WORKERS if narrow.player.about.form == "redis" else RUNS))
    late = narrow.open(walks(5000, 1)[0], "late")
    with narrow.looking(late, "late"):
        until(lambda: late.frames, within=30)


def test_the_place_that_is_told_is_the_place(narrow: Stand) -> None:
    """Eight visitors are at work; one with thirty windows comes, and then two with one each."""
    if narrow.player.about.form == "redis":
        return  # places in Redis' queue are given in the order of asking
    player = narrow.player
    with contextlib.ExitStack() as windows:
        busy = contextlib.ExitStack()
        for n, spec in enumerate(walks(6000, RUNS)):
            busy.enter_context(narrow.looking(narrow.open(spec, f"busy {n}"), f"busy {n}"))
        many = [narrow.open(spec, "ann") for spec in walks(6100, MANY)]
        for run in many:
            windows.enter_context(narrow.looking(run, "ann"))
        ones = [narrow.open(spec, f"one {n}") for n, spec in enumerate(walks(6200, 2))]
        for n, run in enumerate(ones):
            windows.enter_context(narrow.looking(run, f"one {n}"))
        *held, second, last = many
        until(lambda: [player.place(run) for run in (second, *ones, last)] == [1, 2, 3, 4])
        assert [player.place(run) for run in held] == [0] * len(held)
        assert player.report()["runs"]["waiting"] == MANY + 2
        busy.close()
        until(lambda: all(run.frames for run in (second, last, *ones)))
        assert [run.began for run in (second, *ones, last)] == sorted(
            run.began for run in (second, *ones, last)
        )


# --- by itself ------------------------------------------------------------------------------------


def lined(*visitors: str, live: int = 0, share: int = SHARE) -> tuple[Line, list[Run]]:
    """Runs in the order in which their visitors opened them; so many of the first ones are at work."""
    runs = [Run(Walk(seed=n)) for n, _ in enumerate(visitors)]
    working: dict[int, Run] = {}
    line = Line(working, share)
    for n, (run, visitor) in enumerate(zip(runs, visitors, strict=True)):
        run.watches.add(Watch(run, visitor, n))
        if n < live:
            working[n] = run
        else:
            line.join(run)
    for run, held in list(line.held()):
        run.held = held
        run.resting = held and run in working.values()
    line.seat()
    return line, runs


def places(line: Line, runs: list[Run]) -> list[int]:
    return [line.place(run) for run in runs]


def test_who_has_least_at_work_goes_first_and_of_equals_who_came_first() -> None:
    line, runs = lined("ann", "bob", "bob", "ann", "carol", "carol", "dan", live=3, share=9)
    assert places(line, runs) == [0, 0, 0, 3, 1, 4, 2]


def test_beyond_the_share_there_is_no_place_before_ones_own_are_done() -> None:
    line, runs = lined(*["ann"] * MANY, "bob")
    assert places(line, runs) == [0] * (MANY - SHARE) + [1, 3, 2]


def test_without_a_name_everybody_is_another() -> None:
    line, runs = lined(*[""] * 5)
    assert places(line, runs) == [1, 2, 3, 4, 5]
    assert not any(held for _, held in line.held())


def test_what_somebody_else_looks_at_too_is_not_held() -> None:
    line, runs = lined(*["ann"] * 4, live=4)
    assert [run.held for run in runs] == [True, True, False, False]
    runs[0].watches.add(Watch(runs[0], "bob", 99))
    assert [held for _, held in line.held()] == [False, True, False, False]


@given(
    st.lists(st.sampled_from(["ann", "bob", "carol", ""]), max_size=30), st.integers(0, 30), st.integers(1, 4)
)
def test_there_is_always_somebody_next_and_nobody_beyond_the_share(
    visitors: list[str], live: int, share: int
) -> None:
    line, runs = lined(*visitors, live=live, share=share)
    order = line.order()
    assert bool(order) == bool(len(visitors) > live)
    for name in {"ann", "bob", "carol"}:
        of_hers = [run for run in order if {eye.visitor for eye in run.watches} == {name}]
        assert len(of_hers) <= share
    assert sorted(places(line, order)) == list(range(1, len(order) + 1))
    still = line.gives_way(runs[:live])
    assert (still is not None) == any(run.held for run in runs[:live])
