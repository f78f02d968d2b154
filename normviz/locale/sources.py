"""Every sentence that a visitor may read, with the file that it comes from.

Literals are found by their calls: ``_``, ``n_``, ``phrase`` and ``counted`` in Python, ``t`` and ``tn`` in
the browser's modules.  Facts are found where they are registered: experiments and their knobs, the catalog,
templates of notes, questions, symptoms, advice, the tour, the lessons that ship.  Figures are made for many
settings, and searched.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_from_dir

from normviz.catalog.claims import CLAIMS, VERDICTS
from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_NETWORKS
from normviz.figures.formulas import FORMULAS
from normviz.figures.mathml import beside
from normviz.figures.theme import STYLES
from normviz.phrases import Phrase
from normviz.readings import TEMPLATES
from normviz.spec import Knob, Spec, SpecError
from normviz.specs import EXPERIMENTS, MEASURED
from normviz.specs.anatomy import CHANNELS
from normviz.specs.diagnosis import SYMPTOMS, Choice, Diagnosis
from normviz.specs.start import Start
from normviz.ui import lessons, loanwords, speech, tour
from normviz.ui.choices import REASONS, RULES
from normviz.ui.pages import BESIDE, PAGES
from normviz.ui.question import Question
from normviz.ui.shelf import SHIPPED
from normviz.ui.symptoms import BOOK

ROOT = Path(__file__).resolve().parents[2]
CALLS: Mapping[str, Any] = {"_": None, "n_": (1, 2), "phrase": None, "counted": (1, 2)}
_LETTERS = re.compile(r"[^\W\d_]{2}|[^\W\d_] ")
_PLACES = re.compile(r"\{[^{}]*\}|%\{[^{}]*\}|</?\w+>")


@dataclass(frozen=True)
class Sentence:
    """An English text, its plural if it has one, and where it is from."""

    text: str
    many: str | None
    place: str


def sentences() -> list[Sentence]:
    """All of them, each once, in the order of the places."""
    found: dict[str, Sentence] = {}
    for one in (*literals(), *refusals(), *browser(), *facts(), *drawn()):
        if one.text not in found or (one.many and not found[one.text].many):
            found[one.text] = one
    return [one for one in found.values() if readable(one.text)]


def readable(text: str) -> bool:
    """Whether it has words besides its places."""
    return bool(_LETTERS.search(_PLACES.sub("", text)))


def literals() -> Iterator[Sentence]:
    """What is marked in Python."""
    for folder in ("pages", "normviz"):
        method = [("**.py", "python")]
        for name, _, text, _, _ in extract_from_dir(ROOT / folder, method, keywords=CALLS):
            one, many = text if isinstance(text, tuple) else (text, None)
            yield Sentence(one, many, f"{folder}/{name}")


def refusals() -> Iterator[Sentence]:
    """What a ``SpecError`` says of a value: its label, what is allowed, the remedy."""
    for path in sorted((ROOT / "normviz").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("SpecError", "_refused"):
                for one in (*node.args, *(word.value for word in node.keywords if word.arg == "remedy")):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        yield Sentence(one.value, None, str(path.relative_to(ROOT)))


def browser() -> Iterator[Sentence]:
    """What is marked in the browser's modules, and names that runs put into notes."""
    for one, many in speech.sentences():
        yield Sentence(one, many, "normviz/ui/assets")
    for name in speech.values():
        yield Sentence(name, None, "normviz/readings")


def facts() -> Iterator[Sentence]:
    """What is registered."""
    for spec in specs():
        place = f"normviz/specs/{spec.__module__.rpartition('.')[2]}.py"
        for text in (spec.title, *(text for _, knob, _ in spec.knobs() for text in _knob(knob))):
            yield from _parts(text, place)
    for place, texts in _registered():
        for text in texts:
            yield from _parts(text, place)


def specs() -> list[type[Spec]]:
    """Every experiment, what is measured beside one, what is asked on pages without one.

    An operator's own are no part of the site.
    """
    shipped = [kind for kind in EXPERIMENTS.values() if kind.__module__.startswith("normviz.")]
    return [*shipped, *MEASURED.values(), Start, Diagnosis, Choice]


def _knob(knob: Knob) -> Iterator[str]:
    yield from (knob.label, knob.help, knob.unit, knob.form)
    yield from knob.names


def questions() -> list[Question]:
    """The questions of all pages that have several."""
    from normviz.ui import small_batches, train, why

    return [*small_batches.QUESTIONS, *train.QUESTIONS, *why.QUESTIONS]


def _registered() -> Iterator[tuple[str, Iterable[str]]]:
    yield (
        "normviz/catalog/norms.py",
        (
            text
            for fact in NORMS.values()
            for text in (fact.label, fact.axes, fact.parameters, fact.state, *fact.unfit.values())
        ),
    )
    yield "normviz/catalog", (text for network in ALL_NETWORKS.values() for text in network.unfit.values())
    yield "normviz/specs/anatomy.py", CHANNELS
    yield "normviz/catalog/claims.py", VERDICTS.values()
    yield (
        "normviz/catalog/claims.py",
        (
            text
            for claim in CLAIMS.values()
            for text in (claim.short, claim.statement, claim.rule, claim.sources, claim.see_label)
        ),
    )
    yield "normviz/figures/theme.py", (style.label for style in STYLES.values())
    for one in FORMULAS.values():
        terms = (term.says for term in one.terms.values())
        yield "normviz/figures/formulas.py", (one.alt, *terms, *beside(one.mathml))
    yield "normviz/readings", TEMPLATES.values()
    yield "normviz/ui/pages.py", (page.title for page in (*PAGES, *BESIDE))
    yield (
        "normviz/ui/tour.py",
        (text for stop in tour._ALL for text in (stop.part, stop.task, stop.question, stop.answer)),
    )
    yield "normviz/ui/tour.py", tour.DOORS.values()
    yield "normviz/ui/loanwords.py", (*loanwords.ALONE, *loanwords.WITH_PLACES)
    for asked in questions():
        place = f"normviz/ui ({asked.spec.name})"
        yield place, (asked.label, asked.prose, asked.explained, asked.sources, asked.known)
    yield "normviz/specs/diagnosis.py", SYMPTOMS.values()
    yield (
        "normviz/ui/symptoms.py",
        (text for one in BOOK.values() for text in (one.cause, one.test, one.look, one.door.words, one.fix)),
    )
    yield (
        "normviz/ui/choices.py",
        (text for one in REASONS.values() for text in (one.words, *(door.words for door in one.doors))),
    )
    yield "normviz/ui/choices.py", (advice.use for *_, advice in RULES)
    for path in sorted(SHIPPED.glob("*.toml")):
        yield f"normviz/lessons/{path.name}", _lesson(lessons.read(path))


def _lesson(lesson: lessons.Lesson) -> Iterator[str]:
    yield from (lesson.title, lesson.audience, *lesson.faults.values())
    for step in lesson.steps:
        yield from (step.title, step.text, step.task, step.question, step.answer)
        if step.case:
            yield from (*step.case.titles.values(), step.case.told)
            for repair in step.case.repairs:
                yield from (repair.words, repair.told)


def drawn() -> Iterator[Sentence]:
    """What figures and predictions say, with the settings at first and with every other choice."""
    from normviz.locale import figures

    for place, plain in figures.plain():
        for text in said(plain):
            yield from _parts(text, place)


def said(plain: Any, read: bool = False) -> Iterator[str]:
    """The texts of a figure that are read."""
    if isinstance(plain, Mapping):
        for name, one in plain.items():
            yield from said(one, name in speech.SAID)
    elif isinstance(plain, list | tuple):
        for one in plain:
            yield from said(one, read)
    elif read and isinstance(plain, str):
        yield plain


def _parts(text: str, place: str) -> Iterator[Sentence]:
    """A text, or the template of a phrase and the phrases in its places."""
    if isinstance(text, Phrase):
        yield Sentence(text.template, text.many, place)
        for one in text.places.values():
            if isinstance(one, str):
                yield from _parts(one, place)
    elif text:
        yield Sentence(text, None, place)


def variants(spec: type[Spec]) -> Iterator[Spec]:
    """The settings at first, and those that differ in one field, as far as they go together."""
    first = spec()
    yield first
    for name, knob, default in spec.knobs():
        others: list[Any] = [choice for choice in knob.choices if choice != default]
        if knob.most:
            others = [(choice,) for choice in knob.choices]
        elif isinstance(default, bool):
            others = [not default]
        elif isinstance(default, int | float) and not knob.choices:
            others = [knob.low, knob.high]
        for value in others:
            try:
                yield first.replace(**{name: value if not isinstance(default, int) else type(default)(value)})
            except SpecError:
                continue
