"""The gate in front of the pages' scripts, with threads that wait as scripts do."""

from __future__ import annotations

import threading
import time

import pytest

from normviz.ui.gate import Gate
from tests.player.processes import until


def enter(gate: Gate, name: str, order: list[str], delay: float = 0) -> threading.Thread:
    """A thread that notes when its turn has come."""

    def wait() -> None:
        with gate.turn(delay):
            order.append(name)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def waiting(gate: Gate, many: int) -> None:
    until(lambda: len(gate._line) == many)


def test_clicks_come_before_arrivals_and_each_in_its_order() -> None:
    gate, order = Gate(patience=60), []
    threads = []
    with gate.turn():
        for n, (name, delay) in enumerate([("first", 60), ("second", 60), ("click", 0), ("another", 0)], 1):
            threads.append(enter(gate, name, order, delay))
            waiting(gate, n)
        assert order == []
    for thread in threads:
        thread.join(30)
    assert order == ["click", "another", "first", "second"]


def test_never_two_at_once_and_nobody_is_forgotten() -> None:
    gate = Gate(patience=60)
    inside, most, done = 0, 0, 0
    lock = threading.Lock()

    def visit() -> None:
        nonlocal inside, most, done
        for _ in range(50):
            with gate.turn():
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0)  # let others try
                with lock:
                    inside -= 1
                    done += 1

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (most, done) == (1, 400)


def test_a_script_that_hangs_is_waited_for_once_and_its_return_disturbs_nobody() -> None:
    gate, order = Gate(patience=0.5), []
    with gate.turn():  # for longer than is waited for
        threads = [enter(gate, str(n), order) for n in range(20)]
        began = time.monotonic()
        for thread in threads:
            thread.join(30)
        assert 0.4 < time.monotonic() - began < 5, "all of them together wait, not each one"
        assert sorted(order) == sorted(map(str, range(20)))
        inside, leave = threading.Event(), threading.Event()

        def stay() -> None:
            with gate.turn():
                inside.set()
                leave.wait(30)

        later = threading.Thread(target=stay)
        later.start()
        inside.wait(30)
    gate._patience = 60  # the one inside is no longer too long there
    last = enter(gate, "last", order)
    waiting(gate, 1)
    assert "last" not in order, "whoever lost the turn cannot give it away"
    leave.set()
    for thread in (later, last):
        thread.join(30)
    assert order[-1] == "last"


def test_a_fault_inside_gives_the_turn_back() -> None:
    gate = Gate(patience=60)
    with pytest.raises(ZeroDivisionError), gate.turn():
        _ = 1 / 0
    order: list[str] = []
    enter(gate, "next", order).join(30)
    assert order == ["next"]
