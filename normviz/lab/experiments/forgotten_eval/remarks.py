"""Which sentences the numbers bear out.  The sentences are in ``normviz.readings.forgotten_eval``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from normviz.catalog.norms import NORMS
from normviz.frames import Note
from normviz.lab.experiments.forgotten_eval.tables import Tables
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.forgotten_eval_frames import (
    BATCH_SIZES,
    COMPANIES,
    DOMAIN_STATES,
    DRAWS,
    DROPOUT,
    KEEPS,
    ORDERS,
    RATES,
    SORTED_SIZES,
    STATES,
    TRAINED_IN,
    TUNING_STEPS,
    VALIDATION_BATCH,
    repairs,
)

Numbers = dict[str, float | int | str]
Rule = Iterator[tuple[str, Numbers]]
"""Names of templates and their numbers."""

UNTRAINED = 40.0
"""Errors above this (percent, in eval mode) leave nothing to compare."""
CLOSE = 1.0
"""Errors less than this apart (percentage points) are not worth a remark."""
LAG = 5.0
"""Percentage points by which eval mode errs more than train mode when the running statistics lag."""


class Remarks:
    """What there is to say, from what has been measured by now."""

    def __init__(self, spec: ForgottenEval, tables: Tables) -> None:
        self._spec, self._tables = spec, tables
        self.diverged = 0
        """Networks that diverged."""
        self.refusal = ""
        """What torch said to a batch of one."""
        self.true: int | None = None
        """Class of the sample whose batch-mates are exchanged, once all of them have been tried."""

    def notes(self) -> tuple[Note, ...]:
        """All remarks, in the order of the acts; only one on a network that has not learned its task."""
        untrained = self._eval > UNTRAINED
        rules = (
            self._while_training, self._divergence, *((self._untrained,) if untrained else self._acts),
        )  # fmt: skip
        return tuple(Note(f"forgotten_eval.{name}", numbers) for rule in rules for name, numbers in rule())

    @property
    def _acts(self) -> tuple[Callable[[], Rule], ...]:
        return (
            self._validation, self._sizes, self._one, self._sorted, self._labels, self._company, self._passes,
            self._recalibrated, self._dropout, self._trained_in_eval, self._diverged_in_eval, self._domain,
            self._tuned, self._dropout_before,
        )  # fmt: skip

    # --- what is known ----------------------------------------------------------------------------

    def _mean(self, name: str, *column: int) -> float:
        """Mean over the seeds of (one column of) an array; NaN if it is not measured yet."""
        values = self._tables[name].T[column]
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else float("nan")

    def _shuffled(self, size: int) -> float:
        return self._mean("shuffled", BATCH_SIZES.index(size))

    @property
    def _eval(self) -> float:
        return self._mean("eval_error")

    # --- the rules --------------------------------------------------------------------------------

    def _while_training(self) -> Rule:
        evaluated, trained = self._mean("curve_eval"), self._mean("curve_train")
        if known(self._eval) or not known(evaluated):
            return
        step = self._tables.step
        numbers: Numbers = {"step": step, "evaluated": evaluated, "trained": trained}
        share = (1 - self._spec.momentum) ** step
        if NORMS[self._spec.norm].running_statistics and share > 0.01 and evaluated > trained + LAG:
            yield "lag", {**numbers, "share": share}
        else:
            yield "training", {**numbers, "steps": self._spec.steps, "batch": VALIDATION_BATCH}

    def _divergence(self) -> Rule:
        if self.diverged:
            yield "diverged", {"count": self.diverged, "seeds": self._spec.seeds}

    def _untrained(self) -> Rule:
        yield "untrained", {"evaluated": self._eval}

    def _validation(self) -> Rule:
        trained = self._shuffled(VALIDATION_BATCH)
        if known(self._eval):
            name = "blind" if abs(trained - self._eval) < CLOSE else "visible"
            yield name, {"batch": VALIDATION_BATCH, "trained": trained, "evaluated": self._eval}

    def _sizes(self) -> Rule:
        errors = [self._shuffled(size) for size in BATCH_SIZES[1:]]
        at_2, at_4, at_8 = errors[:3]
        if not known(at_2):
            return
        if at_2 > at_4 > at_8 > self._eval + CLOSE:
            yield "grows", {"at_2": at_2, "at_4": at_4, "at_8": at_8}
        elif max(errors) - min(errors) < CLOSE:
            yield "flat", {"low": min(errors), "high": max(errors), "evaluated": self._eval}

    def _one(self) -> Rule:
        if self.refusal:
            yield "one_raises", {"error": self.refusal}
        elif self._shuffled(1) > self._eval + LAG:
            yield "one_silent", {"wrong": self._shuffled(1)}

    def _sorted(self) -> Rule:
        batch = SORTED_SIZES[0]
        wrong, shuffled = self._mean("sorted", 0), self._shuffled(batch)
        if wrong > shuffled + LAG:
            yield "sorted", {"batch": batch, "wrong": wrong, "shuffled": shuffled}

    def _labels(self) -> Rule:
        share = self._mean("flip_share")
        if known(share):
            numbers: Numbers = {"share": share, "draws": DRAWS, "batch": self._spec.deploy_batch}
            apart = NORMS[self._spec.norm].train_differs_from_eval
            yield "flips" if share > 0 else "no_flips" if not apart else "same_labels", numbers

    def _company(self) -> Rule:
        p, wrong = self._tables["company_p"], self._tables["company_wrong"]
        if self.true is None or not wrong.any() or not np.isfinite(p).all():
            return
        yield (
            "company",
            {
                "true": self.true,
                "sets": COMPANIES,
                "right": int((wrong == 0).sum()),
                "low": float(p.min()),
                "high": float(p.max()),
            },
        )

    def _passes(self) -> Rule:
        after = self._repair("after_pass")
        if after > self._eval + CLOSE / 2:
            yield "damaged", {"batch": self._spec.deploy_batch, "after": after, "before": self._eval}

    def _recalibrated(self) -> Rule:
        after, mended = self._repair("after_pass"), self._repair("recalibrated")
        if mended < after - CLOSE / 2:
            yield "recalibrated", {"after": after, "mended": mended}

    def _dropout(self) -> Rule:
        evaluated, large, small = (self._mean("dropout", i) for i in range(3))
        if large > evaluated + CLOSE / 2 and abs(large - small) < CLOSE / 2:
            yield "dropout", {"p": DROPOUT, "evaluated": evaluated, "large": large, "small": small}

    # --- the opposite mistakes --------------------------------------------------------------------

    def _trained_in_eval(self) -> Rule:
        trained, evaluated = (self._mean("opposite", -1, 0, m) for m in range(len(TRAINED_IN)))
        if evaluated > trained + CLOSE / 2:
            numbers: Numbers = {"lr": self._spec.lr, "steps": self._spec.opposite_steps[-1]}
            yield "trained_in_eval", {**numbers, "trained": trained, "evaluated": evaluated}

    def _diverged_in_eval(self) -> Rule:
        as_usual, in_eval = self._tables["opposite_diverged"][:, -1, -1] * self._spec.seeds / 100
        if in_eval > as_usual:
            numbers: Numbers = {"lr": RATES[-1] * self._spec.lr, "seeds": self._spec.seeds}
            yield "diverged_in_eval", {**numbers, "as_usual": round(as_usual), "in_eval": round(in_eval)}

    def _domain(self) -> Rule:
        same, other, _, mended, back = (self._mean("domain", i) for i in range(len(DOMAIN_STATES)))
        if other > same + LAG and mended < other - LAG:
            yield "domain", {"same": same, "other": other, "mended": mended}
            if back > same + LAG:
                yield "domain_back", {"same": same, "back": back}

    def _tuned(self) -> Rule:
        before = self._mean("tuned", 0, 0, 0)
        shuffled, by_class = (
            [self._mean("tuned", -1, s, o) for s in range(len(STATES))] for o in range(len(ORDERS))
        )
        numbers: Numbers = {"batch": self._spec.deploy_batch, "steps": TUNING_STEPS[-1], "before": before}
        if by_class[0] > by_class[1] + LAG:
            yield "tuned", {**numbers, "trained": by_class[0], "frozen": by_class[1], "shuffled": shuffled[0]}

    def _dropout_before(self) -> Rule:
        measured, formula = (self._tables[f"keep_{name}"] for name in ("measured", "formula"))
        if np.isfinite(measured[-1]).any():
            numbers: Numbers = {"measured": float(np.nanmean(measured[-1])), "keep": KEEPS[-1]}
            yield "dropout_before", {**numbers, "formula": float(np.nanmean(formula[-1]))}

    def _repair(self, name: str) -> float:
        return self._mean("repair", repairs(self._spec).index(name))


def known(value: float) -> bool:
    """Whether something has been measured."""
    return not math.isnan(value)
