"""How much sooner a map of 144 networks is ready than with the usual loop, dealt to the free cores."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from normviz.bench.paired import in_engine_environment, machine, median
from normviz.bench.stack import BATCH, DEPTH, MAP, WIDTH, map_members, usual_loop

STEPS = 200
"""Training steps of each network."""
SAMPLE = 4
"""Usual loops timed in a round, evenly spread over the map, standing for all 144."""


def measure(rounds: int = 5, steps: int = STEPS) -> dict[str, Any]:
    """Time of the usual loop, one network after the other in one thread, divided by that of the dealt map.

    12 learning rates × 12 gains with batch norm, 200 steps, whole runs from building to the last step.

    ``ratio`` is of wall-clock times: what a visitor waits, with as many cores as were free.
    ``ratio_of_cpu_time`` is of the usual loop's processor time to that of the busiest worker: about what the
    wall clock shows on idle cores.  Both sides alternate; ratios are medians over the rounds.
    """
    return in_engine_environment("normviz.bench.map", rounds, steps)


def _measure(rounds: int, steps: int) -> dict[str, Any]:
    import torch

    from normviz.lab import processes

    torch.set_num_threads(1)
    walls: list[tuple[float, float]] = []
    cpus: list[tuple[float, float]] = []
    for turn in range(rounds + 1):
        usual_wall, usual_cpu = _timed(lambda: _usual(turn, steps))  # noqa: B023 (called at once)
        start = time.perf_counter()
        busiest = _dealt_map(steps)
        wall = time.perf_counter() - start
        if turn:  # the first one only warms up
            times = MAP**2 / SAMPLE
            walls.append((usual_wall * times, wall))
            cpus.append((usual_cpu * times, busiest))
    return {
        "ratio": _ratio(walls),
        "ratio_of_cpu_time": _ratio(cpus),
        "lowest_ratio": min(usual / dealt for usual, dealt in walls),
        "highest_ratio": max(usual / dealt for usual, dealt in walls),
        "usual_seconds": median([usual for usual, _ in walls]),
        "map_seconds": median([dealt for _, dealt in walls]),
        "usual_cpu_seconds": median([usual for usual, _ in cpus]),
        "busiest_worker_cpu_seconds": median([dealt for _, dealt in cpus]),
        "workers": min(processes.cores(), len(_chunks())) if processes.can_fork() else 1,
        "members": MAP**2,
        "members_in_a_stack": len(_chunks()[0]),
        "usual_loops_timed_in_a_round": SAMPLE,
        **_conditions(rounds, steps),
    }


def _conditions(rounds: int, steps: int) -> dict[str, Any]:
    from normviz.bench.usual import DESCRIPTION

    return {
        "network": f"MLP, {DEPTH} hidden layers of {WIDTH}, batch norm, Adam, batch {BATCH}, digits",
        "steps": steps,
        "rounds": rounds,
        "usual_loop": DESCRIPTION,
        **machine(),
    }


def _ratio(times: list[tuple[float, float]]) -> float:
    return median([usual / dealt for usual, dealt in times])


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """Wall-clock and processor time of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def _usual(turn: int, steps: int) -> None:
    members = map_members()
    for member in members[turn % SAMPLE :: len(members) // SAMPLE]:
        usual_loop(member.norm, member.lr, steps)


def _dealt_map(steps: int) -> float:
    """Train the whole map; processor time of the busiest worker."""
    from normviz.lab.dealt import dealt

    spent: dict[int, float] = {}
    for told in dealt([partial(_part, chunk, steps) for chunk in _chunks()]):
        for pid, seconds in told:
            spent[pid] = spent.get(pid, 0.0) + seconds
    return max(spent.values())


def _chunks() -> list[list[Any]]:
    from normviz.lab.experiments.lr_init import chunks

    members = map_members()
    return [[members[cell] for cell in cells] for cells in chunks(MAP)]


def _part(members: list[Any], steps: int) -> Iterator[tuple[int, float]]:
    """One chunk from building to the last step; who did it, and its processor time."""
    from normviz.lab.engine import Plan, Stack

    start = time.process_time()
    stack = Stack(Plan("mlp", DEPTH, WIDTH), members, optimizer="adam", batch_size=BATCH)
    stack.step(steps)
    yield os.getpid(), time.process_time() - start


if __name__ == "__main__":
    print(json.dumps(_measure(*map(int, sys.argv[1:]))))
