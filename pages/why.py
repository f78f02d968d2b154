"""Why it works: experiments on the reasons, one question at a time."""

import streamlit as st

from normviz.ui.controls import controls
from normviz.ui.questions import chosen, told
from normviz.ui.stage import stage
from normviz.ui.why import QUESTIONS
from normviz.ui.words import _, spoken

st.title(_("Why does normalization help training?"))
question = chosen(QUESTIONS)
st.header(spoken(question.spec.title), anchor=False)
st.markdown(spoken(question.prose))

spec = controls(question.spec)
stage(spec, question.figures, predict=question.prediction(spec))
told(question)
