"""The lessons that can be taken, each with the link that opens it."""

from __future__ import annotations

import streamlit as st

from normviz.spec import SpecError
from normviz.ui import shelf
from normviz.ui.course import Place
from normviz.ui.doors import page_at
from normviz.ui.entries import LessonError
from normviz.ui.words import n_, refusal, spoken


def menu() -> None:
    """One card for each lesson; one that does not work says why."""
    for name in shelf.names():
        with st.container(border=True):
            try:
                lesson = shelf.find(name)
            except (LessonError, SpecError) as error:
                st.warning(refusal(error), icon=":material/rule:")
                continue
            page = page_at(lesson.steps[0].page)
            assert page is not None
            st.page_link(
                page.file, label=f"**{spoken(lesson.title)}**", icon=":material/school:",
                query_params=Place(lesson, 0).query(),
            )  # fmt: skip
            minutes = n_("about {n} minute", "about {n} minutes", lesson.minutes) if lesson.minutes else ""
            steps = n_("{n} step", "{n} steps", len(lesson.steps))
            st.caption(" · ".join(filter(None, [spoken(lesson.audience), minutes, steps])))
