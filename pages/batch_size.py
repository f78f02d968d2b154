"""Batch size: how few samples a norm's statistics can stand on, and what their noise is good for."""

import streamlit as st

from normviz.ui.controls import controls
from normviz.ui.questions import chosen, told
from normviz.ui.small_batches import QUESTIONS
from normviz.ui.stage import stage
from normviz.ui.words import _, spoken

st.title(_("What does the batch size do to a norm?"))
question = chosen(QUESTIONS)
st.header(spoken(question.spec.title), anchor=False)
st.markdown(spoken(question.prose))

spec = controls(question.spec)
stage(spec, question.figures, predict=question.prediction(spec))
told(question)
