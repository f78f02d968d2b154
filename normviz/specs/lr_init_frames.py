"""What the maps of learning rates × gains record: their schema, its bytes, and the answer read from it.

Legend: V variants (norms), G gains, R learning rates, C = G·R cells, row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from normviz.frames import Array, Recording, Schema

if TYPE_CHECKING:
    from normviz.specs.lr_init import LrInit

LEARNED = 0.90
"""Test accuracy above which a cell counts as one that learned."""
MOST_NOTES = 5
"""Notes of one frame."""
NOTE_BYTES = 220
"""Of one note as JSON, at most."""
HEAD_BYTES = 8 + 8
"""Head of a frame and its mask, at most."""


def constants(spec: LrInit) -> tuple[Array, ...]:
    """Arrays of the first frame alone.  In double precision: a link to a cell is made of them."""
    cells = spec.grid**2
    return (
        Array("rates", (spec.grid,), "f8", ("rate",)),
        Array("gains", (spec.grid,), "f8", ("gain",)),
        Array("cell_rates", (cells,), "f8", ("cell",)),
    )


def each(spec: LrInit) -> tuple[Array, ...]:
    """Arrays of every frame."""
    v, n = len(spec.norms), spec.grid
    cells = ("variant", "cell")
    return (
        # NaN: the network has diverged.
        Array("test_accuracy", (v, n, n), "f4", ("variant", "gain", "rate"), "share of the test split"),
        Array("learned", (v,), "f4", ("variant",), "cells"),
        Array("share", (v,), "f4", ("variant",), "share of the cells"),  # not before the first step
        Array("ended", (v,), "f4", ("variant",), "share of the cells"),  # at the last one alone
        # Where a mark stands: the gain of the cell, or NaN for no mark.
        Array("learned_at", (v, n * n), "f8", cells),
        Array("diverged_at", (v, n * n), "f8", cells),
        Array("diverged_step", (v, n * n), "f4", cells, "step"),
        Array("best_by_rate", (v, n), "f4", ("variant", "rate"), "share of the test split"),
        Array("best_by_gain", (v, n), "f4", ("variant", "gain"), "share of the test split"),
    )


def schema(spec: LrInit) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": spec.norms,
        "rate": spec.rates,
        "gain": spec.gains,
    }
    facts = {"steps": spec.steps, "frames": len(spec.recorded_steps)}
    return Schema((*constants(spec), *each(spec)), labels, facts)


def nbytes(spec: LrInit) -> float:
    """Bytes of all frames, at most."""
    often = sum(array.nbytes for array in each(spec)) + HEAD_BYTES + NOTE_BYTES * MOST_NOTES
    return float(sum(array.nbytes for array in constants(spec)) + often * len(spec.recorded_steps))


def answer(spec: LrInit, recording: Recording, v: int) -> dict[str, Any]:
    """What came of one norm's map."""
    accuracy = recording.at("test_accuracy")[v]
    told: dict[str, Any] = {
        "over_90": int(recording.at("learned")[v]),
        "diverged": int(np.isnan(accuracy).sum()),
    }
    if np.isfinite(accuracy).any():
        row, column = np.unravel_index(np.nanargmax(accuracy), accuracy.shape)
        told["best"] = {
            "test_accuracy": float(accuracy[row, column]),
            "lr": spec.rates[int(column)],
            "gain": spec.gains[int(row)],
        }
    return told
