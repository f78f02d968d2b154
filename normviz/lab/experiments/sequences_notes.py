"""What to look for in networks that read sequences: which of the recorded numbers deserve a sentence.

Every threshold stands here, and a note is made only of numbers that the charts show.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences

GUESSING = 0.10
"""A variant still guesses while its accuracy is less than this above that of guessing."""
PATIENCE = 60
"""Steps before which nobody is blamed for guessing."""
LARGER = 2.0
"""Ratio of the gradients of post-norm and pre-norm from which on it is pointed out."""
EXPLODED = 100.0
"""Gradient without normalization from which on it is pointed out: it leaves the chart."""
ROUNDING = 1e-4
"""Relative change below which float32 may have only rounded differently."""
EVIDENT = 1e-3
"""Relative change from which on it is pointed out."""

Numbers = dict[str, float | int | str]


def notes(spec: Sequences, arrays: Any, refused: Mapping[int, str] | None = None) -> tuple[Note, ...]:
    """The notes of a frame, from all arrays as they stand (NaN: not measured yet), most telling first.

    ``refused``: what variants say, by their positions, that refuse a batch of one.
    """
    seen = _Seen(spec, arrays)
    found = [*seen.diverged(), *seen.standing(), *seen.future(), *seen.batch_mates()]
    found += seen.alone(refused or {})
    # What the third chart shows comes first: depths of a transformer, modes of a recurrence.
    more = (seen.depths, seen.padding, seen.gaps)
    for look in more if spec.network == "transformer" else reversed(more):
        found += look()
    return tuple(found[: recorded.MOST_NOTES])


class _Seen:
    def __init__(self, spec: Sequences, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.spec, self.arrays = spec, arrays
        self.labels = [_label(norm) for norm in spec.norms]
        self.step: int = getattr(arrays, "step", spec.training_steps)

    def alone(self, refused: Mapping[int, str]) -> Iterator[Note]:
        """What becomes of a sequence that is alone in its batch, in the median over its steps."""
        changes = np.median(self.arrays["alone"], axis=1)
        for v, words in refused.items():
            yield Note("sequences.alone_refused", {"norm": self.labels[v], "words": words})
        for v in np.flatnonzero(changes > EVIDENT).tolist():
            numbers: Numbers = {
                "norm": self.labels[v], "share": _rounded(changes[v]), "batch": self.spec.batch_size,
            }  # fmt: skip
            yield Note("sequences.alone_moved", numbers)
        same = [self.labels[v] for v in np.flatnonzero(changes < ROUNDING).tolist()]
        if same:
            yield Note("sequences.alone_same", {"norms": ", ".join(same), "batch": self.spec.batch_size})

    # --- the race -----------------------------------------------------------------------------------

    def diverged(self) -> Iterator[Note]:
        """Variants of which seeds were lost."""
        accuracy = self.arrays["accuracy"]
        lost = np.isnan(accuracy).sum(1)
        for v in np.flatnonzero(lost).tolist():
            if np.isfinite(accuracy).any():
                numbers: Numbers = {"norm": self.labels[v], "n": int(lost[v]), "of": accuracy.shape[1]}
                yield Note("sequences.diverged", numbers)

    def standing(self) -> Iterator[Note]:
        """Where the best and the worst variant stand, by their median over the seeds."""
        accuracy, seeds = self.arrays["accuracy_median"], self.arrays["accuracy"]
        if not np.isfinite(accuracy).any():
            return
        best, worst = int(np.nanargmax(accuracy)), int(np.nanargmin(accuracy))
        low, high = _rounded(accuracy[worst]), _rounded(accuracy[best])
        chance = 1 / self.spec.data.classes
        if self.step == 0:
            if best != worst:
                yield Note("sequences.start", {"low": low, "high": high, "chance": _rounded(chance)})
            return
        numbers: Numbers = {"step": self.step, "best": self.labels[best], "high": high}
        lagging = [
            label
            for label, own in zip(self.labels, accuracy, strict=True)
            if np.isfinite(own) and own < chance + GUESSING
        ]
        if self.step >= PATIENCE and lagging:
            named: Numbers = {"norms": ", ".join(lagging), "step": self.step, "chance": _rounded(chance)}
            post = self.spec.network == "transformer" and self.spec.placement == "after"
            yield Note("sequences.guessing_post" if post else "sequences.guessing", named)
            if len(lagging) == len(self.labels):
                return
            yield Note("sequences.best", numbers)
        elif low == high and len(self.labels) > 1:
            yield Note("sequences.even", {"step": self.step, "high": high})
        elif best == worst:
            yield Note("sequences.best", numbers)
        else:
            numbers |= {"worst": self.labels[worst], "low": low}
            overlap = np.nanmax(seeds[worst]) >= np.nanmin(seeds[best])
            yield Note("sequences.overlapping" if overlap else "sequences.standing", numbers)

    # --- who looks where ----------------------------------------------------------------------------

    def future(self) -> Iterator[Note]:
        """Who is moved by a change that lies in the future, and who is not."""
        start = self.spec.changed_from
        before = self.arrays["leak_own"][:, :start]
        if not np.isfinite(before).any():
            return
        moved = np.nan_to_num(before.max(1))
        blind = [label for label, one in zip(self.labels, before, strict=True) if (one == 0).all()]
        numbers: Numbers = {"start": start + 1}
        if not self.spec.causal:
            # Everybody is moved by attention: what a norm adds to that cannot be told apart.
            known = before.max(1)[np.isfinite(before).all(1)]
            if len(known) and known.min() >= EVIDENT:
                ends = {"low": _rounded(known.min()), "high": _rounded(known.max())}
                yield Note("sequences.future_attended", {**numbers, **ends})
            return
        seeing = np.flatnonzero(moved >= EVIDENT).tolist()
        if seeing:
            worst = int(moved.argmax())
            told: Numbers = {"norms": ", ".join(self.labels[v] for v in seeing), "worst": self.labels[worst]}
            yield Note("sequences.future_seen", {**numbers, **told, "share": _rounded(moved[worst])})
        if blind and len(blind) == len(self.labels):
            yield Note("sequences.future_all_blind", numbers)
        elif blind:
            yield Note("sequences.future_blind", {**numbers, "norms": ", ".join(blind)})

    def batch_mates(self) -> Iterator[Note]:
        """Who is moved by what another sequence of the batch says."""
        mates = self.arrays["leak_mates"]
        if not np.isfinite(mates).any():
            return
        moved = np.nan_to_num(mates.max(1))
        v = int(moved.argmax())
        if moved[v] >= EVIDENT:
            yield Note("sequences.mates_seen", {"norm": self.labels[v], "share": _rounded(moved[v])})
        elif not moved.any():
            yield Note("sequences.mates_unseen", {})
        evaluated = self.arrays["leak_eval"]
        if moved[v] >= EVIDENT and evaluated[v] == 0:
            yield Note("sequences.eval_blind", {"norm": self.labels[v]})

    # --- depth --------------------------------------------------------------------------------------

    def depths(self) -> Iterator[Note]:
        """Post-norm against pre-norm, and how pre-norm's gradient falls with depth."""
        chosen = [norm for norm in ("layer", "rms") if norm in self.spec.deep_norms]
        if not chosen:
            return
        by_norm = self.arrays["grad_depth_median"]
        pre, post = by_norm[self.spec.deep_norms.index(chosen[0])]
        known = np.flatnonzero(np.isfinite(pre) & np.isfinite(post) & (pre > 0))
        if not len(known):
            return
        last, deepest = int(known[-1]), self.spec.depths[-1]
        depth = self.spec.depths[last]
        times = float(post[last] / pre[last])
        numbers: Numbers = {"norm": _label(chosen[0]), "depth": depth}
        if times >= LARGER:
            yield Note("sequences.post_larger", {**numbers, "times": _rounded(times)})
        ratio = recorded.falls(self.spec, pre)
        if depth == deepest > recorded.ASYMPTOTIC and ratio < 1:
            expected = math.sqrt(recorded.ASYMPTOTIC / deepest)
            yield Note(
                "sequences.pre_falls", {**numbers, "ratio": _rounded(ratio), "theory": _rounded(expected)}
            )
        if "none" in self.spec.deep_norms:
            free = float(by_norm[self.spec.deep_norms.index("none"), 0, last])
            if free > EXPLODED:
                yield Note("sequences.free_explodes", {"depth": depth, "size": _rounded(free)})

    # --- padding, and evaluation mode ---------------------------------------------------------------

    def padding(self) -> Iterator[Note]:
        """Who is moved by more padding, and whether leaving it out helps."""
        table = self.arrays["padding"]
        if not np.isfinite(table).any():
            return
        masked, unmasked = (np.nan_to_num(one[:, -1]) for one in table)
        more = recorded.APPENDED[-1]
        over_batch = recorded.over_batch(self.spec.norms)
        for v, norm in enumerate(self.spec.norms):
            numbers: Numbers = {"norm": self.labels[v], "more": more, "share": _rounded(unmasked[v])}
            if norm in over_batch and unmasked[v] >= EVIDENT and masked[v] < ROUNDING:
                yield Note("sequences.padding_batch", numbers)
            elif norm not in over_batch and masked[v] >= EVIDENT:
                yield Note("sequences.padding_seen", {**numbers, "share": _rounded(masked[v])})
        if unmasked.max() < ROUNDING and masked.max() < ROUNDING:
            yield Note("sequences.padding_unseen", {"more": more})

    def gaps(self) -> Iterator[Note]:
        """Training against evaluation mode, where they differ."""
        gap = self.arrays["gap"]
        for norm in recorded.over_batch(self.spec.norms):
            v = self.spec.norms.index(norm)
            if not np.isfinite(gap[v]).any():
                continue
            share, batch = _rounded(np.nanmedian(gap[v])), self.spec.batch_size
            numbers: Numbers = {"norm": self.labels[v], "share": share, "batch": batch}
            alike = "sequences.gap_closed" if share < ROUNDING else "sequences.gap"
            if not recorded.pooled(self.spec):
                yield Note(alike, numbers)
                continue
            pooled = self.arrays["gap_pooled"][v]
            if np.isfinite(pooled).any():
                numbers |= {"first": _rounded(gap[v, 0]), "pooled": _rounded(pooled[0])}
                worse = pooled[0] > gap[v, 0]
                yield Note("sequences.gap_by_step" if worse else alike, numbers)


def _label(norm: str) -> str:
    """How sentences name a variant."""
    return NORMS[norm].label if norm != "none" else "No normalization"


def _rounded(value: Any) -> float:
    return float(f"{float(value):.4g}")
