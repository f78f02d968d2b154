"""Spec: a whole experiment as one frozen value.

A run is a pure function of its spec, so the spec is at once the controls, the URL, the cache key, the
share link and the parameters of an export.  Each field is declared once, by ``knob``: default, label,
bounds or choices, help.  A spec checks itself when it is made; whoever reads untrusted text uses
``from_query`` or ``from_json``, which answer with sentences instead of tracebacks.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache, cached_property
from typing import Any, ClassVar, Self

from normviz.phrases import phrase

Value = int | float | bool | str | tuple[str, ...]

_LONGEST_TEXT = 200  # characters of one value; longer text can only be an attack or an accident
_LONGEST_QUOTE = 60
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")


class SpecError(ValueError):
    """One value that a spec does not accept: which field, what was given, what is allowed, what to do.

    ``field`` is the one to put back; ``other``, if given, the one with which it does not go together.
    """

    def __init__(
        self, label: str, value: object, allowed: str, remedy: str = "", *, field: str = "", other: str = ""
    ) -> None:
        self.label, self.value, self.allowed, self.remedy = label, value, allowed, remedy
        self.field, self.other = field, other
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The message for a visitor: one or two sentences, without markup."""
        told = {"label": self.label, "value": quoted(self.value), "allowed": self.allowed}
        if not self.remedy:
            return phrase("{label}: “{value}” does not work; allowed is {allowed}.", **told)
        return phrase(
            "{label}: “{value}” does not work; allowed is {allowed}. {remedy}", **told, remedy=self.remedy
        )

    def __str__(self) -> str:
        return self.sentence  # as it stands now: the remedy may have been added after the error was made

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.label, self.value, self.allowed, self.remedy, self.field, self.other)


def _rebuild(label: str, value: object, allowed: str, remedy: str, field_name: str, other: str) -> SpecError:
    return SpecError(label, value, allowed, remedy, field=field_name, other=other)


def quoted(value: object) -> str:
    """A value as messages quote it: one short line.

    What would not show but act (control characters of terminals, marks that turn the direction of reading)
    becomes a question mark in a box.
    """
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if len(text) > _LONGEST_QUOTE:
        text = text[: _LONGEST_QUOTE - 1] + "…"
    return "".join(one if one.isprintable() else " " if one.isspace() else "\ufffd" for one in text)


class _UnfitError(Exception):
    """A value, or one of several, that a knob does not accept."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


@dataclass(frozen=True)
class Knob:
    """What is known of a field besides its value: how it is shown, and what it accepts."""

    label: str
    help: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()
    """Labels of the choices, in the same order; empty where the choices speak for themselves."""
    most: int = 0
    """For a field with several values: how many may be chosen at once (0: not such a field)."""
    log: bool = False
    expert: bool = False
    unit: str = ""
    form: str = ""
    """For a field of free text: what it may be, in words that continue "allowed is …".  The spec reads it."""
    words: Callable[[str], str] | None = None
    """For a field of free text: the text as visitors read it."""

    def name_of(self, choice: object) -> str:
        """Label of one choice."""
        return self.names[self.choices.index(choice)] if self.names else str(choice)

    def shown(self, value: Value) -> str:
        """A value as its control names it."""
        return self.name_of(value) if value in self.choices else _as_text(value)

    def allowed(self, default: Value) -> str:
        """What the field accepts, in words that continue "allowed is …"."""
        if self.form:
            return self.form
        if self.choices:
            listed = ", ".join(str(choice) for choice in self.choices)
            if self.most:
                return phrase("1 to {most} of {listed}", most=self.most, listed=listed)
            return phrase("one of {listed}", listed=listed)
        if isinstance(default, bool):
            return "1 (yes) or 0 (no)"
        limits: dict[str, Any] = {"low": self.low, "high": self.high}
        if not isinstance(default, int):
            return phrase("a number from {low:g} to {high:g}", **limits)
        if self.step in (None, 1):
            return phrase("a whole number from {low:g} to {high:g}", **limits)
        return phrase(
            "a whole number from {low:g} to {high:g} in steps of {step:g}", **limits, step=self.step
        )

    def accept(self, name: str, value: object, default: Value) -> Value:
        """Return ``value`` in the field's own type.

        Raises:
            SpecError: it is of the wrong type, out of bounds, or not among the choices.
        """
        try:
            return self._accepted(name, value, default)
        except _UnfitError as unfit:  # words are looked for only now: specs are made often
            near = self._nearest(unfit.value)
        raise SpecError(self.label, value, self.allowed(default), near, field=name)

    def _accepted(self, name: str, value: object, default: Value) -> Value:
        if self.form:
            if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
                raise _UnfitError(value)
            return value
        if self.most:
            return self._accept_many(value)
        if self.choices:
            if not any(value == choice and type(value) is type(choice) for choice in self.choices):
                raise _UnfitError(value)
            return value  # type: ignore[return-value]
        if isinstance(default, bool):
            if not isinstance(value, bool):
                raise _UnfitError(value)
            return value
        return self._accept_number(name, value, default)

    def _accept_many(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, tuple | list) or not all(isinstance(one, str) for one in value):
            raise _UnfitError(value)
        chosen = tuple(value)
        for one in chosen:
            if one not in self.choices:
                raise _UnfitError(one)
        if not 1 <= len(chosen) <= self.most or len(set(chosen)) != len(chosen):
            raise _UnfitError(value)
        return chosen

    def _accept_number(self, name: str, value: object, default: Value) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _UnfitError(value)
        if isinstance(default, int):
            if value != value or value in (math.inf, -math.inf) or value != int(value):
                raise _UnfitError(value)
            number: int | float = int(value)
        else:
            try:
                number = float(value)
            except OverflowError:
                raise _UnfitError(value) from None
        if self.low is None or self.high is None:
            raise TypeError(f"the field {name} declares neither bounds nor choices")
        if not self.low <= number <= self.high:
            raise _UnfitError(value)
        if isinstance(number, int) and self.step and (number - int(self.low)) % int(self.step):
            raise _UnfitError(value)
        return number

    def _nearest(self, value: object) -> str:
        """The name that was meant; numbers have no spelling, and 3 is no slip for 32."""
        names = [choice for choice in self.choices if isinstance(choice, str)]
        near = difflib.get_close_matches(str(value), names, 1)
        return phrase("Did you mean {name}?", name=near[0]) if near else ""

    def read(self, name: str, text: str, default: Value) -> Value:
        """Read a field from the text of a URL.

        Raises:
            SpecError: the text is not a value that the field accepts.
        """
        try:
            return self._accepted(name, self._parsed(text, default), default)
        except _UnfitError as unfit:
            near = self._nearest(unfit.value)
        raise SpecError(self.label, text, self.allowed(default), near, field=name)

    def _parsed(self, text: str, default: Value) -> object:
        if len(text) > _LONGEST_TEXT:
            raise _UnfitError("")
        if self.most:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if isinstance(default, bool):
            return _TRUTHS.get(text.strip().lower(), text)
        if isinstance(default, int):
            return int(text.strip()) if _INTEGER.fullmatch(text.strip()) else text
        if isinstance(default, float):
            with contextlib.suppress(ValueError):
                return float(text)
        return text


def knob(default: Any, *, label: str, **facts: Any) -> Any:
    """Declare a field of a spec with its default and what is known of it (see ``Knob``)."""
    return field(default=default, metadata={"knob": Knob(label=label, **facts)})


@dataclass(frozen=True)
class Cost:
    """What a run asks of a machine.

    Units:
        multiply_adds: of the whole run, forward and backward, all members.
        recording_bytes: of all its frames.
    """

    multiply_adds: float
    recording_bytes: float


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One experiment with all its settings.  Subclass it once for each question (see ``normviz.specs``)."""

    name: ClassVar[str]
    """Name on the command line and in links."""
    runner: ClassVar[str]
    """``module:function`` that yields a ``Schema`` and then ``Frame``s; imported by the lab alone."""
    title: ClassVar[str]
    leader: ClassVar[str] = ""
    """Field whose choice brings other fields along (see `suited`); empty if none does."""
    draws_seed: ClassVar[bool] = False
    """Its figures depend on the seed too.  Otherwise they are made once for all seeds."""

    seed: int = knob(
        0, label="Seed", low=0, high=999_999, step=1, expert=True,
        help="Fixes initialization, data split and batch order. The same seed gives the same run.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, knob_, default in self.knobs():
            object.__setattr__(self, name, knob_.accept(name, getattr(self, name), default))
        for conflict in self.conflicts():
            raise conflict

    @classmethod
    def knobs(cls) -> Iterator[tuple[str, Knob, Value]]:
        """Name, knob and default of every field, in the order of declaration."""
        return iter(_knobs(cls))  # type: ignore[arg-type]

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together.  Each error names the field to change."""
        return iter(())

    def idle(self) -> Mapping[str, str]:
        """Fields that change nothing while the others are as they are, each with the reason, a sentence."""
        return {}

    @classmethod
    def suited(cls, choice: Value) -> Mapping[str, Value]:
        """The values of other fields that suit a choice of the leading one: what its controls then offer.

        A link, a JSON or a command that names the leading field, and not these, means them; a link that is
        written says every one that differs from them or from the field's own default.  A field that the
        visitor has set stays as it is.
        """
        return {}

    @classmethod
    def unsaid(cls, leader: object) -> dict[str, Value]:
        """The value of every field that is not named beside this choice of the leading one."""
        told = {name: default for name, _, default in cls.knobs()}
        known = any(name == cls.leader and leader in knob_.choices for name, knob_, _ in cls.knobs())
        return {**told, **cls.suited(leader)} if known else told  # type: ignore[arg-type]

    def cost(self) -> Cost:
        """What the run will cost, known before it starts."""
        raise TypeError(f"{type(self).__name__} does not state its cost")

    def summary(self, recording: Any) -> dict[str, Any]:
        """The numbers that answer the question, from a finished recording; plain JSON values."""
        raise TypeError(f"{type(self).__name__} has no summary")

    # --- text forms -------------------------------------------------------------------------------

    def values(self) -> dict[str, Value]:
        """Every field and its value."""
        return {name: getattr(self, name) for name, _, _ in self.knobs()}

    def replace(self, **changes: Any) -> Self:
        """The same spec with some fields changed, checked anew."""
        return type(self)(**{**self.values(), **changes})

    @cached_property
    def unseeded(self) -> Self:
        """The same settings with the default seed, for what is the same whatever the seed."""
        return self.replace(seed=0)

    def to_query(self, *, full: bool = False) -> dict[str, str]:
        """Fields as URL parameters: every one if ``full``.

        Else those that differ from the default, or from what the leading field would bring.
        """
        unsaid = self.unsaid(getattr(self, self.leader, None))
        return {
            name: _as_text(value)
            for name, _, default in self.knobs()
            if (value := getattr(self, name)) != default or value != unsaid[name] or full
        }

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Self, list[SpecError]]:
        """Read URL parameters; what does not work falls back and is reported.

        It falls back to what suits the leading field, if the link names that, or else to its default.
        Parameters that are not fields (``hide``, ``lesson`` …) are left alone.
        """
        problems: list[SpecError] = []
        values: dict[str, Value] = {}
        for name, knob_, default in cls.knobs():
            if name not in query:
                continue
            try:
                values[name] = knob_.read(name, query[name], default)
            except SpecError as problem:
                problems.append(_using(problem, _as_text(cls.unsaid(query.get(cls.leader))[name])))
        while True:
            try:
                return cls._made(values), problems
            except SpecError as problem:
                if not values:
                    raise  # the defaults themselves are at odds: a fault of the program
                problems.append(problem)
                pair = [name for name in (problem.field, problem.other) if name in values]
                if not pair:
                    values.clear()  # something else must give way
                    continue
                name = min(pair, key=lambda one: one == cls.leader)  # what follows goes before what leads
                del values[name]
                if name != cls.leader:
                    used = cls.unsaid(values.get(cls.leader))[name]
                    _using(problem, next(knob_.shown(used) for one, knob_, _ in cls.knobs() if one == name))

    def to_json(self) -> str:
        """Canonical JSON: experiment and every field, keys sorted."""
        return json.dumps({"experiment": self.name, **self.values()}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Make a spec from decoded JSON (without its ``experiment``).

        Raises:
            SpecError: a field is unknown or a value is not accepted.
        """
        known = [name for name, _, _ in cls.knobs()]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                remedy = phrase("Did you mean {name}?", name=near[0]) if near else ""
                allowed = phrase("one of {listed}", listed=", ".join(known))
                raise SpecError("Field", name, allowed, remedy, field=name)
        return cls._made({name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})

    @classmethod
    def _made(cls, values: Mapping[str, Any]) -> Self:
        """A spec of these values; what they leave out suits the leading field, if they name that."""
        return cls(**{**cls.unsaid(values.get(cls.leader)), **values})

    @property
    def key(self) -> str:
        """Identity of the run that this spec describes: 64 hexadecimal digits, the same everywhere."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


@cache
def _knobs(kind: Any) -> tuple[tuple[str, Knob, Any], ...]:
    found = []
    for one in fields(kind):
        if one.default is MISSING or "knob" not in one.metadata:
            raise TypeError(f"{kind.__name__}.{one.name} must be declared with knob()")
        found.append((one.name, one.metadata["knob"], one.default))
    return tuple(found)


def _using(problem: SpecError, value: str) -> SpecError:
    """The problem, whose message now says too what is used instead."""
    used = phrase("Using {value}.", value=value)
    problem.remedy = phrase("{a} {b}", a=problem.remedy, b=used) if problem.remedy else used
    return problem


def _as_text(value: Value) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(value)
    return repr(value) if isinstance(value, float) else str(value)
