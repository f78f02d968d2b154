"""Controls made from a spec, and the URL that follows them.

The URL is the experiment: it is read through the spec first, a change of a widget writes it (the fields that
differ from their defaults), and a change of the URL from outside (a link, the back button) sets the widgets.
Fields named in ``hide=a,b`` are not drawn and keep the values that the URL gives them.  Parameters that are
not fields stay as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlencode

import streamlit as st

from normviz import __version__, player
from normviz.spec import Spec, SpecError, Value
from normviz.specs import EXPERIMENTS
from normviz.ui import course, visitors
from normviz.ui.following import follow
from normviz.ui.share import VERSION
from normviz.ui.widgets import Widgets
from normviz.ui.words import _, refusal

S = TypeVar("S", bound=Spec)

AT_FIRST = 5
"""Controls that are shown at first; the rest are under Expert."""
_COLUMNS = 4


@dataclass
class _State(Generic[S]):
    """What one visitor's session knows of the controls of one experiment."""

    spec: S
    base: S
    """Where it started: the defaults, or what a lesson sets."""
    query: dict[str, str]
    """Fields in the URL as last read or written here; anything else was changed from outside."""
    problems: list[str] = field(default_factory=list)


def controls(kind: type[S], *, bare: bool = False) -> S:
    """Draw the controls of an experiment and return the spec that they and the URL describe.

    ``bare`` leaves out the buttons and what is under Expert: for a question beside others on one page.

    Settings that do not go together leave the last spec that did in force, with a message; the widgets keep
    what the visitor chose.
    """
    widgets = Widgets(kind)
    state = _read(kind, widgets)
    _begin(widgets.said(state.spec), state.spec)
    with st.container(key=f"{kind.name}-controls"):
        values = _draw(kind, widgets, state, bare)
        messages = st.container()
    try:
        spec = state.spec.replace(**values)
    except SpecError as problem:
        messages.warning(
            _("{problem} The charts still show the settings before.", problem=refusal(problem)),
            icon=":material/rule:",
        )
        return state.spec
    if spec != state.spec:
        state.spec, state.problems = spec, []
        _write(state)
    for sentence in state.problems:
        messages.warning(sentence, icon=":material/link_off:")
    return spec


def _begin(spec: Spec, before: Spec) -> None:
    """Let a run that a visitor's widgets ask for begin while they are still being drawn.

    Its stage joins it.  If the settings are other ones in the end, nobody watches this run, and it rests.
    """
    if spec == before or spec.name not in EXPERIMENTS:
        return
    with contextlib.suppress(SpecError, RuntimeError):  # the stage will say so
        player.current().open(spec, visitors.of_page())


def remembered(kind: type[Spec]) -> dict[str, str]:
    """The URL's fields of an experiment when this session last showed its controls; empty if never."""
    state = cast("_State[Spec] | None", st.session_state.get(f"{kind.name} controls"))
    return {} if state is None else dict(state.query)


def _read(kind: type[S], widgets: Widgets[S]) -> _State[S]:
    """The state of this session, after the URL has been heard."""
    name = f"{kind.name} controls"
    query = _fields(kind, st.query_params)
    known = cast("_State[S] | None", st.session_state.get(name))
    # While a visitor moves widgets quickly, the URL of the browser may lag behind; the widgets lead.
    base = course.given(kind)
    if known is None or base != known.base or (query != known.query and not widgets.touched):
        spec, problems = course.heard(kind, query)
        known = st.session_state[name] = _State(spec, base, query, problems)
        widgets.set(spec)
    widgets.fill(known.spec)
    follow(widgets, known.spec, course.hidden())
    return known


def _write(state: _State[S]) -> None:
    """Let the URL say what differs from the defaults, or from what a lesson sets."""
    state.query = course.written(state.spec)
    foreign = _foreign(type(state.spec))
    foreign.pop(VERSION, None)  # of the link by which the visitor came
    st.query_params.from_dict({**foreign, **state.query})


def _fields(kind: type[Spec], query: Mapping[str, str]) -> dict[str, str]:
    return {name: query[name] for name, _, _ in kind.knobs() if name in query}


def _foreign(kind: type[Spec]) -> dict[str, list[str]]:
    """Parameters that are not fields of the spec, with all their values."""
    fields = {name for name, _, _ in kind.knobs()}
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in fields}


def _draw(kind: type[S], widgets: Widgets[S], state: _State[S], bare: bool) -> dict[str, Value]:
    """The widgets, in the order of the fields; returns what they say."""
    hidden = course.hidden()
    shown = [(name, knob) for name, knob, _ in kind.knobs() if name not in hidden and len(knob.choices) != 1]
    plain = [(name, knob) for name, knob in shown if not knob.expert][:AT_FIRST]
    rest = [one for one in shown if one not in plain]
    values: dict[str, Value] = {}
    now = widgets.said(state.spec)
    for name, knob in plain:
        if knob.most:
            values[name] = widgets.draw(name, now)
    values.update(_row(widgets, now, [name for name, knob in plain if not knob.most]))
    if bare:
        return values
    with st.container(horizontal=True, gap="small"):
        if rest:
            values.update(_expert(kind, widgets, now, [name for name, _ in rest]))
        _share(state)
        if shown:
            st.button(
                _("Reset settings"), icon=":material/restart_alt:", on_click=_reset, args=(kind, hidden)
            )
    return values


def _expert(kind: type[S], widgets: Widgets[S], now: S, names: list[str]) -> dict[str, Value]:
    """The rest of the widgets, drawn once they are asked for.

    They are two thirds of a page's elements, and most visitors never open them.
    """
    more = st.expander(_("Expert"), key=expert(kind), icon=":material/tune:", on_change="rerun")
    if not more.open:
        return {name: widgets.kept(name) for name in names}
    with more:
        return _row(widgets, now, names)


def expert(kind: type[Spec]) -> str:
    """Key of the expander that holds an experiment's other settings."""
    return f"{kind.name} expert"


def _row(widgets: Widgets[S], spec: S, names: list[str]) -> dict[str, Value]:
    """Widgets side by side, in as many rows as it takes."""
    values: dict[str, Value] = {}
    # A fifth would be lonely in a row of its own.
    across = max(1, len(names)) if len(names) <= AT_FIRST else _COLUMNS
    for start in range(0, len(names), across):
        part = names[start : start + across]
        columns = st.columns(across)
        for column, name in zip(columns, part, strict=False):
            with column:
                values[name] = widgets.draw(name, spec)
    return values


def _share(state: _State[S]) -> None:
    with st.popover(_("Share"), icon=":material/share:"):
        st.markdown(_("This link holds every setting, the seed included."))
        st.code(link(state.spec), language=None, wrap_lines=True)


def link(spec: Spec) -> str:
    """Address of this page with every field of the spec and the version that knows them."""
    page = (st.context.url or "").split("?")[0]
    query: dict[str, Any] = {**_foreign(type(spec)), **spec.to_query(full=True), VERSION: __version__}
    return f"{page}?{urlencode(query, doseq=True, safe=',')}"


def _reset(kind: type[S], hidden: set[str]) -> None:
    """Every field that is drawn back to its default, or to what a lesson sets."""
    state = cast("_State[S]", st.session_state[f"{kind.name} controls"])
    kept: dict[str, Any] = {name: value for name, value in state.spec.values().items() if name in hidden}
    try:
        state.spec = state.base.replace(**kept)
    except SpecError:
        state.spec = state.base
    state.problems = []
    _write(state)
    Widgets(kind).set(state.spec)
