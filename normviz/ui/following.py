"""Fields that follow another one: a network brings the depth, the learning rate and the data that suit it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

import streamlit as st

from normviz.spec import Spec, SpecError
from normviz.ui.widgets import Widgets

S = TypeVar("S", bound=Spec)


def follow(widgets: Widgets[S], spec: S, hidden: Collection[str]) -> None:
    """Once a visitor has chosen another leader, let the widgets show what suits it.

    ``spec`` is what was shown before.  A field follows if it still was as the leader before had it, or if its
    value does not go with the new one; ``hidden`` fields and those moved by hand do not.
    """
    if not spec.leader:
        return
    key = f"{spec.name} followed"
    before, now = st.session_state.get(key), widgets.told(spec.leader)
    st.session_state[key] = now
    if not widgets.touched or before in (None, now):
        return
    old, new = spec.suited(before), spec.suited(now)
    values = {name: widgets.told(name) for name in new}
    for name in new.keys() - hidden:
        if values[name] == old[name] == getattr(spec, name):
            values[name] = new[name]
    for _ in new:
        try:
            spec.replace(**values, **{spec.leader: now})
        except SpecError as problem:
            name = next((one for one in (problem.field, problem.other) if one in new.keys() - hidden), "")
            if not name or values[name] == new[name]:
                break  # nothing of these is at fault: the page says what is
            values[name] = new[name]
    for name, value in values.items():
        widgets.show(name, value)
