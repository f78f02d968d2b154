"""The numbers of the pages that compute in the browser, as CSV.

``ui/assets/page_tables.js`` writes the same there.

Start, one row a digit: its number (as in the page's link, from 0), its label, the batch in which it stands,
and in each mode the answer with its probability; in train mode both are empty where torch raises.

Anatomy, one row a cell: its number (as in the link), where it stands (from 1), ``group`` (1: it shares its
mean and variance with the chosen cell), x, mean, variance (the mean square of RMS and filter response norm,
‖v‖² of weight norm; neither where nothing is averaged), xhat, y, and the gradients: dy, which is 1 at the
chosen cell, and dx.
"""

from __future__ import annotations

import csv as files
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Recording
from normviz.specs.anatomy import Anatomy
from normviz.specs.start import Start

_PLACES = {
    "1d": ("sample", "channel"),
    "2d": ("sample", "channel", "row", "column"),
    "sequence": ("sample", "channel", "step"),
    "weights": ("unit", "weight"),
}
_POINTWISE = ("none", "dyt")


def digits(spec: Start, recording: Recording, order: Sequence[int]) -> str:
    """The tiles of Start: what a recorded network says of the first digits, dealt in this order."""
    labels, batch = recording.at("labels")[: len(order)], spec.batch
    evaluated, trained = _predicted(recording, sorted(order)), np.full((len(order), 10), np.nan)
    if batch > 1:  # torch raises at 1
        for at in range(0, len(order), batch):
            mates = list(order[at : at + batch])
            trained[mates] = _predicted(recording, mates, training=True)
    place = {digit: at // batch + 1 for at, digit in enumerate(order)}
    modes = (f"{mode} {what}" for mode in ("eval", "train") for what in ("answer", "probability"))
    head = ("digit", "label", "batch", *modes)
    return _csv(
        head,
        ((i, label, place[i], *_said(evaluated[i]), *_said(trained[i])) for i, label in enumerate(labels)),
    )


def cells(spec: Anatomy, recording: Recording) -> str:
    """Anatomy's tensor, cell by cell."""
    names = ["x", "mean", "variance", "xhat", "y", "dy", "dx"]
    if spec.norm in _POINTWISE:
        names = [name for name in names if name not in ("mean", "variance")]
    values = {name: recording.at(name) for name in names if name != "dy"}
    values["dy"] = np.eye(spec.cells)[spec.chosen]
    places = np.argwhere(np.ones(spec.shape)) + 1
    group = recording.at("group")
    return _csv(
        ("cell", *_PLACES["weights" if spec.on_weights else spec.form], "group", *names),
        (
            (i, *places[i], group[i], *(_number(values[name][i]) for name in names))
            for i in range(spec.cells)
        ),
    )  # fmt: skip


def _predicted(recording: Recording, at: Sequence[int], training: bool = False) -> NDArray[np.float64]:
    """Probabilities of the classes, [len(at), 10]; in training mode these digits are one batch."""
    facts = recording.schema.facts

    def held(name: str) -> NDArray[np.float64]:
        return recording.at(name).astype(np.float64)

    x = (held("images")[list(at)].reshape(len(at), -1) / 16 - facts["pixel_mean"]) / facts["pixel_sd"]
    for layer in range(1, facts["layers"] + 1):
        x = x @ held(f"dense{layer}.weight").T + held(f"dense{layer}.bias")
        if layer < facts["layers"]:
            norm = f"norm{layer}."
            mean, var = (held(f"{norm}running_{one}") for one in ("mean", "var"))
            if training:
                mean, var = x.mean(0), x.var(0)
            x = (x - mean) / np.sqrt(var + facts["eps"]) * held(f"{norm}weight") + held(f"{norm}bias")
            x = np.maximum(x, 0)
    p = np.exp(x - x.max(1, keepdims=True))
    shares: NDArray[np.float64] = p / p.sum(1, keepdims=True)
    return shares


def _said(p: NDArray[np.float64]) -> tuple[Any, str]:
    """The answer and its probability."""
    return ("", "") if np.isnan(p).any() else (int(p.argmax()), _number(p.max()))


def _number(value: Any) -> str:
    return f"{value:.9g}"


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = files.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
