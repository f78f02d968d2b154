"""Few samples

All networks side by side: at each evaluated step the mean error over the seeds, on the test samples and on
the training samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import mean, stdev

import torch
from torch.nn import functional as F

from normviz.export.pieces.digits import load_data
from normviz.export.pieces.draws import generator
from normviz.export.pieces.mlp import network
from normviz.export.pieces.settings import BATCH_SIZE, EVALUATED_STEPS, SEEDS, STEPS, VARIANTS
from normviz.export.pieces.training import accuracy_on, batches, new_optimizer


def main() -> dict[tuple[str, int], list[tuple[int, float, float, float]]]:
    """Train every variant from every seed; the records of each: step, loss, test error, training error."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    runs = {(variant, seed): errors(variant, seed) for variant in VARIANTS for seed in SEEDS}
    records: dict[tuple[str, int], list[tuple[int, float, float, float]]] = {run: [] for run in runs}
    print("step " + "".join(f"{variant:>18}" for variant in VARIANTS))
    for row in zip(*runs.values(), strict=True):
        for run, record in zip(runs, row, strict=True):
            records[run].append(record)
        print(f"{row[0][0]:4} " + "".join(f"{latest(variant, records):>18}" for variant in VARIANTS))
    print("\nerror at the end, mean ± standard deviation over the seeds, in percent")
    for variant in VARIANTS:
        last = [records[variant, seed][-1] for seed in SEEDS]
        test, train = ([record[place] for record in last] for place in (2, 3))
        print(f"  {variant:10} test {mean(test):.2f} ± {stdev(test):.2f}, training {mean(train):.2f}")
    return records


def errors(variant: str, seed: int) -> Iterator[tuple[int, float, float, float]]:
    """Train one network; at each evaluated step the loss of the next batch, and both errors in percent."""
    norm, dropout = VARIANTS[variant]
    x, y, x_test, y_test = load_data(seed)
    net = network(norm, seed, dropout=dropout)
    optimizer = new_optimizer(net)
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    for step in range(STEPS + 1):
        evaluated = step in EVALUATED_STEPS
        if evaluated:
            test = 100 * (1 - accuracy_on(net, x_test, y_test))
            train = 100 * (1 - accuracy_on(net, x, y))
        batch = next(order)
        loss = F.cross_entropy(net(x[batch]), y[batch])
        if evaluated:
            yield step, loss.item(), test, train
        if loss.isfinite():
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def latest(variant: str, records: dict[tuple[str, int], list[tuple[int, float, float, float]]]) -> str:
    """Mean errors of a variant, on the test samples and on the training samples."""
    last = [records[variant, seed][-1] for seed in SEEDS]
    fine = [record for record in last if math.isfinite(record[1])]
    if not fine:
        return "diverged"
    return f"{mean(record[2] for record in fine):.2f} / {mean(record[3] for record in fine):.2f}"
