"""What recording costs: steps with everything recorded, over the bare stacked steps."""

from __future__ import annotations

import json
import sys
from typing import Any

from normviz.bench.paired import in_engine_environment, machine, median, seconds

DEPTH, WIDTH, BATCH = 10, 64, 64
NORMS = ("none", "batch", "layer", "group", "rms", "dyt")
SEEDS = 5
BLOCK = 15
"""Steps between two clock readings."""
PACES = (1, 5, 10)
"""Recording every k-th step."""


def measure(rounds: int = 12) -> dict[str, Any]:
    """Time of a stack that records every k-th step divided by that of the same stack without recording.

    Six norms × five seeds in one stack, all that `normviz.lab.engine.Probe` knows: quantities of every layer
    of all thirty members, and histograms and statistics of one member of each norm.  The stacks take turns;
    ratios are medians over the rounds.
    """
    return in_engine_environment("normviz.bench.probes", rounds)


def _measure(rounds: int) -> dict[str, Any]:
    import torch

    from normviz.lab.engine import Member, Plan, Probe, Stack

    torch.set_num_threads(1)
    members = [Member(norm, seed, lr=1e-3) for norm in NORMS for seed in range(SEEDS)]
    plan = Plan("mlp", DEPTH, WIDTH)
    stack = Stack(plan, members, optimizer="adam", batch_size=BATCH)
    probe = Probe(stack)

    def block(every: int) -> None:
        if not every:
            stack.step(2 * BLOCK)
            return
        for _ in range(2 * BLOCK // every):
            stack.recorded_step(probe)
            stack.step(every - 1)

    times: dict[int, list[float]] = {every: [] for every in (0, *PACES)}
    ratios: dict[int, list[float]] = {every: [] for every in PACES}
    for turn in range(rounds + 1):
        bare = seconds(lambda: block(0))
        recorded = {every: seconds(lambda: block(every)) for every in PACES}  # noqa: B023 (called at once)
        if turn:  # the first one only warms up
            times[0].append(1000 * bare / (2 * BLOCK))
            for every, time in recorded.items():
                times[every].append(1000 * time / (2 * BLOCK))
                ratios[every].append(time / bare)
    return {
        **{f"every_{every}": median(ratios[every]) for every in PACES},
        "bare_ms_per_step": median(times[0]),
        "recorded_ms_per_step": median(times[1]),
        "arrays": [one.name for one in probe.schema()],
        "bytes_of_a_recorded_step": sum(one.nbytes for one in probe.schema()),
        "stack": f"{len(NORMS)} norms x {SEEDS} seeds, MLP, {DEPTH} layers of {WIDTH}, Adam, batch {BATCH}",
        "rounds": rounds,
        "steps_in_a_round": 2 * BLOCK,
        **machine(),
    }


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))
