"""The one number by which two runs of an experiment are compared, for each of its variants.

When the settings change, the stage says what became of it: the run before against this one, at the same step.
Value and spread are references into the recordings; a change is called one only where the spreads lie apart
(``normviz/ui/assets/comparisons.js``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from normviz.figures.bound import Ref, now
from normviz.figures.theme import STYLES
from normviz.phrases import phrase
from normviz.spec import Spec
from normviz.specs import batch_size_frames, forgotten_eval_frames, noisy_bn_frames, regularization_frames
from normviz.specs.batch_size import BatchSize
from normviz.specs.cost import NormCost
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.landscape import Landscape
from normviz.specs.lr_init import LrInit
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.placement import Placement
from normviz.specs.regularization import Regularization
from normviz.specs.scale import Scale
from normviz.specs.sequences import Sequences
from normviz.specs.signal import Signal
from normviz.specs.step_cost import StepCost, Timed
from normviz.specs.train import Train


@dataclass(frozen=True)
class Entry:
    """The number of one variant, called by the same name in every run."""

    name: str
    value: Ref
    """A single number."""
    spread: Ref | None = None
    """Values whose least and greatest bound the spread; none where there is only the one number."""


@dataclass(frozen=True)
class Headline:
    """What is compared, and how it is written."""

    label: str
    """Continues with "at step …" or "at the end": "Test accuracy"."""
    form: str
    """In Python's format language, as in ``normviz.readings``."""
    entries: tuple[Entry, ...]
    over: str = "seeds"
    """What the spread is over, in words."""

    def to_plain(self) -> dict[str, Any]:
        """Plain JSON values: what the browser is sent."""
        return {
            "label": self.label,
            "form": self.form,
            "over": self.over,
            "entries": [
                {
                    "name": one.name,
                    "value": one.value.to_plain(),
                    "spread": None if one.spread is None else one.spread.to_plain(),
                }
                for one in self.entries
            ],
        }


def headline(spec: Spec) -> Headline | None:
    """The headline number of an experiment; None where there is no single one (the claims have verdicts)."""
    made = _MADE.get(type(spec))
    return None if made is None else made(spec)


def _by_seed(norms: tuple[str, ...], name: str, label: str, form: str) -> Headline:
    """Medians over the seeds, with the seeds themselves as their spread."""
    entries = tuple(
        Entry(STYLES[norm].label, now(f"{name}_median", v), now(name, v)) for v, norm in enumerate(norms)
    )
    return Headline(label, form, entries)


def _forgotten_eval(spec: ForgottenEval) -> Headline:
    size = spec.deploy_batch
    at = forgotten_eval_frames.BATCH_SIZES.index(size)
    entry = Entry(STYLES[spec.norm].label, now("shuffled_spread", 0, at), now("shuffled", None, at))
    return Headline(phrase("Error in train mode in batches of {size}", size=size), ".3g", (entry,))


def _batch_size(spec: BatchSize) -> Headline:
    small = batch_size_frames.SIZES[0]
    entries = tuple(
        Entry(STYLES[norm].label, now("error_mean", v, 0), now("error", v, 0))
        for v, norm in enumerate(spec.variants)
    )
    return Headline(phrase("Test error (%) in batches of {small}", small=small), ".3g", entries)


def _regularization(spec: Regularization) -> Headline:
    entries = tuple(
        Entry(variant.label, now("test_error_interval", 0, v), now("test_error", v))
        for v, variant in enumerate(regularization_frames.VARIANTS.values())
    )
    return Headline("Test error (%)", ".3g", entries)


def _signal(spec: Signal) -> Headline:
    entries = tuple(
        Entry(STYLES[norm].label, now("sd_median", v, -1), now("sd", v, None, -1))
        for v, norm in enumerate(spec.norms)
    )
    return Headline("Size of the signal in the last layer (SD)", ".3g", entries)


def _placement(spec: Placement) -> Headline:
    entries = tuple(
        Entry(
            phrase("{label} {place} the activation", label=STYLES[norm].label, place=place),
            now("test_accuracy_median", v, p),
            now("test_accuracy", v, p),
        )
        for v, norm in enumerate(spec.norms)
        for p, place in enumerate(("before", "after"))
    )
    return Headline("Test accuracy", ".1%", entries)


def _lr_init(spec: LrInit) -> Headline:
    entries = tuple(Entry(STYLES[norm].label, now("learned", v)) for v, norm in enumerate(spec.norms))
    return Headline("Networks that learned", ".0f", entries)


def _scale(spec: Scale) -> Headline:
    entries = tuple(Entry(STYLES[norm].label, now("loss_here", v, 0)) for v, norm in enumerate(spec.norms))
    return Headline("Loss (nats)", ".4g", entries)


def _cost(spec: Timed) -> Headline:
    entries = tuple(
        Entry(STYLES[norm].label, now("ratio", v, 0), now("quartiles", v))
        for v, norm in enumerate(spec.measured)
        if norm != "none"
    )
    return Headline("Time, in times of the network without a norm", ".3g", entries, over="rounds")


_MADE: dict[type[Spec], Callable[[Any], Headline]] = {
    Train: lambda spec: _by_seed(spec.norms, "test_accuracy", "Test accuracy", ".1%"),
    Sequences: lambda spec: _by_seed(spec.norms, "accuracy", "Test accuracy", ".1%"),
    NoisyBN: lambda spec: _by_seed(noisy_bn_frames.VARIANTS, "accuracy", "Training accuracy", ".1%"),
    Landscape: lambda spec: _by_seed(spec.norms, "smoothness", "Effective smoothness β", ".3g"),
    ForgottenEval: _forgotten_eval,
    BatchSize: _batch_size,
    Regularization: _regularization,
    Signal: _signal,
    Placement: _placement,
    LrInit: _lr_init,
    Scale: _scale,
    NormCost: _cost,
    StepCost: _cost,
}
