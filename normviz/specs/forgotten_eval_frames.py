"""What a run of the forgotten eval() records: its schema, how many bytes it takes, the answer read from it.

Errors and shares are in percent.  An array ``x_spread`` holds mean, mean - SD, mean + SD and SD of the array
``x`` over the seeds.  Whatever is measured after the training is NaN until it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Array, Recording, Schema

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

_NOTE_BYTES = 3000  # bound on the notes of one frame, as JSON
_HEAD_BYTES = 8 + 8  # head of a frame and its mask, at most
_FRAMES_AFTER = 60 + COMPANIES  # bound on the frames after training


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
)
_WITH_SPREAD = {
    "loss", "curve_eval", "curve_train", "shuffled", "sorted", "after_shuffled", "after_sorted",
    "other_shuffled", "repair", "dropout",
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

    A batch size that the network refuses has no entry.
    """

    def table(labels: Sequence[object], name: str) -> dict[str, Any]:
        columns = zip(labels, recording.at(name).T, strict=True)
        return {str(label): spread(column) for label, column in columns if np.isfinite(column).any()}

    return {
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
        "repairs": table(recording.schema.labels["repair"], "repair"),
        "dropout": table(recording.schema.labels["dropout"], "dropout"),
    }


def spread(values: NDArray[Any]) -> dict[str, float | int | None]:
    """Mean and sample standard deviation over the seeds that have a value, and how many they are."""
    known = values[np.isfinite(values)]
    mean = float(np.mean(known, dtype=np.float64)) if len(known) else None
    sd = float(np.std(known, ddof=1, dtype=np.float64)) if len(known) > 1 else None
    return {"mean": mean, "sd": sd, "seeds": len(known)}
