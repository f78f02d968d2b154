"""The experiment

The networks of all norms and seeds side by side: every few steps the median loss, in brackets the median
accuracy on test samples.  Then a look into what was trained, in training mode with the running statistics
left alone: whose answers move when the second half of one sequence is changed, or when padding is appended?
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from normviz.export.pieces.draws import generator
from normviz.export.pieces.marked import load_data
from normviz.export.pieces.sequence_norms import SequenceBatchNorm
from normviz.export.pieces.settings import (
    APPENDED,
    BATCH_SIZE,
    CHANGED_FROM,
    EVALUATE_EVERY,
    EVERY,
    HAS_BATCH_NORM,
    MOMENTUM,
    NORMS,
    SEEDS,
    STEPS,
    TESTED,
    WATCHED,
)
from normviz.export.pieces.training import accuracy_on, batches, new_optimizer
from normviz.export.pieces.transformer import network


def main() -> dict[str, dict[str, list[float]]]:
    """For each norm what moves its answers: medians over sequences and seeds, step by step."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    nets = {(norm, seed): network(norm, seed) for norm in NORMS for seed in SEEDS}
    runs = {run: training_of(net, run[1]) for run, net in nets.items()}
    print("step " + "".join(f"{norm:>24}" for norm in NORMS))
    for row in zip(*runs.values(), strict=True):
        at = dict(zip(runs, row, strict=True))
        print(f"{row[0][0]:4} " + "".join(f"{latest([at[norm, s] for s in SEEDS]):>24}" for norm in NORMS))
    told = {}
    for norm in NORMS:
        looks = [look(nets[norm, seed], batch_of(seed)) for seed in SEEDS]
        told[norm] = {name: medians([one[name] for one in looks]) for name in looks[0]}
        print(f"\n{norm}: relative change of the answers, median over sequences and seeds")
        for name, values in told[norm].items():
            print(f"  {name}: {', '.join(f'{value:.2g}' for value in values)}")
    return told


def training_of(net: nn.Module, seed: int) -> Iterator[tuple[int, float, float | None]]:
    """Train one network; every few steps the loss of the last batch, and the accuracy if it is measured."""
    x, y, x_test, y_test = load_data(seed)
    optimizer = new_optimizer(net)
    order = batches(len(y), BATCH_SIZE, generator(seed, "batches"))
    last = math.nan
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            tested = x_test[:TESTED], y_test[:TESTED]
            yield step, last, accuracy_on(net, *tested) if step % EVALUATE_EVERY == 0 else None
        batch = next(order)
        loss = F.cross_entropy(net(x[batch]), y[batch])
        last = loss.item()
        if math.isfinite(last):
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def latest(records: list[tuple[int, float, float | None]]) -> str:
    """Median loss, and median accuracy if it was measured."""
    losses = [loss for _, loss, _ in records if math.isfinite(loss)]
    accuracies = [accuracy for _, _, accuracy in records if accuracy is not None]
    loss = f"{median(losses):.6f}" if losses else "–"
    return loss + (f" ({median(accuracies):.1%})" if accuracies else " " * 8)


def batch_of(seed: int) -> Tensor:
    """Test sequences, the first ones without padding."""
    x = load_data(seed)[2]
    full = (x[:, -1] > 0.5).all(1).nonzero().flatten()[:WATCHED]
    others = torch.ones(len(x), dtype=torch.bool)
    others[full] = False
    return x[torch.cat((full, others.nonzero().flatten()))[:BATCH_SIZE]]


@torch.no_grad()
def look(net: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Relative changes of the answers, [sequences, steps]."""
    own, mates = [], []
    before = answers(net, x)[:WATCHED]
    for one in range(WATCHED):
        changed = x.clone()
        changed[one, :, CHANGED_FROM:] = x[(one + 1) % WATCHED, :, CHANGED_FROM:]
        change = moved(before, answers(net, changed)[:WATCHED])
        own.append(change[one])
        mates += [change[other] for other in range(WATCHED) if other != one]
    exists = x[:, -1] > 0.5
    last = torch.arange(len(x)), exists.sum(1) - 1
    padded = [answers(net, F.pad(x, (0, more)))[last] for more in APPENDED]
    gap = moved(answers(net, x, train=False), answers(net, x)).masked_fill(~exists, math.nan)
    return {
        "of the sequence itself, by step": torch.stack(own),
        "of its batch-mates, by step": torch.stack(mates),
        f"with {', '.join(map(str, APPENDED))} steps of padding": torch.stack(
            [moved(answers(net, x)[last], one) for one in padded], 1
        ),
        "from evaluation mode to training mode, by step": gap,
    }


def answers(net: Any, x: Tensor, train: bool = True) -> Tensor:
    """Logits at every step, [N, steps, classes]; running statistics stay as they are."""
    net.train(train)
    if HAS_BATCH_NORM:
        set_momentum(net, 0.0)
    logits: Tensor = net.head(net.states(x)).double()
    if HAS_BATCH_NORM:
        set_momentum(net, MOMENTUM)
    net.train()
    return logits


def set_momentum(net: nn.Module, momentum: float) -> None:
    """How much of its running statistics batch norm replaces in each batch."""
    for module in net.modules():
        if isinstance(module, SequenceBatchNorm):
            module.momentum = momentum


def moved(z: Tensor, other: Tensor) -> Tensor:
    """|z' - z|/|z|."""
    change: Tensor = (other - z).norm(dim=-1) / z.norm(dim=-1).clamp_min(1e-30)
    return change


def medians(changes: list[Tensor]) -> list[float]:
    """Medians over sequences and seeds, step by step."""
    values = torch.cat(changes)
    return [values[:, step].nanquantile(0.5).item() for step in range(values.shape[1])]
