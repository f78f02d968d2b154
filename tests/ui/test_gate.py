"""The gate in front of the pages' scripts, with threads that wait as scripts do."""

from __future__ import annotations

import threading

from normviz.ui.gate import Gate
from tests.player.processes import until


def enter(gate: Gate, name: str, order: list[str], delay: float, patience: float = 30) -> threading.Thread:
    """A thread that notes when its turn has come."""

    def wait() -> None:
        with gate.turn(delay, patience) as held:
            order.append(name if held else f"{name} without a turn")

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def waiting(gate: Gate, many: int) -> None:
    until(lambda: len(gate._line) == many)


def test_clicks_come_before_arrivals_and_each_in_its_order() -> None:
    gate, order = Gate(), []
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
    gate = Gate()
    inside, most, done = 0, 0, 0
    lock = threading.Lock()

    def visit() -> None:
        nonlocal inside, most, done
        for _ in range(50):
            with gate.turn() as held:
                assert held
                with lock:
                    inside += 1
                    most = max(most, inside)
                with lock:
                    inside -= 1
                    done += 1

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (most, done) == (1, 400)


def test_a_script_that_hangs_does_not_keep_the_others_out() -> None:
    gate, order = Gate(), []
    with gate.turn():  # and never leaves while the others wait
        enter(gate, "impatient", order, 0, patience=0.05).join(30)
        assert order == ["impatient without a turn"]
        patient = enter(gate, "patient", order, 0)
        waiting(gate, 1)
    patient.join(30)
    assert order[-1] == "patient"


def test_a_fault_inside_gives_the_turn_back() -> None:
    gate = Gate()
    try:
        with gate.turn():
            raise ValueError
    except ValueError:
        pass
    with gate.turn(patience=0.01) as held:
        assert held
