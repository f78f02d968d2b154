"""Changes at the cursor: a visitor stops the cursor, and lets the run go another way from there.

The charts' bar sends the step (``ui/stage.py``); here it is asked what changes, and the answer is written
into the URL as a change of the spec.
"""

from __future__ import annotations

import streamlit as st

from normviz.catalog.norms import NORMS
from normviz.spec import Knob, SpecError
from normviz.specs import train_changes
from normviz.specs.train import Train
from normviz.specs.train_changes import Change
from normviz.ui.settings import number
from normviz.ui.widgets import grid
from normviz.ui.words import _, refusal, spoken

_WHAT = ("lr", "batch_size", "norm")


def planned(spec: Train, at: int | None) -> None:
    """Say which changes the run holds; ask for another one if a visitor has just asked at a step."""
    if at is not None:
        _ask(spec, at)
    if spec.changes:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            told = spoken(train_changes.in_words(spec.changes))
            st.caption(f"{told[0].upper()}{told[1:]}.", width="content")
            st.button(
                _("Without changes"), icon=":material/undo:", type="tertiary", on_click=_write, args=("",)
            )


@st.dialog("Change from here")
def _ask(spec: Train, step: int) -> None:
    if not 1 <= step < spec.steps:
        st.markdown(
            _(
                "Put the cursor on a step from 1 to {last} first: what is changed there shows after it.",
                last=spec.steps - 1,
            )
        )
        return
    st.markdown(_("The run stays as it is up to step {step}. From there on:", step=step))
    what = st.segmented_control(_("What changes"), _WHAT, format_func=_kind, default="lr", required=True)
    change = _norm(spec, step) if what == "norm" else _value(spec, step, str(what))
    if st.button(_("Change"), type="primary", icon=":material/call_split:"):
        kept = [one for one in spec.planned if (one.step, one.target) != (step, change.target)]
        try:
            text = spec.replace(changes=train_changes.write([*kept, change])).changes
        except SpecError as problem:
            st.error(refusal(problem), icon=":material/rule:")
            return
        _write(text)
        st.rerun()


def _value(spec: Train, step: int, what: str) -> Change:
    knob = _knobs()[what]
    now = spec.lr_at(step) if what == "lr" else spec.batch_size_at(step)
    stops = sorted({*(knob.choices or grid(knob)), now})
    return Change(step, what, st.select_slider(_kind(what), stops, value=now, format_func=number))


def _norm(spec: Train, step: int) -> Change:
    fitting = [norm for norm in NORMS if not spec.net.reason(norm)]
    variant = st.selectbox(_("Variant"), spec.norms, format_func=_label)
    now = spec.norms_at(step)[spec.norms.index(variant)]
    others = [norm for norm in fitting if norm != now]
    norm = st.selectbox(_("Goes on with"), others, format_func=_label)
    st.caption(
        _(
            "The weights stay, with what the optimizer remembers of them. The new norm starts with γ = 1, β "
            "= 0 and fresh running statistics."
        )
    )
    return Change(step, "norm", norm, variant)


def _kind(what: str) -> str:
    return {"lr": _("Learning rate"), "batch_size": _("Batch size"), "norm": _("Normalization")}[what]


def _label(norm: str) -> str:
    return str(spoken(NORMS[norm].label))


def _knobs() -> dict[str, Knob]:
    return {name: knob for name, knob, _ in Train.knobs()}


def _write(text: str) -> None:
    """Let the URL say it; the controls hear the URL."""
    if text:
        st.query_params["changes"] = text
    else:
        st.query_params.pop("changes", None)
