"""One widget for each knob of a spec, and the session state that holds their values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar

import streamlit as st

from normviz.spec import Knob, Spec, SpecError, Value
from normviz.ui.settings import number
from normviz.ui.words import _, n_, numeral, spoken

S = TypeVar("S", bound=Spec)

PALETTE = 4
"""Of a long list of choices, so many are offered at once; the rest are under More."""
_SHORT = 16  # letters of all choices that fit side by side in a column
_MOST_BROUGHT = 12  # stops that a slider keeps beside those of its grid
_MOST_STOPS = 60  # of a slider; beyond, a number is typed


class Widgets(Generic[S]):
    """The widgets of an experiment.  ``set`` and ``fill`` come before ``draw`` in a run of the script."""

    def __init__(self, kind: type[S]) -> None:
        self._kind = kind
        self._knobs = {name: knob for name, knob, _ in kind.knobs()}
        self._defaults = {name: default for name, _, default in kind.knobs()}
        self._idle: Mapping[str, str] = {}
        self.touched = bool(st.session_state.pop(self._key("touched"), False))
        """A visitor has moved a widget since the last run."""

    def set(self, spec: S) -> None:
        """Make the widgets show a spec."""
        for name in self._knobs:
            self._put(name, getattr(spec, name))

    def fill(self, spec: S) -> None:
        """Give a value to widgets that have none, because their page was left or this is the first visit."""
        for name in self._knobs:
            if self._key(name) not in st.session_state:
                self._put(name, getattr(spec, name))

    def told(self, name: str) -> Value:
        """What the widget of a field with one value says, before it is drawn."""
        return _as_value(st.session_state[self._key(name)])

    def kept(self, name: str) -> Value:
        """What the widget of a field says that is not drawn in this run of the script."""
        knob = self._knobs[name]
        if not knob.most:
            return self.told(name)
        chosen = [*st.session_state[self._key(name)], *st.session_state[self._key(name, "more")]]
        return tuple(choice for choice in knob.choices if choice in chosen)

    def said(self, spec: S) -> S:
        """``spec`` with what the widgets of one value say, before they are drawn; as it is if these clash.

        Which choices make sense depends on the others as they are now, not as they were in the last run.
        """
        values = {
            name: self.told(name)
            for name, knob in self._knobs.items()
            if not knob.most and self._key(name) in st.session_state
        }
        try:
            return spec.replace(**values)
        except SpecError:
            return spec

    def show(self, name: str, value: Value) -> None:
        """Make one widget show a value; before it is drawn."""
        self._put(name, value)

    def draw(self, name: str, spec: S) -> Value:
        """Draw the widget of a field; returns what it says.  ``spec`` tells which choices make sense now."""
        knob = self._knobs[name]
        refused = self._refused(name, spec)
        self._idle = spec.idle()
        value = self._drawn(name, knob, refused)
        now = getattr(spec, name)
        # The order in which a link names several values is kept as long as they are the same.
        return now if isinstance(value, tuple) and set(value) == set(now) else value

    def _drawn(self, name: str, knob: Knob, refused: dict[Any, str]) -> Value:
        default = self._defaults[name]
        if knob.form:
            return str(st.text_input(placeholder=_("none"), **self._common(name, knob))).strip()
        if knob.most:
            return self._many(name, knob, refused)
        if knob.choices:
            return self._one(name, knob, refused)
        if isinstance(default, bool):
            return st.toggle(**self._common(name, knob))
        if isinstance(default, int):
            return self._whole(name, knob)
        stops = self._stops(name, grid(knob))
        return float(st.select_slider(options=stops, format_func=number, **self._common(name, knob)))

    # --- kinds of widgets ---------------------------------------------------------------------------

    def _many(self, name: str, knob: Knob, refused: dict[Any, str]) -> tuple[str, ...]:
        show = partial(_marked, knob, refused, ":material/block: {}")
        first, more = _parted(knob)
        common = self._common(name, knob)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.pills(options=first, selection_mode="multi", format_func=show, wrap=True, **common)
            if more:
                key = self._key(name, "more")
                count = len(st.session_state[key])
                label = n_("More ({n} chosen)", "More ({n} chosen)", count) if count else _("More")
                about = _("More choices: {field}", field=spoken(knob.label))
                with st.popover(label, key=f"{key} popover", help=about):
                    chosen += st.pills(
                        about, more, selection_mode="multi", format_func=show,
                        key=key, on_change=common["on_change"], label_visibility="collapsed",
                    )  # fmt: skip
                    _explain(knob, {choice: why for choice, why in refused.items() if choice in more})
        _explain(knob, {choice: why for choice, why in refused.items() if choice in first})
        return tuple(choice for choice in knob.choices if choice in chosen)

    def _one(self, name: str, knob: Knob, refused: dict[Any, str]) -> Value:
        common = self._common(name, knob)
        common["help"] = self._help(name, knob, *_reasons(knob, refused))
        if all(isinstance(choice, int | float) for choice in knob.choices) and not knob.names:
            return _as_value(st.select_slider(options=knob.choices, format_func=number, **common))
        if sum(len(_name(knob, choice)) for choice in knob.choices) <= _SHORT:
            show = partial(_marked, knob, refused, ":material/block: {}")
            return _as_value(
                st.segmented_control(options=knob.choices, format_func=show, required=True, **common)
            )
        show = partial(_marked, knob, refused, _("{choice} (does not apply here)", choice="{}"))
        return _as_value(st.selectbox(options=knob.choices, format_func=show, **common))

    def _whole(self, name: str, knob: Knob) -> int:
        assert knob.low is not None
        assert knob.high is not None
        low, high, step = int(knob.low), int(knob.high), int(knob.step or 1)
        common = self._common(name, knob)
        if knob.log:
            stops = self._stops(name, [int(one) for one in grid(knob) if one == int(one)])
            return int(st.select_slider(options=stops, format_func=number, **common))
        if (high - low) // step > _MOST_STOPS:
            return int(st.number_input(min_value=low, max_value=high, step=step, **common))
        return int(st.slider(min_value=low, max_value=high, step=step, **common))

    def _common(self, name: str, knob: Knob) -> dict[str, Any]:
        label, unit = str(spoken(knob.label)), str(spoken(knob.unit))
        told = not unit or unit in label  # "Training samples" are samples
        return {
            "label": label if told else f"{label} ({unit})",
            "key": self._key(name),
            "help": self._help(name, knob),
            "disabled": name in self._idle,
            "on_change": self._touch,
        }

    def _help(self, name: str, knob: Knob, *reasons: str) -> str | None:
        """What is said of a field: first why it changes nothing now, if so."""
        told = (spoken(self._idle.get(name, "")), spoken(knob.help), *reasons)
        return "\n\n".join(filter(None, told)) or None

    # --- state --------------------------------------------------------------------------------------

    def _key(self, *parts: str) -> str:
        return ".".join((self._kind.name, *parts))

    def _touch(self) -> None:
        st.session_state[self._key("touched")] = True

    def _put(self, name: str, value: Value) -> None:
        knob = self._knobs[name]
        if not knob.most:
            st.session_state[self._key(name)] = value
            return
        assert isinstance(value, tuple)
        for key, choices in zip((self._key(name), self._key(name, "more")), _parted(knob), strict=True):
            st.session_state[key] = [choice for choice in choices if choice in value]

    def _stops(self, name: str, stops: Sequence[Any]) -> list[Any]:
        """The grid of a slider, the default, and the last values that links have brought in this session."""
        now = st.session_state[self._key(name)]
        brought: list[Any] = st.session_state.setdefault(self._key(name, "stops"), [])
        if now not in brought:
            brought.append(now)
            del brought[:-_MOST_BROUGHT]
        return sorted({*stops, self._defaults[name], *brought, now})

    def _refused(self, name: str, spec: S) -> dict[Any, str]:
        """Choices that do not go with the other settings, and why."""
        return {
            choice: spoken(problem.remedy) or _("allowed is {allowed}", allowed=spoken(problem.allowed))
            for choice, problem in _clashes(spec.unseeded, name)
        }


@lru_cache(maxsize=2048)
def _clashes(spec: Spec, name: str) -> tuple[tuple[Any, SpecError], ...]:
    """Choices of a field that do not go with the rest of a spec.

    A page draws twenty fields, most visitors draw the same ones, and trying out every choice is the larger
    part of the work.
    """
    knob = next(knob for field, knob, _ in spec.knobs() if field == name)
    found = []
    for choice in knob.choices:
        along = spec.suited(choice) if name == spec.leader else {}
        try:
            spec.replace(**{**along, name: (choice,) if knob.most else choice})
        except SpecError as problem:
            if name in (problem.field, problem.other):
                found.append((choice, problem.with_traceback(None)))
    return tuple(found)


def grid(knob: Knob) -> list[float]:
    """Stops of a slider: even steps; if the knob is logarithmic, 1, 2, 3, 5 in each power of ten.

    A logarithmic knob with a ``step`` above 1 has stops by that factor instead, rounded to two digits.
    """
    assert knob.low is not None
    assert knob.high is not None
    low, high = float(knob.low), float(knob.high)
    if knob.log and knob.step and knob.step > 1:
        count = round(math.log(high / low) / math.log(knob.step))
        return sorted({low, high, *(float(f"{low * knob.step**i:.2g}") for i in range(count))})
    if knob.log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        each = (1, 3) if len(decades) > 7 else (1, 2, 3, 5)
        stops = [float(f"{digit}e{power}") for power in decades for digit in each]
        return sorted({low, high, *(stop for stop in stops if low <= stop <= high)})
    step = float(knob.step or 0)
    if not step or (high - low) / step > _MOST_STOPS:
        step = _round_step((high - low) / 20)
    count = math.floor((high - low) / step + 1e-9)
    return sorted({*(round(low + i * step, 10) for i in range(count + 1)), high})


def _round_step(step: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten that is not smaller."""
    power = math.floor(math.log10(step))
    return next(
        float(f"{digit}e{power}") for digit in (1, 2, 5, 10) if float(f"{digit}e{power}") >= step * 0.999
    )


def _parted(knob: Knob) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Choices at once, and those under More."""
    long = len(knob.choices) > PALETTE + 2
    return (knob.choices[:PALETTE], knob.choices[PALETTE:]) if long else (knob.choices, ())


def _reasons(knob: Knob, refused: dict[Any, str]) -> list[str]:
    """Why choices do not apply, a sentence each, with their names."""
    return [
        why if why.startswith(_name(knob, choice)) else f"{_name(knob, choice)}: {why}"
        for choice, why in refused.items()
    ]


def _explain(knob: Knob, refused: dict[Any, str]) -> None:
    if refused:
        st.caption("  \n".join(_reasons(knob, refused)))


def _marked(knob: Knob, refused: dict[Any, str], mark: str, choice: Any) -> str:
    name = _name(knob, choice)
    return mark.format(name) if choice in refused else name


def _name(knob: Knob, choice: Any) -> str:
    """A choice in the visitor's language."""
    return str(spoken(knob.name_of(choice)) if knob.names else numeral(knob.name_of(choice)))


def _as_value(value: Any) -> Value:
    return value  # type: ignore[no-any-return]
