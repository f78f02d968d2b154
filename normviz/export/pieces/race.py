"""The race

All networks side by side: at each recorded step the median loss over the seeds, in brackets the median test
accuracy.
"""

from __future__ import annotations

import math
from statistics import median

import torch

from normviz.export.pieces.settings import NORMS, SEEDS
from normviz.export.pieces.training import training

Record = tuple[int, float, float | None]


def main() -> dict[tuple[str, int], list[Record]]:
    """Train every variant from every seed; the records of each."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    runs = {(norm, seed): training(norm, seed) for norm in NORMS for seed in SEEDS}
    records: dict[tuple[str, int], list[Record]] = {run: [] for run in runs}
    print("step " + "".join(f"{norm:>24}" for norm in NORMS))
    for row in zip(*runs.values(), strict=True):
        for run, record in zip(runs, row, strict=True):
            records[run].append(record)
        print(f"{row[0][0]:4} " + "".join(f"{latest(norm, records):>24}" for norm in NORMS))
    for norm in NORMS:
        runs_of = [records[norm, seed] for seed in SEEDS]
        print(f"\n{norm}:")
        print("  test accuracy:", spread([run[-1][2] for run in runs_of], ".1%"))
        print("  training loss:", spread([run[-1][1] for run in runs_of], ".4f"))
        for target in (0.90, 0.94):
            print(f"  steps to {target:.0%}: ", spread([steps_to(target, run) for run in runs_of], "g"))
    return records


def latest(norm: str, records: dict[tuple[str, int], list[Record]]) -> str:
    """What the networks of a variant did last: median loss, and median test accuracy if it was measured."""
    last = [records[norm, seed][-1] for seed in SEEDS]
    losses = [loss for _, loss, _ in last if not math.isnan(loss)]
    if not losses:
        return "diverged"
    accuracies = [accuracy for _, _, accuracy in last if accuracy is not None and not math.isnan(accuracy)]
    return f"{median(losses):.6f}" + (f" ({median(accuracies):.1%})" if accuracies else " " * 8)


def steps_to(target: float, records: list[Record]) -> float:
    """The first step at which the test accuracy has reached a target; NaN if it never did."""
    reached = (step for step, _, accuracy in records if accuracy is not None and accuracy >= target)
    return next(reached, math.nan)


def spread(values: list[float | None], form: str) -> str:
    """Median, lowest and highest of the seeds that have a value, and how many have none."""
    told = [value for value in values if value is not None and not math.isnan(value)]
    if not told:
        return "none"
    missing = f", {len(values) - len(told)} without" if len(told) < len(values) else ""
    return f"{median(told):{form}}  ({min(told):{form}} to {max(told):{form}}{missing})"
