"""Train: the race of one network with and without normalization, and the place of the norm."""

import streamlit as st

from normviz.catalog.norms import NORMS
from normviz.specs.train import Train
from normviz.ui.changes import planned
from normviz.ui.controls import controls
from normviz.ui.questions import chosen, told
from normviz.ui.sizes import sized
from normviz.ui.stage import stage
from normviz.ui.times import timed
from normviz.ui.train import QUESTIONS
from normviz.ui.words import _, spoken

heading = st.container()
question = chosen(QUESTIONS)
heading.title(spoken(question.spec.title))
st.markdown(spoken(question.prose))

spec = controls(question.spec)
race = isinstance(spec, Train)
if race:
    sized(spec)
notices = st.container()
at = stage(spec, question.figures, predict=question.prediction(spec), changeable=race)
if race:
    with notices:
        planned(spec, at)
    timed(spec)

told(question)
with st.expander(_("The normalizations and their sources"), icon=":material/menu_book:"):
    for norm in (NORMS[name] for name in spec.norms):
        st.markdown(
            _(
                "**{norm}**: {axes}. Parameters: {parameters}. State: {state}.",
                norm=spoken(norm.label), axes=spoken(norm.axes), parameters=spoken(norm.parameters),
                state=spoken(norm.state),
            )
        )  # fmt: skip
        st.latex(norm.formula)
        if norm.source:
            paper = f"[{norm.source.title}](https://arxiv.org/abs/{norm.source.arxiv})"
            st.caption(f"{norm.source.authors} ({norm.source.year}), {paper}")
