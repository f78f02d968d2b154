"""Both places

All networks side by side: at each evaluated step the median test accuracy over the seeds.
"""

from __future__ import annotations

import math
from statistics import mean, median, stdev

import torch

from normviz.export.pieces.settings import NORMS, PLACES, SEEDS, TARGET
from normviz.export.pieces.training import training


def main() -> dict[tuple[str, str, int], list[tuple[int, float, float | None]]]:
    """Train every norm in both places from every seed; the records of each: step, loss, test accuracy."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    kinds = [(norm, place) for norm in NORMS for place in PLACES]
    runs = {(*kind, seed): training(kind[0], seed, placement=kind[1]) for kind in kinds for seed in SEEDS}
    records: dict[tuple[str, str, int], list[tuple[int, float, float | None]]] = {run: [] for run in runs}
    print("step " + "".join(f"{' '.join(kind):>20}" for kind in kinds))
    for row in zip(*runs.values(), strict=True):
        for run, record in zip(runs, row, strict=True):
            records[run].append(record)
        shares = [[records[*kind, seed][-1][2] for seed in SEEDS] for kind in kinds]
        print(f"{row[0][0]:4} " + "".join(f"{middle(one):20.1%}" for one in shares))
    for kind in kinds:
        own = [records[*kind, seed] for seed in SEEDS]
        print(f"\nnorm {kind[1]} the activation, {kind[0]}:")
        print("  test accuracy:", spread([100 * (record[-1][2] or 0.0) for record in own]))
        print(f"  steps to {TARGET:.0%}: ", spread([steps_to(TARGET, record) for record in own]))
    return records


def middle(shares: list[float | None]) -> float:
    """The median of those that have not diverged."""
    return median([share for share in shares if share is not None and not math.isnan(share)] or [math.nan])


def steps_to(target: float, records: list[tuple[int, float, float | None]]) -> float:
    """The first step at which the test accuracy has reached a target; NaN if it never did."""
    reached = (step for step, _, accuracy in records if accuracy is not None and accuracy >= target)
    return next(reached, math.nan)


def spread(values: list[float]) -> str:
    """Mean and standard deviation over the seeds, if all have a value."""
    if any(map(math.isnan, values)):
        return f"not all have one: {', '.join(f'{value:g}' for value in values)}"
    return f"{mean(values):.2f} ± {stdev(values):.2f}"
