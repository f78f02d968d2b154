"""What to look for in the regularization: which intervals overlap, and what may be said of it.

Every threshold stands here, and a note is made only of numbers that the charts of the same frame show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Note
from normviz.specs.regularization_frames import HIGH, LOW, MEAN, MOST_NOTES, PAIRS, VARIANTS, overlap

LEARNED = 1.0
"""Mean training error (%) of every variant up to which the training samples count as learned by heart."""
UNDERFIT = 5.0
"""Mean training error (%) of a variant from which on its test error is no matter of regularization."""

Arrays = Mapping[str, NDArray[Any]]
Numbers = dict[str, float | int | str]


def notes(step: int, arrays: Arrays) -> tuple[Note, ...]:
    """The notes of a frame; nothing is judged before there is training."""
    test = arrays["test_error_interval"]
    if step == 0 or not np.isfinite(test).all():
        return ()
    train = arrays["train_error_interval"][MEAN]
    behind = [name for v, name in enumerate(VARIANTS) if train[v] > UNDERFIT]
    judged = [
        note
        for one, other, said in (
            ("batch", "dropout", _pair), ("batch", "dropout", _paired), ("dropout", "none", _pair),
            ("batch", "none", _pair), ("batch", "layer", _control),
        )
        if one not in behind and other not in behind
        for note in said(arrays, one, other)
    ]  # fmt: skip
    return (*_underfit(train, behind), *_fit(arrays), *judged)[:MOST_NOTES]


def _underfit(train: NDArray[Any], behind: list[str]) -> Iterator[Note]:
    """The variant that has learned least, if any has learned too little."""
    if behind:
        worst = int(train.argmax())
        label = list(VARIANTS.values())[worst].label
        yield Note("regularization.underfit", {"variant": label, "train": _rounded(train[worst])})


def _fit(arrays: Arrays) -> Iterator[Note]:
    """How well the training samples are known, and by how much the test is worse."""
    train, gap = arrays["train_error_interval"][MEAN], arrays["gap_interval"][MEAN]
    numbers: Numbers = {
        "train": _rounded(train.max()), "low": _rounded(gap.min()), "high": _rounded(gap.max()),
        "least": list(VARIANTS.values())[int(gap.argmin())].label,
        "most": list(VARIANTS.values())[int(gap.argmax())].label,
    }  # fmt: skip
    if train.max() <= LEARNED:
        yield Note("regularization.learned", numbers)
    elif train.max() <= UNDERFIT:
        yield Note("regularization.learning", numbers)


def _pair(arrays: Arrays, one: str, other: str) -> Iterator[Note]:
    """Two intervals: they overlap, or one lies below the other."""
    a, b = _interval(arrays, one), _interval(arrays, other)
    if overlap(a, b):
        kind = "open" if (one, other) == ("batch", "dropout") else "overlap"
    else:
        kind = "apart"
        if a[MEAN] > b[MEAN]:
            one, other, a, b = other, one, b, a
    numbers: Numbers = {
        "one": VARIANTS[one].label, "low": _rounded(a[LOW]), "high": _rounded(a[HIGH]),
        "other": VARIANTS[other].label, "other_low": _rounded(b[LOW]), "other_high": _rounded(b[HIGH]),
    }  # fmt: skip
    yield Note(f"regularization.{kind}", numbers)


def _control(arrays: Arrays, one: str, other: str) -> Iterator[Note]:
    """Batch norm beside the norm that has no batch noise."""
    a, b = _interval(arrays, one), _interval(arrays, other)
    numbers: Numbers = {"batch": _rounded(a[MEAN]), "layer": _rounded(b[MEAN])}
    if overlap(a, b):
        yield Note("regularization.control_alike", numbers)
    else:
        kind = "better" if a[MEAN] < b[MEAN] else "worse"
        yield Note(f"regularization.control_{kind}", numbers)


def _paired(arrays: Arrays, one: str, other: str) -> Iterator[Note]:
    """Batch norm against dropout within the seeds."""
    row = arrays["difference_interval"][:, PAIRS.index((one, other))]
    numbers: Numbers = {name: _rounded(row[i]) for name, i in (("mean", MEAN), ("low", LOW), ("high", HIGH))}
    inside = row[LOW] <= 0 <= row[HIGH]
    yield Note("regularization.paired_zero" if inside else "regularization.paired", numbers)


def _interval(arrays: Arrays, variant: str) -> NDArray[Any]:
    return arrays["test_error_interval"][:, list(VARIANTS).index(variant)]


def _rounded(value: Any) -> float:
    """Four digits are more than a sentence shows."""
    return float(f"{float(value):.4g}")
