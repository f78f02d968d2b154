"""The opposite mistakes: training in evaluation mode, statistics of another domain, `model.train()` too late.

And what dropout does to the variance that a norm behind it stores.

Legend: S members (one for each seed), N samples, B batch, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from normviz.lab.engine import Stack
from normviz.lab.experiments.forgotten_eval import measurements
from normviz.lab.experiments.forgotten_eval.tables import Tables, Values
from normviz.lab.experiments.renorm import train
from normviz.lab.nets.layers import Dropout
from normviz.lab.norms import build
from normviz.lab.randoms import generator
from normviz.specs import forgotten_eval_frames as asked
from normviz.specs.forgotten_eval import ForgottenEval

PASSES = 24
"""Passes through the samples of which a norm behind a dropout averages its statistics."""
LEAST_VARIANCE = 1e-6
"""Channels that vary less than this are dead; a ratio of their variances says nothing."""


def trained_in_eval(
    spec: ForgottenEval, stacks: dict[str, Stack], tables: Tables, steps: tuple[int, ...]
) -> Iterator[None]:
    """Train networks whose norm stays in evaluation mode beside ones as usual; each at every rate.

    ``stacks`` has one for each of `asked.TRAINED_IN`, with the rates one after the other.
    """
    for point, step in enumerate(steps):
        for m, mode in enumerate(asked.TRAINED_IN):
            stack = stacks[mode]
            stack.freeze_statistics(mode == "eval")
            train(stack, step, spec.steps, spec)
            by_rate = measurements.error(stack).reshape(len(asked.RATES), -1)
            tables.put("opposite", by_rate.T, (slice(None), m, slice(None), point))
            dead = (stack.diverged_at >= 0).reshape(len(asked.RATES), -1)
            tables.put("opposite_diverged", 100 * dead.mean(1), (m, slice(None), point))
        yield


def other_domain(x: torch.Tensor) -> torch.Tensor:
    """The same pictures as another device would see them: contrast and brightness are `asked.DOMAIN`."""
    contrast, brightness = asked.DOMAIN
    return contrast * x + brightness


def another_domain(stack: Stack, tables: Tables) -> Iterator[None]:
    """Evaluation mode on pictures of another domain, before and after its statistics are recalibrated."""
    trained = stack.snapshot()

    def put(name: str, errors: Values) -> None:
        tables.put("domain", errors, (..., asked.DOMAIN_STATES.index(name)))

    put("same", measurements.error(stack))
    put("other", measurements.error_on(stack, other_domain))
    put("train_mode", measurements.error_on(stack, other_domain, "train", asked.VALIDATION_BATCH))
    yield
    splits = [stack.data(member) for member in range(len(stack.members))]
    stack.recalibrate(x=other_domain(torch.stack([split.x_train for split in splits])))
    put("recalibrated", measurements.error_on(stack, other_domain))
    put("back", measurements.error(stack))
    stack.restore(trained)
    yield


def fine_tuned(trained: Stack, fresh: Iterator[Stack], tables: Tables, batch_size: int) -> Iterator[None]:
    """Train a trained network on, on what it knows already, in batches of ``batch_size``.

    In shuffled batches and in batches of one class, with the norm in training mode and with its statistics
    frozen; ``fresh`` gives stacks of the same members to do it with.
    """
    before = trained.snapshot()
    ways = [(o, s) for o in range(len(asked.ORDERS)) for s in range(len(asked.STATES))]
    stacks = {way: next(fresh) for way in ways}
    batches = {
        order: tuning_batches(trained, order, batch_size, asked.TUNING_STEPS[-1]) for order in asked.ORDERS
    }
    for (_, s), stack in stacks.items():
        stack.restore(before)
        stack.freeze_statistics(asked.STATES[s] == "frozen")
    for point, step in enumerate(asked.TUNING_STEPS):
        for (o, s), stack in stacks.items():
            for done in range(asked.TUNING_STEPS[max(0, point - 1)], step):
                stack.step_on(batches[asked.ORDERS[o]][done])
            errors = measurements.error(stack)
            tables.put("tuned", errors, (slice(None), o, s, point))
        yield


def tuning_batches(stack: Stack, order: str, batch_size: int, steps: int) -> torch.Tensor:
    """Training samples of every step of a fine-tuning, [steps, S, B].

    "shuffled": at random.  "sorted": the samples sorted by class are cut into batches, whose order is random.
    """
    chosen: list[torch.Tensor] = []
    for place, member in enumerate(stack.members):
        labels = stack.data(place).y_train
        source = generator(member.seed, "trials")
        epochs = math.ceil(steps / (len(labels) // batch_size))
        own = torch.cat([_cut(labels, order, batch_size, source) for _ in range(epochs)])
        chosen.append(own[:steps])
    return torch.stack(chosen, 1)


def _cut(labels: torch.Tensor, order: str, size: int, source: torch.Generator) -> torch.Tensor:
    """The samples of one epoch in batches, [batches, size]."""
    count = len(labels) // size
    shuffled = torch.randperm(len(labels), generator=source)
    if order == "shuffled":
        return shuffled[: count * size].view(count, size)
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    return by_class[: count * size].view(count, size)[torch.randperm(count, generator=source)]


def dropout_before(stack: Stack, tables: Tables) -> Iterator[None]:
    """How much less the input of a norm varies in use than the norm has stored, behind a dropout.

    The input is what the last hidden layer of the first network holds.  With mean c, variance v and the
    share ``keep`` of the values let through (the others 0, those divided by ``keep``), test / train variance
    = v / ((c² + v)/keep - c²).

    Source: Li et al. 2018, "Understanding the disharmony between dropout and batch normalization by variance
    shift", eq. 5 (their case of dropout directly before the norm), arXiv:1801.05134.
    """
    held = stack.trace(np.arange(asked.VALIDATION_BATCH)).outputs[-1][:1, :, : asked.CHANNELS]
    flat = held[0].transpose(0, 1).flatten(1).double().numpy()
    c, v = flat.mean(1), flat.var(1)
    alive = v > LEAST_VARIANCE
    for i, keep in enumerate(asked.KEEPS):
        dropout = Dropout(1 - keep, [stack.members[0].seed], "passes")
        norm = build("batch", 1, held.shape[2], tuple(held.shape[3:]), momentum=None)
        with torch.no_grad():
            for _ in range(PASSES):
                norm(dropout(held))
        stored = norm.statistics()["running_var"][0].double().numpy()
        tables.put("keep_measured", np.where(alive, v / np.where(alive, stored, 1), np.nan), i)
        train = (c**2 + v) / keep - c**2
        tables.put("keep_formula", np.where(alive, v / np.where(alive, train, 1), np.nan), i)
    yield
