"""What a run of the forgotten eval() records: its schema, how many bytes it takes, the answer read from it.

Errors and shares are in percent.  An array ``x_spread`` holds mean, mean - SD, mean + SD and SD of the array
``x`` over the seeds.  Whatever is measured after the training is NaN until it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from normviz.catalog.norms import NORMS
from normviz.frames import Array, Recording, Schema
from normviz.specs.spreads import spread

if TYPE_CHECKING:
    from normviz.specs.forgotten_eval import ForgottenEval

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Batch sizes at which the trained network is tried in training mode."""
SORTED_SIZES = (8, 32, 64)
"""Batch sizes at which it is tried on samples sorted by class, and whose passes are followed up."""
VALIDATION_BATCH = 256
"""Batch size of the train-mode curve while training: the usual one of a validation."""
COMPARISONS = ("layer", "group")
"""Norms that are trained alike, as a repair: in training mode they compute what they do in evaluation."""
CHANNELS = 16
"""Channels (the first of each layer) whose statistics are shown."""
SAMPLES = 12
"""Samples shown with the labels that they get, at most."""
DRAWS = 5
"""Random batches in which each test sample is predicted, to see whether its label changes."""
COMPANIES = 24
"""Sets of batch-mates that the chosen sample meets."""
SIDE = 8
"""Pixels of a digit's side."""
LOSS_EVERY = 5
"""Training steps between two losses."""

DROPOUT = 0.2
"""Share of the activations that dropout zeroes, in the network that shows its half of the story."""
DROPOUT_SIZES = (VALIDATION_BATCH, 2)
"""Batch sizes at which that network is tried with dropout left on."""
LAST_LAG_STEP = 66
"""Step at which a momentum of 0.1 has left 0.1% of the initial running statistics."""

LABEL_ROWS = ("true", "eval", *(f"batch {draw}" for draw in range(1, DRAWS + 1)))
"""Rows of the table of labels."""
PASSES = ("before", "shuffled", "sorted")
"""States of the running statistics: trained, and after a train-mode pass in either order."""

TRAINED_IN = ("train", "eval")
"""Modes of the norm in which the networks of the opposite mistake are trained."""
RATES = (1, 10)
"""Times the learning rate, for them."""
DOMAIN = (0.5, 1.0)
"""Pictures of another domain: half the contrast, and brighter by one standard deviation of the pixels."""
DOMAIN_STATES = ("same", "other", "train_mode", "recalibrated", "back")
"""What is tried on them: eval mode on the old pictures, on the new ones, train mode on the new ones, eval
mode on the new ones after recalibration, and then on the old ones again."""
ORDERS = ("shuffled", "sorted")
"""How the batches of the fine-tuning are made up: at random, or of one class each."""
STATES = ("train", "frozen")
"""What fine-tuning does with the running statistics."""
TUNING_STEPS = (0, 1, 3, 10, 30, 60, 120)
"""Steps of fine-tuning after which it is measured."""
SLOWER = 0.1
"""Learning rate of the fine-tuning, in terms of the training's."""
KEEPS = (0.95, 0.8, 0.5)
"""Shares of the values that a dropout before a norm lets through."""

_NOTE_BYTES = 4000  # bound on the notes of one frame, as JSON
_HEAD_BYTES = 8 + 8  # head of a frame and its mask, at most
_FRAMES_AFTER = 90 + COMPANIES  # bound on the frames after training


def repairs(spec: ForgottenEval) -> tuple[str, ...]:
    """What is compared at the end: two harms, then what mends or avoids them."""
    return ("train_mode", "after_pass", "eval", "recalibrated", "frozen", *spec.others)


def schema(spec: ForgottenEval) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "seed": spec.seed_values,
        "spread": ("mean", "low", "high", "sd"),
        "size": BATCH_SIZES,
        "sorted_size": SORTED_SIZES,
        "layer": tuple(range(1, spec.depth + 1)),
        "other": spec.others,
        "repair": repairs(spec),
        "label": LABEL_ROWS,
        "pass": PASSES,
        "dropout": ("eval", *DROPOUT_SIZES),
        "trained_in": TRAINED_IN,
        "rate": tuple(rate * spec.lr for rate in RATES),
        "point": spec.opposite_steps,
        "domain": (*DOMAIN_STATES, *spec.others),
        "order": ORDERS,
        "state": STATES,
        "tuning": TUNING_STEPS,
        "keep": KEEPS,
    }
    facts = {
        "steps": spec.steps,
        "norm": spec.norm,
        "network": spec.network,
        "deploy_batch": spec.deploy_batch,
    }
    return Schema((*during(spec), *after(spec)), labels, facts)


def during(spec: ForgottenEval) -> tuple[Array, ...]:
    """Arrays of the training."""
    return tuple(_arrays(spec, _DURING))


def after(spec: ForgottenEval) -> tuple[Array, ...]:
    """Arrays of what follows."""
    return tuple(_arrays(spec, _AFTER))


_DURING = (
    ("loss", "seed", "nats"),
    ("curve_eval", "seed", "%"),
    ("curve_train", "seed", "%"),
    ("running_mean", "layer channel", ""),
    ("running_var", "layer channel", ""),
    ("batch_mean", "layer channel", ""),
    ("batch_var", "layer channel", ""),
)
_AFTER = (
    ("eval_error", "seed", "%"),
    ("eval_level", "spread end", "%"),
    ("shuffled", "seed size", "%"),
    ("sorted", "seed sorted_size", "%"),
    ("flip_share", "seed", "%"),
    ("flip_images", "row strip", ""),
    ("flip_labels", "label sample", ""),
    ("flip_wrong", "label sample", ""),
    ("company_image", "row column", ""),
    ("company_p", "company", "%"),
    ("company_label", "company", ""),
    ("company_wrong", "company", ""),
    ("company_eval", "end", "%"),
    ("after_shuffled", "seed sorted_size", "%"),
    ("after_sorted", "seed sorted_size", "%"),
    ("pass_mean", "pass layer channel", ""),
    ("pass_var", "pass layer channel", ""),
    ("pass_shift", "layer channel", "SD"),
    ("pass_doublings", "layer channel", "log2"),
    ("other_shuffled", "seed other size", "%"),
    ("repair", "seed repair", "%"),
    ("dropout", "seed dropout", "%"),
    ("opposite", "seed trained_in rate point", "%"),
    ("opposite_diverged", "trained_in rate point", "%"),
    ("domain", "seed domain", "%"),
    ("tuned", "seed order state tuning", "%"),
    ("keep_measured", "keep channel", ""),
    ("keep_formula", "keep channel", ""),
)
_WITH_SPREAD = {
    "loss", "curve_eval", "curve_train", "shuffled", "sorted", "after_shuffled", "after_sorted",
    "other_shuffled", "repair", "dropout", "opposite", "domain", "tuned",
}  # fmt: skip


def _arrays(spec: ForgottenEval, rows: Sequence[tuple[str, str, str]]) -> Iterator[Array]:
    count = {
        "seed": spec.seeds,
        "spread": 4,
        "size": len(BATCH_SIZES),
        "sorted_size": len(SORTED_SIZES),
        "layer": spec.depth,
        "channel": CHANNELS,
        "other": len(spec.others),
        "repair": len(repairs(spec)),
        "label": len(LABEL_ROWS),
        "pass": len(PASSES),
        "dropout": 1 + len(DROPOUT_SIZES),
        "end": 2,
        "trained_in": len(TRAINED_IN),
        "rate": len(RATES),
        "point": len(spec.opposite_steps),
        "domain": len(DOMAIN_STATES) + len(spec.others),
        "order": len(ORDERS),
        "state": len(STATES),
        "tuning": len(TUNING_STEPS),
        "keep": len(KEEPS),
        "sample": SAMPLES,
        "company": COMPANIES,
        "row": SIDE,
        "column": SIDE,
        "strip": SAMPLES * (SIDE + 1) - 1,
    }
    for name, axes, unit in rows:
        named = tuple(axes.split())
        yield Array(name, tuple(count[axis] for axis in named), "f4", named, unit)
        if name in _WITH_SPREAD:
            named = ("spread", *named[1:])
            yield Array(f"{name}_spread", tuple(count[axis] for axis in named), "f4", named, unit)


def nbytes(spec: ForgottenEval) -> float:
    """Bytes of all frames, at most."""
    training = sum(array.nbytes for array in during(spec)) + _HEAD_BYTES + _NOTE_BYTES
    acts = sum(array.nbytes for array in after(spec)) + _HEAD_BYTES + _NOTE_BYTES
    return float(training * (len(spec.curve_steps) + spec.steps // LOSS_EVERY) + acts * _FRAMES_AFTER)


# --- the answer -------------------------------------------------------------------------------------


def answer(recording: Recording) -> dict[str, Any]:
    """Errors and shares in percent, each as mean and SD over the seeds, by batch size where it varies.

    A batch size that the network refuses has no entry; of networks that all diverged there is None.  The
    opposite mistakes are told where the norm keeps running statistics.
    """
    labels = recording.schema.labels

    def table(labels: Sequence[object], name: str) -> dict[str, Any]:
        columns = zip(labels, recording.at(name).T, strict=True)
        return {str(label): spread(column) for label, column in columns if np.isfinite(column).any()}

    told = {
        "eval_error": spread(recording.at("eval_error")),
        "train_mode_error": {
            "shuffled": table(BATCH_SIZES, "shuffled"),
            "sorted": table(SORTED_SIZES, "sorted"),
        },
        "flips": spread(recording.at("flip_share")),
        "after_pass": {
            "shuffled": table(SORTED_SIZES, "after_shuffled"),
            "sorted": table(SORTED_SIZES, "after_sorted"),
        },
        "repairs": table(labels["repair"], "repair"),
        "dropout": table(labels["dropout"], "dropout"),
    }
    if not NORMS[str(recording.schema.facts["norm"])].running_statistics:
        return told
    tuned, opposite = recording.at("tuned")[..., -1], recording.at("opposite")[..., -1]
    return {
        **told,
        "trained_in": {
            mode: {f"lr {rate:g}": spread(opposite[:, m, r]) for r, rate in enumerate(labels["rate"])}
            for m, mode in enumerate(TRAINED_IN)
        },
        "domain": table(labels["domain"], "domain"),
        "tuned": {
            order: {state: spread(tuned[:, o, s]) for s, state in enumerate(STATES)}
            for o, order in enumerate(ORDERS)
        },
    }
