"""The strip of a lesson: where one is and what is to be done above the page, the exit question below it."""

from __future__ import annotations

import streamlit as st

from normviz.ui import course
from normviz.ui.course import Place
from normviz.ui.doors import page_at
from normviz.ui.pages import Page
from normviz.ui.riddle import named
from normviz.ui.words import _, spoken

_OTHERS = ("lesson", "step", "question")
_OWN = ("lesson", "step", "guess", "repair")
"""Of the URL: what has no meaning outside the lesson."""


def head(page: Page) -> None:
    """Say which step of which lesson this is; go to the step's page if this is another one."""
    if wrong := course.problem():
        st.warning(wrong, icon=":material/link_off:")
    here = course.place()
    if here is None:
        return
    if here.step.page != page.url_path:
        kept = {name: st.query_params.get_all(name) for name in st.query_params if name not in _OTHERS}
        st.switch_page(_page(here.step.page).file, query_params={**kept, **here.query()})
    with st.container(border=True, key="lesson-head"):
        step, lesson = here.step, here.lesson
        at, last = here.at + 1, len(lesson.steps)
        title, name = spoken(lesson.title), spoken(step.title)
        if name:
            told = _("**{lesson}, step {at} of {last}: {step}**", lesson=title, at=at, last=last, step=name)
        else:
            told = _("**{lesson}, step {at} of {last}**", lesson=title, at=at, last=last)
        st.progress(at / last, told)
        if step.text:
            st.markdown(spoken(step.text))
        if step.task:
            st.markdown(_("**Task.** {task}", task=spoken(step.task)))


def foot() -> bool:
    """The exit question, its answer covered until asked for, and the way on; False without a lesson."""
    here = course.place()
    if here is None:
        return False
    with st.container(border=True, key="lesson-foot"):
        step = here.step
        if step.question and (step.case is None or named(here)):  # it may tell what the fault is
            key = f"exit {here.lesson.name} {here.at}"
            asked = _("**Exit question.** {question}", question=spoken(step.question))
            with st.expander(asked, key=key, on_change="rerun") as covered:
                if covered.open:
                    st.markdown(spoken(step.answer))
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            if here.at:
                _link(here, -1, _("Back"), "arrow_back")
            st.button(_("Leave the lesson"), icon=":material/close:", type="tertiary", on_click=_leave)
            if here.at + 1 < len(here.lesson.steps):
                _link(here, 1, _("Next"), "arrow_forward")
            elif page_at("lesson"):
                st.page_link(
                    _page("lesson").file, label=_("The end: other lessons"), icon=":material/school:"
                )
    return True


def _leave() -> None:
    """The page stays, with its own settings."""
    kept = {name: st.query_params.get_all(name) for name in st.query_params if name not in _OWN}
    st.query_params.from_dict(kept)  # at once: the back button leads into the lesson again, not half-way


def _link(here: Place, by: int, words: str, icon: str) -> None:
    step = here.lesson.steps[here.at + by]
    label = f"{words}: {spoken(step.title)}" if step.title else words
    icon, query = f":material/{icon}:", here.query(by)
    if step.page == here.step.page:  # a link to the page that is shown leaves the browser's URL as it was
        st.button(label, icon=icon, key=f"lesson by {by}", on_click=st.query_params.from_dict, args=(query,))
    else:
        st.page_link(_page(step.page).file, label=label, icon=icon, query_params=query)


def _page(path: str) -> Page:
    found = page_at(path)
    assert found is not None, f"a lesson was checked that names the page {path!r}"
    return found
