"""Lessons: a network with a hidden fault, where a lesson holds one here; else all lessons to choose from."""

import streamlit as st

from normviz.ui import course
from normviz.ui.menu import menu
from normviz.ui.riddle import riddle

here = course.place()
if here is not None and here.step.case is not None:
    st.title("What is wrong with this network?")
    riddle(here, here.step.case)
else:
    st.title("Which lesson do you want to take?")
    st.markdown(
        "A lesson leads through the pages with chosen settings, a task and an exit question for each step. "
        "Every run is computed live, as everywhere here."
    )
    menu()
