"""Where a visitor is in a lesson: read from ``?lesson=NAME&step=k``, and what it sets on the page.

The lesson gives the settings, the URL only what a visitor changed.  What does not work falls back with a
message (``problems``), and the page is shown as if there were no lesson.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from normviz.phrases import phrase
from normviz.spec import Spec, SpecError
from normviz.ui import shelf
from normviz.ui.entries import LessonError
from normviz.ui.lessons import Lesson, Step
from normviz.ui.words import _, refusal

S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class Place:
    """One step of a lesson."""

    lesson: Lesson
    at: int
    """From 0."""
    problem: str = ""

    @property
    def step(self) -> Step:
        """The step itself."""
        return self.lesson.steps[self.at]

    def query(self, by: int = 0) -> dict[str, str]:
        """The URL's parameters of this step, or of one further on."""
        step = self.lesson.steps[self.at + by]
        return {
            "lesson": self.lesson.name, "step": str(self.at + by + 1),
            **({"question": step.experiment} if step.experiment else {}),
        }  # fmt: skip


def place() -> Place | None:
    """The lesson's step that the URL names; None without a lesson, and with one that does not work."""
    try:
        return _place()
    except (SpecError, LessonError):
        return None


def problem() -> str:
    """What is wrong with the lesson that the URL names, as a sentence; empty if nothing is."""
    try:
        found = _place()
    except (SpecError, LessonError) as error:
        return _("{problem} The page is shown without a lesson.", problem=refusal(error))
    return found.problem if found else ""


def _place() -> Place | None:
    asked = st.query_params.get("lesson", "")
    if not asked:
        return None
    lesson = shelf.find(asked)
    text, last = st.query_params.get("step", "1"), len(lesson.steps)
    if text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= last:
        return Place(lesson, int(text) - 1)
    allowed = phrase("a whole number from {low:g} to {high:g}", low=1, high=last)
    wrong = SpecError("Step", text, allowed, "Showing step 1.", field="step")
    return Place(lesson, 0, refusal(wrong))


def given(kind: type[S]) -> S:
    """The settings from which an experiment starts: the lesson's, or the defaults."""
    here = place()
    spec = here.step.spec_of(kind) if here else None
    return spec if isinstance(spec, kind) else kind()


def heard(kind: type[S], query: Mapping[str, str]) -> tuple[S, list[str]]:
    """The spec that a lesson and the URL's fields give, and sentences about what does not work."""
    base = given(kind)
    if base == kind():
        spec, problems = kind.from_query(query)
        return spec, [refusal(problem) for problem in problems]
    known = {name: text for name, text in query.items() if name in base.values()}
    told: list[str] = []
    while True:
        spec, problems = kind.from_query({**base.to_query(full=True), **known})
        bad = [one for one in problems if one.field in known] or problems
        if not bad:
            return spec, told
        for one in bad:
            fallback = SpecError(one.label, one.value, one.allowed, "Using the lesson's.", field=one.field)
            told.append(refusal(fallback))
            if known.pop(one.field, None) is None:
                known.clear()  # what the lesson sets does not go with it


def written(spec: Spec) -> dict[str, str]:
    """The URL's fields of a spec: those that differ from where the lesson, or the defaults, began."""
    start = given(type(spec))
    if start == type(spec)():
        return spec.to_query()
    texts = spec.to_query(full=True).items()
    return {name: text for name, text in texts if getattr(spec, name) != getattr(start, name)}


def hidden() -> set[str]:
    """Fields whose controls are not drawn, by the URL's ``hide`` and by the lesson."""
    here = place()
    asked = st.query_params.get("hide", "").split(",")
    return {name.strip() for name in asked if name.strip()} | set(here.step.hide if here else ())


def predicts() -> bool:
    """Whether visitors are asked to predict."""
    here = place()
    return st.query_params.get("predict") != "0" and (here is None or here.step.predict)


def question(otherwise: str) -> str:
    """The question of the page that the URL names, or the lesson, or this one."""
    here = place()
    return st.query_params.get("question") or (here.step.experiment if here else "") or otherwise
