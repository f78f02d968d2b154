"""A case of a lesson: name the fault from the charts, then choose a repair and see what it does."""

from __future__ import annotations

import streamlit as st

from normviz.spec import Spec
from normviz.ui.cases import Case, Repair, Showing
from normviz.ui.course import Place
from normviz.ui.stage import stage
from normviz.ui.words import _, spoken


def riddle(here: Place, case: Case) -> None:
    """Draw the question, what comes after it, and the charts."""
    broken = _seeded(case.spec)
    name = f"case {here.lesson.name} {here.at}"
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
    """Whether a fault of this case has been named in this visit."""
    return f"case {here.lesson.name} {here.at} guess" in st.session_state


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
    guess: str | None = st.session_state.get(f"{name} guess")
    if guess is None:
        st.pills(
            _("What is wrong with this network?"), list(faults), key=key,
            format_func=lambda one: spoken(faults[one]),
            on_change=_named, args=(name,), wrap=True, label_visibility="collapsed",
        )  # fmt: skip
        st.caption(_("Settings, notes and answer stay covered until you have named a fault."))
        return None
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


def _repair(name: str, broken: Spec, case: Case) -> Repair | None:
    """The repair that is being tried."""
    if not case.repairs:
        return None
    key = f"{name} repair"
    chosen = st.pills(
        _("Try a repair"), range(len(case.repairs)), key=key, wrap=True,
        format_func=lambda n: spoken(case.repairs[n].words),
    )  # fmt: skip
    if chosen is None:
        st.caption(
            _("The broken network is shown. Choose a repair: it then runs, and the broken run stays in grey.")
        )
        return None
    repair = case.repairs[chosen]
    if repair.told:
        st.markdown(spoken(repair.told))
    return repair
