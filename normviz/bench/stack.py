"""How much faster a stack trains than the usual loop: same networks, same steps, one thread on both sides."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from normviz.bench.paired import in_engine_environment, machine, median, seconds

DEPTH, WIDTH, BATCH, STEPS = 10, 64, 64, 90
CHUNK = 48
"""Members of the 144 that train in one stack; the chunks follow one another."""
MAP = 12
"""Learning rates and gains of the map: 12 × 12 = 144 runs."""
SAMPLE = 3
"""Usual loops timed beside each chunk of the map, standing for all of its members."""


def measure(rounds: int = 9) -> dict[str, Any]:
    """Time of the usual loop divided by that of the stack, for whole runs from building to the last step.

    ``runs_144``: a map of 12 learning rates × 12 gains with batch norm, in stacks of 48.  ``runs_30_mixed``:
    six norms × five seeds in one stack.  Both sides alternate; ratios are medians over the rounds.
    """
    return in_engine_environment("normviz.bench.stack", rounds)


def _measure(rounds: int) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    both = {"runs_144": _map(), "runs_30_mixed": _mixed()}
    result: dict[str, Any] = {}
    details: dict[str, Any] = {}
    for name, (usual, stacked, members, timed) in both.items():
        ratios, usual_times, stack_times = [], [], []
        for turn in range(rounds + 1):
            usual_time = seconds(lambda: usual(turn)) / timed  # noqa: B023 (called at once)
            stack_time = seconds(lambda: stacked(turn)) / members  # noqa: B023
            if turn:  # the first one only warms up
                ratios.append(usual_time / stack_time)
                usual_times.append(usual_time)
                stack_times.append(stack_time)
        result[name] = median(ratios)
        details[name] = {
            "usual_ms_per_step": median([1000 * one / STEPS for one in usual_times]),
            "stack_ms_per_step_and_member": median([1000 * one / STEPS for one in stack_times]),
            "lowest_ratio": min(ratios),
            "highest_ratio": max(ratios),
            "members_in_a_stack": members,
            "usual_loops_timed_in_a_round": timed,
        }
    return {**result, "details": details, **_conditions(rounds)}


def _conditions(rounds: int) -> dict[str, Any]:
    from normviz.bench.usual import DESCRIPTION

    return {
        "network": f"MLP, {DEPTH} hidden layers of {WIDTH}, Adam, batch {BATCH}, digits",
        "steps": STEPS,
        "rounds": rounds,
        "usual_loop": DESCRIPTION,
        "usual_loops": "runs_144: a sample of the members; runs_30_mixed: one of each norm",
        **machine(),
    }


Side = Callable[[int], object]


def _map() -> tuple[Side, Side, int, int]:
    """Usual loops and a stack for one chunk of the map; members of the stack, usual loops timed."""
    members = map_members()
    chunks = [members[start : start + CHUNK] for start in range(0, len(members), CHUNK)]

    def usual(turn: int) -> None:
        chunk = chunks[turn % len(chunks)]
        for member in chunk[:: CHUNK // SAMPLE][:SAMPLE]:
            usual_loop(member.norm, member.lr, STEPS)

    return usual, lambda turn: _stacked(chunks[turn % len(chunks)]), CHUNK, SAMPLE


def _mixed() -> tuple[Side, Side, int, int]:
    from normviz.bench.usual import NORMS
    from normviz.lab.engine import Member

    members = [Member(norm, seed, lr=1e-3) for norm in NORMS for seed in range(5)]

    def usual(_: int) -> None:
        for norm in NORMS:
            usual_loop(norm, 1e-3, STEPS)

    return usual, lambda _: _stacked(members), len(members), len(NORMS)


def map_members() -> list[Any]:
    """Batch norm at 12 learning rates × 12 gains, row by row."""
    from normviz.lab.engine import Member

    return [
        Member("batch", 0, lr=1e-4 * 10 ** (2 * row / (MAP - 1)), gain=0.25 * 16 ** (column / (MAP - 1)))
        for row in range(MAP)
        for column in range(MAP)
    ]


def usual_loop(norm: str, lr: float, steps: int) -> None:
    """Train one network as tutorials do."""
    from normviz.bench.usual import train
    from normviz.lab.data import load

    split = load("digits", 0)
    x = split.x_train.flatten(1)
    train(norm, x, split.y_train, depth=DEPTH, width=WIDTH, batch_size=BATCH, lr=lr, steps=steps)


def _stacked(members: list[Any]) -> None:
    from normviz.lab.engine import Plan, Stack

    stack = Stack(Plan("mlp", DEPTH, WIDTH), members, optimizer="adam", batch_size=BATCH)
    stack.step(STEPS)


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))
