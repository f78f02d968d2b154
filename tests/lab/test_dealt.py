"""Dealing: the results of one process whatever the number of workers, and no worker that outlives its run.

Forking needs a process with one thread, which a test runner may not be; so these tests run scripts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from normviz.lab.dealt import dealt, shared_out
from tests.player.processes import alive, children, until

ROOT = Path(__file__).parents[2]
HEAD = """
import os, time
from functools import partial
from normviz.lab.dealt import dealt, in_a_row

def part(number, rounds=4, pause=0.0):
    for k in range(rounds):
        time.sleep(pause)
        yield (number, k, os.getpid())

PARTS = [partial(part, number) for number in range(5)]
"""


def script(text: str) -> subprocess.Popen[str]:
    """Start a script in a process of its own, with one thread."""
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + textwrap.dedent(text)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def output(text: str) -> str:
    """What a script prints."""
    process = script(text)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


@pytest.mark.parametrize("workers", [1, 2, 3, 9])
def test_results_come_in_the_order_of_the_parts_round_by_round(workers: int) -> None:
    found = eval(output(f"print([[one[:2] for one in told] for told in dealt(PARTS, {workers})])"))
    assert found == [[(number, k) for number in range(5)] for k in range(4)]


def test_the_work_is_done_by_so_many_processes() -> None:
    told = output("""
        print(os.getpid(), sorted({one[2] for told in dealt(PARTS, 2) for one in told}))
        print({one[2] for told in dealt(PARTS, 1) for one in told} == {os.getpid()})
    """)
    first, second = told.splitlines()
    own, workers = first.split(" ", 1)
    assert len(eval(workers)) == 2
    assert int(own) not in eval(workers)
    assert second == "True"


def test_by_default_the_cores_decide() -> None:
    told = output("""
        from normviz.lab import processes
        processes.cores = lambda: 3
        print(len({one[2] for told in dealt(PARTS) for one in told}))
        import threading
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
        print({one[2] for told in dealt(PARTS) for one in told} == {os.getpid()})
    """)
    assert told.split() == ["3", "True"]


def test_what_a_part_raises_is_raised() -> None:
    told = output("""
        class OwnError(Exception):
            def __init__(self, one, two):
                super().__init__(f"{one} and {two}")

        def bad(error):
            yield 1
            raise error

        for error in (ValueError("the words"), OwnError(1, 2)):
            seen = []
            try:
                for told in dealt([partial(bad, error), partial(part, 1)], 2):
                    seen.append(told[0])
            except Exception as caught:
                print(seen, repr(caught))
    """)
    assert told.splitlines() == ["[1] ValueError('the words')", "[1] RuntimeError('OwnError: 1 and 2')"]


@pytest.mark.parametrize("workers", [1, 2])
def test_parts_of_different_length_are_a_fault(workers: int) -> None:
    told = output(f"""
        try:
            list(dealt([partial(part, 0, 3), partial(part, 1, 4)], {workers}))
        except ValueError as error:
            print("refused")
    """)
    assert told == "refused\n"


LOTS = "[[(1.0, PARTS[0]), (2.0, PARTS[1])], [], [(1.0, PARTS[2])], [(1.0, one) for one in PARTS]]"


@pytest.mark.parametrize("workers", [1, 2, 3, 9])
def test_lots_are_read_one_after_the_other(workers: int) -> None:
    told = output(f"""
        with in_a_row({LOTS}, {workers}) as lots:
            print([[[one[:2] for one in told] for told in rounds] for rounds in lots])
    """)
    numbers = ([0, 1], [], [2], range(5))
    assert eval(told) == [[[(number, k) for number in lot] for k in range(4) if lot] for lot in numbers]


def test_a_worker_goes_on_with_the_next_lot_while_another_one_is_behind() -> None:
    """The second lot is begun before the first one is over, and by those who were in the first."""
    told = output("""
        def clocked(number, pause):
            for k in range(4):
                time.sleep(pause)
                yield os.getpid(), time.monotonic()

        first = [(1.0, partial(clocked, 0, 0.25)), (1.0, partial(clocked, 1, 0.0))]
        second = [(1.0, partial(clocked, number, 0.0)) for number in (2, 3)]
        with in_a_row([first, second], 2) as lots:
            slow, then = (list(rounds) for rounds in lots)
        print(then[-1][1][1] < slow[1][0][1])
        print(len({pid for told in slow + then for pid, _ in told}))
    """)
    assert told.split() == ["True", "2"]


def test_whoever_has_least_to_do_gets_the_next_longest_part() -> None:
    assert shared_out([[1.0, 7.0, 2.0, 3.0]], 2) == [[[1]], [[3, 2, 0]]]
    assert shared_out([[3.0], [2.0, 1.0], []], 2) == [[[0], [], []], [[], [0, 1], []]]
    assert shared_out([[1.0] * 5], 2) == [[[0, 2, 4]], [[1, 3]]]


def test_what_a_part_of_a_later_lot_raises_is_raised_when_its_turn_comes_and_no_worker_is_left() -> None:
    told = output("""
        def bad():
            yield 1
            raise ValueError("the words")

        pids = set()
        try:
            with in_a_row([[(1.0, one) for one in PARTS[:2]], [(1.0, bad), (1.0, PARTS[2])]], 2) as lots:
                pids |= {one[2] for told in lots[0] for one in told}
                for told in lots[1]:
                    print(told[0])
        except ValueError as error:
            print(error, len(pids))
        print([pid for pid in pids if os.path.exists(f"/proc/{pid}")])
    """)
    assert told.splitlines() == ["1", "the words 2", "[]"]


def test_a_run_that_is_dropped_leaves_no_worker() -> None:
    told = output("""
        running = dealt([partial(part, 0, 1000, 0.05), partial(part, 1, 1000, 0.05)], 2)
        pids = [one[2] for one in next(running)]
        running.close()
        for pid in pids:
            try:
                os.kill(pid, 0)
                print("alive")
            except ProcessLookupError:
                print("gone")
    """)
    assert told.split() == ["gone", "gone"]


def test_a_run_that_is_killed_leaves_no_worker() -> None:
    run = script("for told in dealt([partial(part, n, 10**6, 0.01) for n in range(4)], 3): pass")
    until(lambda: len(children(run.pid)) == 3)
    workers = children(run.pid)
    run.kill()
    run.communicate()
    until(lambda: not any(map(alive, workers)), within=10)


def test_a_killed_worker_is_reported() -> None:
    run = script("for told in dealt([partial(part, n, 10**6, 0.01) for n in range(2)], 2): pass")
    until(lambda: len(children(run.pid)) == 2)
    one, other = sorted(children(run.pid))
    os.kill(one, signal.SIGKILL)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 1
    assert f"WorkerError: the worker process {one} of a run ended with SIGKILL" in err
    assert not alive(other)


def test_a_process_with_several_threads_is_not_forked() -> None:
    told = output("""
        import threading
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
        try:
            next(dealt(PARTS, 2))
        except RuntimeError as error:
            print(error)
    """)
    assert "cannot fork safely" in told


def test_nothing_to_deal() -> None:
    assert list(dealt([])) == []
    assert list(dealt([lambda: iter("ab")])) == [["a"], ["b"]]
