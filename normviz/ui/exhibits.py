"""What each page shows: the specs whose fields its URL and its lessons may set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from normviz.spec import Spec, SpecError
from normviz.specs import EXPERIMENTS
from normviz.specs.anatomy import Anatomy
from normviz.specs.claims import Claims
from normviz.specs.cost import NormCost
from normviz.specs.diagnosis import Choice, Diagnosis
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.sequences import Sequences
from normviz.specs.signal import Signal
from normviz.specs.start import Start
from normviz.ui import small_batches, train, why
from normviz.ui.doors import page_at
from normviz.ui.question import Question

STAGED = frozenset(EXPERIMENTS) - {"anatomy", "cost"}
"""Experiments whose runs are played and come out the same every time.  Anatomy computes in the browser; the
times of ``cost`` are to be measured where and when they are shown."""

QUESTIONS: dict[str, Sequence[Question]] = {
    "batch-size": small_batches.QUESTIONS,
    "train": train.QUESTIONS,
    "why": why.QUESTIONS,
}
"""The pages with several experiments, of which ``?question=`` chooses one."""

SPECS: dict[str, tuple[type[Spec], ...]] = {
    "": (Start,),
    "forgotten-eval": (ForgottenEval,),
    "anatomy": (Anatomy,),
    "signal": (Signal,),
    "sequences": (Sequences,),
    "claims": (Claims,),
    "diagnose": (Diagnosis, Choice, NormCost),
}
"""The other pages."""


def kinds(path: str, question: str = "") -> tuple[type[Spec], ...]:
    """The specs of a page, or of one of its questions.

    Raises:
        SpecError: there is no such page or question.
    """
    if path in QUESTIONS:
        by_name = {one.spec.name: one.spec for one in QUESTIONS[path]}
        asked = question or next(iter(by_name))
        if asked not in by_name:
            raise SpecError("Question", asked, f"one of {', '.join(by_name)}", field="question")
        return (by_name[asked],)
    if path not in SPECS:
        listed = ", ".join(one or '"" (Start)' for one in (*SPECS, *QUESTIONS))
        raise SpecError("Page", path, f"one of {listed}", field="page")
    if question:
        raise SpecError("Question", question, "none on this page", "Leave it out.", field="question")
    return SPECS[path]


def first_spec(path: str, query: Mapping[str, str]) -> Spec | None:
    """The spec that a page plays when it is opened with this query; None if nothing is played or known yet.

    What a lesson shows is left to the page.  A query that does not work falls back as it does there.
    """
    if "lesson" in query or page_at(path) is None:
        return None
    try:
        found = kinds(path, query.get("question", "") if path in QUESTIONS else "")
    except SpecError:
        return None
    played = [kind for kind in found if kind.name in STAGED]
    return played[0].from_query(query)[0] if played else None
