"""The presenter's switch, for projectors: larger type on the page and in the charts, prose hidden.

It is in the URL (``presenter=true``), and stays on from page to page of one visit.
"""

from __future__ import annotations

import streamlit as st

from normviz.ui.words import _

_PARAMETER = "presenter"
_SIZE = 22
"""Pixels of the page's base font, from which everything else takes its size; 16 without the switch."""
_NARROW = 18
"""The same on a telephone, whose lines hold few letters."""

# Headings, controls, charts, what is answered (cards, cells, entries) and a lesson's own strip stay.
_STYLE = f"""<style>
html {{ font-size: {_SIZE}px !important; }}
.stMain .stElementContainer:has(> .stMarkdown):not(
  .st-key-lesson-head *, .st-key-lesson-foot *, .st-key-symptom *, .st-key-advice *, .st-key-case *
) {{ display: none; }}
.st-key-tour {{ display: none; }}
.stMain h1 {{ font-size: 1.6rem !important; padding: 0 0 0.5rem !important; max-width: none !important; }}
.stMain .stMainBlockContainer {{ padding: 4rem 2rem 1rem !important; }}
@media (max-width: 640px) {{
  html {{ font-size: {_NARROW}px !important; }}
  .stMain .stMainBlockContainer {{ padding-inline: 1rem !important; }}
  .stMain [class*="-controls"] .stColumn {{ min-width: 100% !important; }}
}}
</style>"""


def on() -> bool:
    """Whether the switch is on: by the URL, else as it was left in this visit."""
    asked = st.query_params.get(_PARAMETER)
    if asked is not None:
        st.session_state[_PARAMETER] = asked.lower() in ("true", "1", "yes")
    return bool(st.session_state.get(_PARAMETER, False))


def dress() -> None:
    """Put the presenter's stylesheet on the page, if the switch is on."""
    if on():
        st.html(_STYLE)


def switch() -> None:
    """The switch itself."""
    key = f"{_PARAMETER} switch"
    st.session_state[key] = on()
    st.toggle(
        _("Presenter"), key=key, on_change=_turn, args=(key,),
        help=_("Larger type, also in the charts, and no prose: for a projector."),
    )  # fmt: skip


def _turn(key: str) -> None:
    st.session_state[_PARAMETER] = st.session_state[key]
    if st.session_state[key]:
        st.query_params[_PARAMETER] = "true"
    else:
        st.query_params.pop(_PARAMETER, None)
