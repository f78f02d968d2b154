"""Lessons: a network with a hidden fault, where a lesson holds one here; else all lessons to choose from."""

import streamlit as st

from normviz.ui import course
from normviz.ui.menu import menu
from normviz.ui.riddle import riddle
from normviz.ui.words import _

here = course.place()
if here is not None and here.step.case is not None:
    st.title(_("What is wrong with this network?"))
    riddle(here, here.step.case)
else:
    st.title(_("Which lesson do you want to take?"))
    st.markdown(
        _(
            "A lesson leads through the pages with chosen settings, a task and an exit question for each "
            "step. Its runs are live; one that was made beforehand says that it is recorded."
        )
    )
    menu()
