"""Questions: several experiments on one page, of which the visitor chooses one.

The choice is in the URL (``?question=lr_init``), beside the fields of the chosen experiment.  Another choice
takes its own fields along, as they were when it was last shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from normviz.spec import Spec, SpecError
from normviz.ui import course
from normviz.ui.controls import remembered
from normviz.ui.question import Question

_PARAMETER = "question"


def chosen(questions: Sequence[Question]) -> Question:
    """The question that the URL names, or the first; draws the buttons if there are several."""
    by_name = {question.spec.name: question for question in questions}
    asked = course.question(questions[0].spec.name)
    if asked not in by_name:
        unknown = SpecError("Question", asked, f"one of {', '.join(by_name)}", "Showing the first.")
        st.warning(unknown.sentence, icon=":material/link_off:")
        asked = questions[0].spec.name
    if len(questions) > 1:
        key = "question " + " ".join(by_name)
        st.session_state[key] = asked
        st.segmented_control(
            "Question", list(by_name), key=key, required=True, label_visibility="collapsed",
            format_func=lambda name: by_name[name].label,
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
    with st.expander("Formula and sources", icon=":material/function:"):
        st.latex(question.formula)
        st.markdown(question.explained)
        st.caption(question.sources)
    with st.expander("What is known, what was believed", icon=":material/history_edu:", expanded=True):
        st.markdown(question.known)
