"""A case of a lesson: name the fault from the charts, then choose a repair and see what it does.

The URL holds what a visitor has answered (``guess=lag&repair=2``), never what is right; a lesson's own links
lead to cases without an answer.
"""

from __future__ import annotations

import streamlit as st

from normviz.phrases import phrase
from normviz.spec import Spec, SpecError
from normviz.ui.cases import Case, Repair, Showing
from normviz.ui.course import Place
from normviz.ui.stage import stage
from normviz.ui.words import _, refusal, spoken

_GUESS, _REPAIR = "guess", "repair"
"""The URL's parameters."""


def riddle(here: Place, case: Case) -> None:
    """Draw the question, what comes after it, and the charts."""
    broken = _seeded(case.spec)
    name = _name(here)
    with st.container(key="case"):
        guess = _guess(name, here, case)
        repair = None if guess is None else _repair(name, broken, case)
    spec = broken if repair is None else repair.spec.replace(seed=broken.seed)
    charts = repair.charts if repair else ()
    apart = " ".join([here.lesson.name[:40], str(here.at), *charts])
    stage(
        spec,
        Showing(case, charts),
        sealed=guess is None,
        behind=broken if repair else None,
        apart=apart,
    )


def named(here: Place) -> bool:
    """Whether a fault of this case has been named, in this visit or in the URL."""
    return _name(here) + " guess" in st.session_state or _asked(here) is not None


def _name(here: Place) -> str:
    return f"case {here.lesson.name} {here.at}"


def _asked(here: Place) -> str | None:
    """The guess in the URL, if it is one of the lesson's faults."""
    asked = st.query_params.get(_GUESS)
    return asked if asked in here.lesson.faults else None


def _say(name: str, text: str | None) -> None:
    """Let the URL hold an answer, or none."""
    if text is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != text:
        st.query_params[name] = text


def _unknown(label: str, name: str, allowed: str) -> None:
    """Say that the URL's answer is none, and take it out."""
    problem = SpecError(label, st.query_params.pop(name), allowed, "Nothing was chosen.", field=name)
    st.warning(refusal(problem), icon=":material/link_off:")


def _seeded(spec: Spec) -> Spec:
    """The case from the seed that the URL names, so that neighbours may have networks of their own."""
    given, _ = type(spec).from_query(
        {name: st.query_params[name] for name in ("seed",) if name in st.query_params}
    )
    return spec.replace(seed=given.seed) if "seed" in st.query_params else spec


def _guess(name: str, here: Place, case: Case) -> str | None:
    """The first fault that was named; None before."""
    faults = here.lesson.faults
    key = f"{name} fault"
    if (asked := _asked(here)) is not None:
        st.session_state[f"{name} guess"] = asked
    elif _GUESS in st.query_params:
        _unknown(_("Named fault"), _GUESS, phrase("one of {listed}", listed=", ".join(faults)))
    guess: str | None = st.session_state.get(f"{name} guess")
    if guess is None:
        _say(_REPAIR, None)
        st.pills(
            _("What is wrong with this network?"), list(faults), key=key,
            format_func=lambda one: spoken(faults[one]),
            on_change=_named, args=(name,), wrap=True, label_visibility="collapsed",
        )  # fmt: skip
        st.caption(_("Settings, notes and answer stay covered until you have named a fault."))
        return None
    _say(_GUESS, guess)
    right = guess == case.fault
    named, fault = spoken(faults[guess]), spoken(faults[case.fault])
    verdict = (
        _("**Yes: {fault}.**", fault=fault)
        if right
        else _("“{guess}” was your guess. **It is this: {fault}.**", guess=named, fault=fault)
    )
    told = st.success if right else st.info
    told(f"{verdict} {spoken(case.told)}", icon=":material/check:" if right else ":material/search:")
    return guess


def _named(name: str) -> None:
    if (guess := st.session_state[f"{name} fault"]) is not None:
        st.session_state[f"{name} guess"] = guess


def _touched(name: str) -> None:
    st.session_state[f"{name} touched"] = True


def _repair(name: str, broken: Spec, case: Case) -> Repair | None:
    """The repair that is being tried."""
    if not case.repairs:
        return None
    key, at = f"{name} repair", f"{name} repair in URL"
    asked, last = st.query_params.get(_REPAIR), len(case.repairs)
    touched = st.session_state.pop(f"{name} touched", False)  # the browser's URL may lag behind the click
    if asked is not None and asked not in map(str, range(1, last + 1)):
        _unknown(_("Repair"), _REPAIR, phrase("a whole number from {low:g} to {high:g}", low=1, high=last))
    elif asked != st.session_state.get(at) and not touched:  # changed from outside: a link, a reload
        st.session_state[key] = None if asked is None else int(asked) - 1
    chosen = st.pills(
        _("Try a repair"), range(len(case.repairs)), key=key, wrap=True,
        format_func=lambda n: spoken(case.repairs[n].words),
        on_change=_touched, args=(name,),
    )  # fmt: skip
    st.session_state[at] = None if chosen is None else str(chosen + 1)
    _say(_REPAIR, st.session_state[at])
    if chosen is None:
        st.caption(
            _("The broken network is shown. Choose a repair: it then runs, and the broken run stays in grey.")
        )
        return None
    repair = case.repairs[chosen]
    if repair.told:
        st.markdown(spoken(repair.told))
    return repair
