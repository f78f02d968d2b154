"""What the page Diagnose and choose draws: a symptom's entry, the advice, and the table of all norms."""

from __future__ import annotations

import streamlit as st

from normviz import player
from normviz.catalog.norms import FORMS, NORMS, NormFact
from normviz.frames import Recording
from normviz.spec import SpecError
from normviz.specs.cost import NormCost
from normviz.specs.diagnosis import SYMPTOMS, Choice, Diagnosis
from normviz.ui import visitors
from normviz.ui.choices import advice
from normviz.ui.controls import controls
from normviz.ui.symptoms import BOOK
from normviz.ui.words import _, numeral, spoken

_JOINER = "\u2060"  # no line ends there
_PATIENCE = 1.0  # seconds between two looks at a measurement in progress


def diagnose() -> Diagnosis:
    """The question, and the entry of the chosen symptom."""
    asked = controls(Diagnosis, bare=True)
    entry = BOOK[asked.symptom]
    with st.container(border=True, key="symptom"):
        st.header(spoken(SYMPTOMS[asked.symptom]), anchor=False)
        st.markdown(spoken(entry.cause))
        left, right = st.columns(2)
        left.markdown(_("**Test.** {test}", test=spoken(entry.test)))
        left.code(entry.code, language="python", wrap_lines=True)
        right.markdown(_("**See it happen.** {look}", look=spoken(entry.look)))
        with right:
            entry.door.draw()
        right.markdown(_("**Fix.** {fix}", fix=spoken(entry.fix)))
    return asked


def choose() -> Choice:
    """The questions of the choice, and the advice with its reasons."""
    asked = controls(Choice, bare=True)
    told = advice(asked)
    with st.container(border=True, key="advice"):
        st.subheader(_("Use"), anchor=False)
        st.markdown(spoken(told.use))
        left, right = st.columns(2)
        for column, title, reasons in (
            (left, _("Why"), told.reasons),
            (right, _("And then"), told.warnings),
        ):
            with column:
                st.markdown(f"**{title}**")
                for reason in reasons:
                    st.markdown(spoken(reason.words))
                    reason.door.draw()
    return asked


# --- the table ------------------------------------------------------------------------------------------


def norms_table(spec: NormCost) -> None:
    """All norms, with their measured cost as soon as it is there."""
    with st.container(key="norms-table"):  # named for assets/stage.css
        _norms_table(spec)


def _norms_table(spec: NormCost) -> None:
    try:
        token = player.current().open(spec, visitors.of_page())
    except SpecError:
        _draw(table(spec, None))  # the stage below says why there is no measurement
        return
    run = player.current().run(token)
    waiting = run is not None and not run.ended

    # Only the first to ask for these settings waits, for some seconds; then the recording is everybody's.
    @st.fragment(run_every=_PATIENCE if waiting else None)
    def drawn() -> None:
        now = player.current().run(token)
        _draw(table(spec, now.recording if now and now.frames else None))
        if waiting and now is not None and now.ended:
            st.rerun()

    drawn()


def _draw(columns: dict[str, tuple[str, ...]]) -> None:
    st.table(
        columns, border="horizontal", alt=_("All normalizations: formula, what they need and what they cost")
    )


def table(spec: NormCost, recording: Recording | None) -> dict[str, tuple[str, ...]]:
    """The norms of the catalog, column by column in Markdown, one cell per norm in each."""
    heads = (
        _("Norm"), _("Cost here"), _("Formula"), _("Averaged"), _("Learned"), _("Kept"), _("train ≠ eval"),
        _("Applies to"),
    )  # fmt: skip
    rows = [_row(fact, _cost(fact.name, spec, recording)) for fact in NORMS.values()]
    return dict(zip(heads, zip(*rows, strict=True), strict=True))


def _row(fact: NormFact, cost: str) -> tuple[str, ...]:
    forms = {"mlp": "MLP", "cnn": "CNN", "sequence": _("sequence")}
    applies = ", ".join(forms[form] for form in FORMS if fact.applies[form] is None)
    equations = fact.formula.split(r",\quad ")  # a line each, if need be
    formula = ",\u2002".join(f"${equation}$" for equation in equations)
    differs = _("yes") if fact.train_differs_from_eval else _("no")
    axes, parameters, state = spoken((fact.axes, fact.parameters, fact.state))
    return spoken(fact.label), cost, formula, axes, parameters, state, differs, applies


def _cost(norm: str, spec: NormCost, recording: Recording | None) -> str:
    if norm not in spec.measured:
        return _("does not apply") if norm in spec.norms else _("not asked")
    if recording is None:
        return "…"
    v = spec.measured.index(norm)
    low, high = recording.at("quartiles")[v]
    spread = f"({low:.2f}{_JOINER}–{_JOINER}{high:.2f})"
    return numeral(f"{recording.at('ratio')[v, 0]:.2f} {spread}")
