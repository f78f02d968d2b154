"""Changes during a run: another learning rate, batch size or norm from a step on.

As text, in a link as in JSON: ``200:lr=0.03;300:norm.batch=none``.  A change at step s applies from the
update s + 1 on, so the frames before step s are those of the run without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normviz.catalog.norms import NORMS
from normviz.phrases import joined, phrase
from normviz.spec import SpecError, quoted

if TYPE_CHECKING:
    from normviz.specs.train import Train

MOST = 4
"""Changes of one run."""
FORM = phrase(
    "up to {most} changes such as 200:lr=0.03, 200:batch_size=16 or 300:norm.batch=none, with a semicolon "
    "between them",
    most=MOST,
)
"""What the text may be, in words that continue "allowed is …"."""

_WHAT = ("lr", "batch_size", "norm")


@dataclass(frozen=True)
class Change:
    """From ``step`` on ``what`` is ``value``: "lr", "batch_size", or the "norm" of one ``variant``."""

    step: int
    what: str
    value: float | int | str
    variant: str = ""
    """The variant by the norm with which it started; only for a change of the norm."""

    def __str__(self) -> str:
        of = f"{self.what}.{self.variant}" if self.variant else self.what
        return f"{self.step}:{of}={self.value!r}" if self.what == "lr" else f"{self.step}:{of}={self.value}"

    @property
    def effect(self) -> str:
        """What happens, in words: "learning rate 0.03"."""
        if self.what == "norm":
            return phrase("{old} becomes {new}", old=label(self.variant), new=label(str(self.value)))
        if self.what == "lr":
            return phrase("learning rate {value:g}", value=self.value)
        return phrase("batch size {value}", value=self.value)

    @property
    def target(self) -> tuple[str, str]:
        """What may change once at a step."""
        return self.what, self.variant


def label(norm: str) -> str:
    """How sentences name a norm."""
    return NORMS[norm].label if norm != "none" else "no normalization"


def read(text: str) -> tuple[Change, ...]:
    """The changes of a text, in the order of their steps.

    Raises:
        SpecError: it has not the form, or there are too many of them.
    """
    changes = [_one(part.strip()) for part in text.split(";") if part.strip()]
    if len(changes) > MOST:
        raise _refused(
            text, phrase("There are {n}; take {more} away.", n=len(changes), more=len(changes) - MOST)
        )
    return tuple(sorted(changes, key=lambda change: (change.step, _WHAT.index(change.what), change.variant)))


def write(changes: Sequence[Change]) -> str:
    """The text that `read` reads."""
    return ";".join(map(str, changes))


def in_words(text: str) -> str:
    """A text of changes as visitors read it; what cannot be read stays as it is."""
    try:
        changes = read(text)
    except SpecError:
        return text
    told = [phrase("from step {step} {effect}", step=one.step, effect=one.effect) for one in changes]
    return joined("; ", told) if told else "none"


def _one(part: str) -> Change:
    step, colon, rest = part.partition(":")
    name, equals, value = (piece.strip() for piece in rest.partition("="))
    what, _, variant = name.partition(".")
    digits = step.strip()
    if not (colon and equals and digits.isascii() and digits.isdigit() and len(digits) < 7):
        raise _refused(part)
    if what not in _WHAT or bool(variant) != (what == "norm"):
        raise _refused(part, "What can change is lr, batch_size, or norm. and a variant.")
    try:
        number: float | int | str = {"lr": float, "batch_size": int, "norm": str}[what](value)
    except ValueError:
        raise _refused(part, phrase("“{value}” is not a number.", value=quoted(value))) from None
    return Change(int(digits), what, number, variant)


def _refused(value: str, remedy: str = "") -> SpecError:
    return SpecError("Changes during the run", value, FORM, remedy, field="changes")


def repeated(changes: Sequence[Change]) -> Iterator[SpecError]:
    """Two values for one thing at one step."""
    seen = set()
    for change in changes:
        key = (change.step, change.target)
        if key in seen:
            remedy = phrase("At step {step} this changes twice; leave one of them out.", step=change.step)
            yield SpecError(
                "Changes during the run", str(change), "one value at a step", remedy, field="changes"
            )
        seen.add(key)


def unplanned(spec: Train) -> Iterator[SpecError]:
    """Changes to what is not there, or that come too late."""
    yield from repeated(spec.planned)
    knobs = {name: (knob_, default) for name, knob_, default in spec.knobs()}
    for change in spec.planned:
        name = "norms" if change.what == "norm" else change.what
        knob_, default = knobs[name]
        allowed, remedy = "", ""
        if not 1 <= change.step < spec.steps:
            allowed, remedy = (
                phrase("a step from 1 to {steps}", steps=spec.steps - 1),
                "Choose another step, or a longer run.",
            )
        elif change.variant and change.variant not in spec.norms:
            allowed = phrase("a norm of the variants {listed}", listed=", ".join(spec.norms))
        else:
            try:
                knob_.accept(name, (change.value,) if knob_.most else change.value, default)
            except SpecError as problem:
                allowed = ", ".join(map(str, NORMS)) if knob_.most else problem.allowed
                remedy = problem.remedy
            if change.what == "batch_size" and int(change.value) > spec.data.n_train:
                allowed = phrase(
                    "a batch of at most the {n_train} training samples", n_train=spec.data.n_train
                )
        if allowed:
            yield SpecError("Changes during the run", str(change), allowed, remedy, field="changes")
