"""Make a lesson: links of pages, one a line, with texts; out come a link to share and a file to keep."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import streamlit as st

from normviz.spec import SpecError
from normviz.ui import shelf
from normviz.ui.doors import page_at
from normviz.ui.entries import LessonError
from normviz.ui.exhibits import kinds
from normviz.ui.lesson_texts import step_of, to_toml
from normviz.ui.lessons import lesson_of
from normviz.ui.words import _, plain, refusal, spoken

PATH = "lesson-builder"
"""The page on which it stands."""
_LINKS = "lesson links"
_AREA = "builder links"
_FIELDS = {
    "title": "Title",
    "text": "Text",
    "task": "Task",
    "question": "Exit question",
    "answer": "Its answer",
}


def add_here() -> None:
    """A button that adds the page with its present settings to the lesson of this visit."""
    count = len(_kept())
    label = _("Add this page to my lesson")
    label = f"{label} ({count})" if count else label
    st.button(label, icon=":material/playlist_add:", type="tertiary", on_click=_add)


def _kept() -> list[str]:
    kept: list[str] = st.session_state.setdefault(_LINKS, [])
    return kept


def _add() -> None:
    address = (st.context.url or "").split("?")[0]
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    link = f"{address}?{urlencode(query, doseq=True, safe=',')}" if query else address
    _kept().append(link)


def builder() -> None:
    """The form, and what comes of it."""
    left, right = st.columns((3, 1))
    told: dict[str, Any] = {"title": left.text_input(_("Title of the lesson"), _("My lesson"), max_chars=200)}
    minutes = int(right.number_input(_("Minutes"), 0, 1000, 45))
    if audience := st.text_input(_("For whom"), max_chars=200):
        told["for"] = audience
    told |= {"minutes": minutes, "steps": []}
    steps = [_step(n, link) for n, link in enumerate(_links(), 1)]
    told["steps"] = [step for step in steps if step]
    if told["steps"]:
        _result(told)


def _links() -> list[str]:
    if _AREA not in st.session_state:
        st.session_state[_AREA] = "\n".join(_kept())
    text = st.text_area(
        _("Links of the steps, one on each line"), key=_AREA, height=160, max_chars=20_000,
        placeholder="https://…/train?lr=0.1&norms=none,batch",
        help=_(
            "Set a page as it is to be and copy its address; or use “Add this page to my lesson” under it. "
            "hide=lr,depth in an address hides these controls, predict=0 leaves out the page's own "
            "prediction."
        ),
    )  # fmt: skip
    links = [line.strip() for line in text.splitlines() if line.strip()]
    st.session_state[_LINKS] = links
    return links


def _step(n: int, link: str) -> dict[str, Any] | None:
    """One step: what its link says, and its texts."""
    try:
        step = step_of(link)
    except (SpecError, ValueError) as problem:
        st.error(
            _("Line {n}: {problem}", n=n, problem=plain(spoken(str(problem)))), icon=":material/link_off:"
        )
        return None
    page = page_at(step["page"])
    assert page is not None
    with st.expander(_("Step {n}: {page}", n=n, page=spoken(page.title)), expanded=n == 1):
        settings = ", ".join(f"{name} = {value}" for name, value in step.get("settings", {}).items())
        st.caption(
            _("Settings: {settings}", settings=settings) if settings else _("Settings: the page's own")
        )
        for name, label in _FIELDS.items():
            long = name in ("text", "task", "answer")
            draw: Any = st.text_area if long else st.text_input
            text = draw(
                spoken(label), key=f"builder {n} {name}", **({"height": 80} if long else {}), max_chars=4000
            )
            if text.strip():
                step[name] = text.strip()
        fields = {
            one: knob.label
            for kind in kinds(step["page"], step.get("settings", {}).get("question", ""))
            for one, knob, _ in kind.knobs()
        }
        hide = st.multiselect(
            _("Hidden controls"), list(fields), [one for one in step.get("hide", []) if one in fields],
            format_func=lambda one: str(spoken(fields[one])), key=f"builder {n} hide {link}",
        )  # fmt: skip
        step.pop("hide", None)
        if hide:
            step["hide"] = hide
        if not st.toggle(
            _("Ask the page's own prediction"), step.get("predict", True), key=f"builder {n} ask {link}"
        ):
            step["predict"] = False
    return step


def _result(told: dict[str, Any]) -> None:
    st.header(_("The lesson"), anchor=False)
    try:
        lesson = lesson_of(told, "", "This lesson")
    except LessonError as problem:
        st.error(refusal(problem), icon=":material/rule:")
        return
    first = page_at(lesson.steps[0].page)
    assert first is not None
    st.download_button(
        _("Download the file"), to_toml(told), "lesson.toml", "application/toml", icon=":material/download:"
    )  # fmt: skip
    try:
        code = shelf.encode(told)
    except SpecError as problem:
        st.info(refusal(problem), icon=":material/link_off:")
        return
    st.page_link(first.file, label=_("Preview it"), icon=":material/play_circle:",
                 query_params={"lesson": code, "step": "1"})  # fmt: skip
    site = (st.context.url or "").split("?")[0].rpartition("/")[0]
    st.markdown(_("The link to share holds the whole lesson:"))
    st.code(f"{site}/{first.url_path}?lesson={code}&step=1", language=None, wrap_lines=True)
