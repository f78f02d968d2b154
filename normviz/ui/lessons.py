"""Lessons: small text files that lead through the pages with chosen settings, texts and tasks.

    title = "Batch norm in an hour"        # for = "…", minutes = 60 beside it
    [[steps]]
    page = "train"                         # its place in the URL; "" is the front door
    title = "The race"
    settings = { lr = 0.1, norms = ["none", "batch"] }
    hide = ["lr"]                          # fields whose controls are not drawn
    predict = false                        # the page's own prediction is not asked for
    text = "…"  task = "…"                 # Markdown
    question = "…"  answer = "…"           # the exit question; its answer is covered until asked for

A page with several questions takes ``question`` among its settings.  A step with a ``case`` in place of a
page shows a network with a hidden fault (``normviz.ui.cases``).  A file is checked when it is read; what is
wrong in it is told with the file, the step, the field, the value and what is allowed.

Texts of the lessons that ship are in the catalogues (``normviz/locale``) like every other sentence; those of
other lessons are shown as they are written.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from normviz.phrases import phrase
from normviz.spec import Spec, SpecError
from normviz.ui.cases import Case, case_of
from normviz.ui.doors import page_at
from normviz.ui.entries import LessonError, checked
from normviz.ui.exhibits import kinds
from normviz.ui.pages import shown as pages_shown

MOST_STEPS = 40
_WORDS = ("title", "text", "task", "question", "answer")


@dataclass(frozen=True)
class Step:
    """One stop of a lesson: a page as it is to be, and what is said about it.  Texts are Markdown."""

    title: str
    page: str
    """Its place in the URL."""
    specs: tuple[Spec, ...] = ()
    """What the page shows, with the lesson's settings; several where a page holds several."""
    experiment: str = ""
    """The question, on a page with several."""
    hide: tuple[str, ...] = ()
    predict: bool = True
    text: str = ""
    task: str = ""
    question: str = ""
    answer: str = ""
    case: Case | None = None

    def spec_of(self, kind: type[Spec]) -> Spec | None:
        """The settings for one experiment; None if the step does not show it."""
        return next((one for one in self.specs if type(one) is kind), None)


@dataclass(frozen=True)
class Lesson:
    """A lesson, checked."""

    name: str
    """As it stands in the URL: a name, or the whole lesson encoded."""
    title: str
    audience: str
    minutes: int
    steps: tuple[Step, ...]
    faults: Mapping[str, str]
    """What may be wrong with the networks of its cases, by name."""


def read(path: Path) -> Lesson:
    """The lesson in a file.

    Raises:
        LessonError: it cannot be read, or something in it does not work.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LessonError(path.name, f"it cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:  # also numbers too long to be read, and nesting too deep
        raise LessonError(path.name, f"it is not TOML ({error}).") from error
    return lesson_of(told, path.stem.replace("_", "-"), path.name)


def lesson_of(told: Mapping[str, Any], name: str, where: str) -> Lesson:
    """A lesson from its decoded text; ``where`` is what messages call it.

    Raises:
        LessonError: something in it does not work.
    """
    allowed = {"title": str, "for": str, "minutes": int, "faults": dict, "steps": list}
    values = checked(told, allowed, where)
    if not values.get("title"):
        raise LessonError(where, "title is missing; give the lesson a title.")
    minutes = values.get("minutes", 0)
    if not 0 <= minutes <= 1000:
        raise LessonError(where, f"minutes: “{minutes}” does not work; allowed is a number from 0 to 1000.")
    faults = {str(key): str(words) for key, words in values.get("faults", {}).items()}
    steps = values.get("steps", [])
    if not 1 <= len(steps) <= MOST_STEPS:
        raise LessonError(where, f"it has {len(steps)} steps; allowed is 1 to {MOST_STEPS}.")
    read_steps = tuple(_step(step, f"{where}, step {n}", faults) for n, step in enumerate(steps, 1))
    return Lesson(name, values["title"], values.get("for", ""), minutes, read_steps, faults)


def _step(told: Any, where: str, faults: Mapping[str, str]) -> Step:
    allowed: dict[str, type] = dict.fromkeys(_WORDS, str)
    allowed |= {"page": str, "settings": dict, "hide": list, "predict": bool, "case": dict}
    values = checked(told, allowed, where)
    words = {name: values[name] for name in _WORDS if name in values}
    words.setdefault("title", "")
    if bool(words.get("question")) != bool(words.get("answer")):
        raise LessonError(where, "an exit question and its answer belong together; give both or neither.")
    try:
        if "case" in values:
            if {"page", "settings", "hide", "predict"} & set(values):
                raise LessonError(where, "a case replaces page, settings, hide and predict; leave them out.")
            _check_shown("lesson")
            return Step(page="lesson", case=case_of(values["case"], where, faults), **words)
        return _page_step(values, words)
    except SpecError as problem:
        raise LessonError(where, problem.sentence) from problem


def _page_step(values: Mapping[str, Any], words: Mapping[str, Any]) -> Step:
    page = values.get("page", "")
    settings = dict(values.get("settings", {}))
    asked = str(settings.pop("question", ""))
    shown = kinds(page, asked)
    _check_shown(page)
    known = {name: kind for kind in shown for name, _, _ in kind.knobs()}
    shown[0].from_values({name: value for name, value in settings.items() if name not in known})
    hide = tuple(map(str, values.get("hide", ())))
    for name in hide:
        if name not in known:
            raise SpecError("Hidden control", name, f"one of {', '.join(known)}", field="hide")
    specs = tuple(
        kind.from_values(
            {name: value for name, value in settings.items() if name in {one for one, _, _ in kind.knobs()}}
        )
        for kind in shown
    )
    step = Step(words["title"], page, specs, asked and shown[0].name, hide, values.get("predict", True))
    return dataclasses.replace(step, **{name: text for name, text in words.items() if name != "title"})


def _check_shown(path: str) -> None:
    """Refuse a page that this server does not show."""
    if page_at(path) is None:
        listed = ", ".join(page.url_path for page in pages_shown() if page.url_path)
        raise SpecError(
            "Page", path, phrase("one of {listed}", listed=listed), "This server does not show that page.",
            field="page",
        )  # fmt: skip
