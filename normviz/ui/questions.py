"""Questions: several experiments on one page, of which the visitor chooses one.

The choice is in the URL (``?question=lr_init``), beside the fields of the chosen experiment.  Another choice
takes its own fields along, as they were when it was last shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from normviz.phrases import phrase
from normviz.spec import Spec, SpecError
from normviz.ui import course
from normviz.ui.controls import remembered
from normviz.ui.question import Question
from normviz.ui.words import _, refusal, spoken

_PARAMETER = "question"


def chosen(questions: Sequence[Question]) -> Question:
    """The question that the URL names, or the first; draws the buttons if there are several."""
    by_name = {question.spec.name: question for question in questions}
    asked = course.question(questions[0].spec.name)
    if asked not in by_name:
        allowed = phrase("one of {listed}", listed=", ".join(by_name))
        unknown = SpecError("Question", asked, allowed, "Showing the first.")
        st.warning(refusal(unknown), icon=":material/link_off:")
        asked = questions[0].spec.name
    if len(questions) > 1:
        key = "question " + " ".join(by_name)
        st.session_state[key] = asked
        st.segmented_control(
            _("Question"), list(by_name), key=key, required=True, label_visibility="collapsed",
            format_func=lambda name: spoken(by_name[name].label),
            on_change=lambda: _go(by_name[asked].spec, by_name[st.session_state[key]].spec),
        )  # fmt: skip
    return by_name[asked]


def _go(here: type[Spec], there: type[Spec]) -> None:
    """Let the URL name another question, with that one's fields instead of these."""
    fields = {name for name, _, _ in here.knobs()}
    kept = {name: st.query_params.get_all(name) for name in st.query_params if name not in fields}
    st.query_params.from_dict({**kept, **remembered(there), _PARAMETER: there.name})


def told(question: Question) -> None:
    """Formula, sources, and what is known."""
    with st.expander(_("Formula and sources"), icon=":material/function:"):
        st.latex(question.formula)
        st.markdown(spoken(question.explained))
        st.caption(spoken(question.sources))
    with st.expander(_("What is known, what was believed"), icon=":material/history_edu:", expanded=True):
        st.markdown(spoken(question.known))
