"""What the experiment Sequences records: its schema, how many bytes it takes, and the answer read from it.

Legend: V variants (norms), S seeds, T steps of a sequence, D depths, G variants of which there are
transformers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Array, Recording, Schema
from normviz.specs.spreads import spread
from normviz.specs.train_frames import HEAD_BYTES

if TYPE_CHECKING:
    from normviz.specs.sequences import Sequences

EVERY = 5
"""Training steps between two frames."""
EVALUATE_EVERY = 10
"""Training steps between two evaluations."""
LEAK_EVERY = 30
"""Training steps between two looks at who sees the future."""
TESTED = 200
"""Test samples, the first ones, on which the accuracy is evaluated."""
WATCHED = 6
"""Sequences of a batch whose future is changed, one after the other."""
DEPTHS = (2, 4, 8, 16, 32, 48)
"""Depths of the transformers whose gradient is measured at initialization, as far as the spec goes."""
ASYMPTOTIC = 8
"""Depth from which on theory speaks of pre-norm."""
DEEP_BATCH = 16
"""Sequences of the batch on which it is measured."""
APPENDED = (4, 8, 16, 32)
"""Steps of padding that are appended to a batch."""
PLACES = ("before", "after")
"""Pre-norm and post-norm."""
NOTHING = 1e-9
"""Where a logarithmic axis draws an exact zero."""
MOST_NOTES = 20
"""Notes of one frame."""
NOTE_BYTES = 220
"""Of one note as JSON, at most."""


def recorded_steps(spec: Sequences) -> tuple[int, ...]:
    """Steps taken when a frame is recorded."""
    return tuple(range(0, spec.training_steps + 1, EVERY))


def evaluated_steps(spec: Sequences) -> tuple[int, ...]:
    """Recorded steps at which the accuracy is evaluated."""
    return tuple(range(0, spec.training_steps + 1, EVALUATE_EVERY))


def leak_steps(spec: Sequences) -> tuple[int, ...]:
    """Recorded steps at which futures are changed."""
    return tuple(sorted({*range(0, spec.training_steps + 1, LEAK_EVERY), spec.training_steps}))


def arrays(spec: Sequences) -> tuple[Array, ...]:
    """Everything that is recorded; what has not been measured yet is NaN or absent.

    | name | is |
    | --- | --- |
    | leak_own | relative change of a sequence's answers at each step when its own future is changed |
    | leak_mates | of its batch-mates' answers |
    | leak_eval | greatest change before the changed step, own or batch-mates', in evaluation mode |
    | gap | relative difference between training and evaluation mode at each step |
    | gap_pooled | the same with running statistics of all steps together, for norms over the batch by step |
    | alone | relative change of a sequence's answers when it is alone in its batch; NaN: refused |
    | padding | relative change of the answer when padding is appended: left out of statistics, or not |
    | grad_depth | norm of the gradient by the last feed-forward block's second matrix, at initialization |
    | grad_layer | the same for each layer of the deepest transformer |

    A relative change is |Δz|/|z| of the logits z; medians over sequences and seeds.  ``…_drawn`` has
    `NOTHING` in place of exact zeros.
    """
    v, s, t, g, d = len(spec.norms), spec.seeds, spec.length, len(spec.deep_norms), len(spec.depths)
    by_member, by_step, by_depth = ("variant", "seed"), ("variant", "time"), ("deep", "place", "depth")
    p = len(APPENDED)
    moved = "relative change"
    found = [
        Array("time", (t,), "f4", ("time",), "step"),
        Array("loss", (v, s), "f4", by_member, "nats"),
        *(Array(f"loss_{one}", (v,), "f4", ("variant",), "nats") for one in ("median", "low", "high")),
        Array("accuracy", (v, s), "f4", by_member, "share of the test samples"),
        Array("accuracy_median", (v,), "f4", ("variant",), "share of the test samples"),
        *(
            Array(f"{name}{ending}", (v, t), "f4", by_step, moved)
            for name in ("leak_own", "leak_mates", "gap", "alone", *(["gap_pooled"] if pooled(spec) else []))
            for ending in ("", "_drawn")
        ),
        Array("leak_eval", (v,), "f4", ("variant",), moved),
        *(
            Array(f"padding{ending}", (2, v, p), "f4", ("masking", "variant", "appended"), moved)
            for ending in ("", "_drawn")
        ),
    ]
    if g:
        found += [
            *(Array(f"grad_depth_{one}", (g, 2, d), "f4", by_depth) for one in ("median", "low", "high")),
            Array("grad_layer", (g, 2, spec.depths[-1]), "f4", ("deep", "place", "block")),
            Array("theory_pre", (d,), "f4", ("depth",)),
        ]
    return tuple(found)


def pooled(spec: Sequences) -> bool:
    """Whether there is a norm with running statistics for each step, to compare with pooled ones."""
    return spec.network != "transformer" and bool(over_batch(spec.norms))


def over_batch(norms: Iterable[str]) -> tuple[str, ...]:
    """Norms whose statistics are taken over the batch: batch norm and its relatives."""
    return tuple(norm for norm in norms if NORMS[norm].family == "batch")


def schema(spec: Sequences) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": spec.norms,
        "seed": spec.seed_values,
        "time": tuple(range(1, spec.length + 1)),
        "deep": spec.deep_norms,
        "place": PLACES,
        "depth": spec.depths,
        "masking": ("masked", "unmasked"),
        "appended": APPENDED,
    }
    facts = {"steps": spec.training_steps, "classes": spec.data.classes, "changed_from": spec.changed_from}
    return Schema(arrays(spec), labels, facts)


def nbytes(spec: Sequences) -> float:
    """Bytes of all frames, at most."""
    frames = len(recorded_steps(spec)) + len(spec.depths) + 10
    size = {one.name: one.nbytes for one in arrays(spec)}
    often = sum(size[name] for name in size if name.startswith(("loss", "accuracy")))
    leaks = sum(size[name] for name in size if name.startswith("leak"))
    rest = sum(size.values()) * (len(spec.depths) + 5)
    return float(
        frames * (often + HEAD_BYTES + MOST_NOTES * NOTE_BYTES) + len(leak_steps(spec)) * leaks + rest
    )


# --- the answer -----------------------------------------------------------------------------------------


def answer(spec: Sequences, recording: Recording, v: int) -> dict[str, Any]:
    """What came of one variant; changes are those at the end of the training, in training mode."""
    norm, before = spec.norms[v], spec.changed_from
    accuracy = recording.at("accuracy")[v]
    told: dict[str, Any] = {
        "accuracy": spread(accuracy),
        "future_seen": _plain(recording.at("leak_own")[v, :before].max()),
        "mates_seen": _plain(recording.at("leak_mates")[v].max()),
        "seen_in_eval": _plain(recording.at("leak_eval")[v]),
        "alone_moved": _plain(np.median(recording.at("alone")[v])),
        "padding_masked": _plain(recording.at("padding")[0, v, -1]),
        "padding_unmasked": _plain(recording.at("padding")[1, v, -1]),
        "train_eval_gap": _plain(np.nanmax(recording.at("gap")[v])),
    }
    if norm in spec.deep_norms:
        pre, post = recording.at("grad_depth_median")[spec.deep_norms.index(norm)]
        told["post_to_pre"] = {
            str(depth): _plain(b / a) for depth, a, b in zip(spec.depths, pre, post, strict=True)
        }
        told["pre_deepest_to_8"] = _plain(falls(spec, pre))
    return told


def falls(spec: Sequences, row_D: NDArray[Any]) -> float:
    """Gradient of the deepest transformer, divided by that of the one with 8 layers."""
    return float(row_D[-1] / row_D[spec.depths.index(ASYMPTOTIC)])


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
