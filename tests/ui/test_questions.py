"""Several experiments on one page: the URL names the question, and each keeps its own fields."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from normviz.specs.lr_init import LrInit
from normviz.specs.signal import Signal
from normviz.ui.why import QUESTIONS


def page() -> None:
    """The script under test."""
    import streamlit as st

    from normviz.specs.lr_init import LrInit
    from normviz.specs.signal import Signal
    from normviz.ui.controls import controls
    from normviz.ui.questions import Question, chosen, told

    def question(label, spec):
        return Question(label, spec, lambda _: [], "prose", "x^2", "explained", "sources", "known")

    question = chosen([question("Maps", LrInit), question("Depth", Signal)])
    st.session_state["spec"] = controls(question.spec)
    told(question)


def visit(**query: Any) -> AppTest:
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params.update(query)
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def query_of(app: AppTest) -> dict[str, str]:
    values = dict(app.query_params)
    return {name: one if isinstance(one, str) else ",".join(one) for name, one in values.items()}


def choose(app: AppTest, name: str) -> AppTest:
    (buttons,) = [one for one in app.button_group if set(one.options) == {"Maps", "Depth"}]
    buttons.set_value(name)
    return run(app)


def test_the_first_question_is_shown_unless_the_url_names_another() -> None:
    assert visit().session_state["spec"] == LrInit()
    assert visit(question="signal").session_state["spec"] == Signal()


def test_an_unknown_question_is_said_and_the_first_is_shown() -> None:
    app = visit(question="lr_int")
    assert app.session_state["spec"] == LrInit()
    said = app.warning[0].value.replace("\\_", "_")
    assert "“lr_int” does not work; allowed is one of lr_init, signal" in said


def test_another_question_takes_its_own_fields_along() -> None:
    app = visit(depth="12", grid="9", lesson="x")
    assert app.session_state["spec"] == LrInit(depth=12, grid=9)
    choose(app, "signal")
    assert app.session_state["spec"] == Signal()
    assert query_of(app) == {"lesson": "x", "question": "signal"}
    choose(app, "lr_init")
    assert app.session_state["spec"] == LrInit(depth=12, grid=9)
    assert query_of(app) == {"lesson": "x", "question": "lr_init", "depth": "12", "grid": "9"}


def test_a_link_to_a_question_sets_its_fields() -> None:
    app = visit(question="signal", depth="30")
    assert app.session_state["spec"] == Signal(depth=30)
    assert query_of(app) == {"question": "signal", "depth": "30"}


def test_every_question_of_the_page_has_its_words() -> None:
    assert len({one.spec.name for one in QUESTIONS}) == len(QUESTIONS)
    for one in QUESTIONS:
        assert one.spec.title.endswith("?")
        assert one.figures(one.spec())
        assert all([one.label, one.prose, one.formula, one.explained, one.known])
        assert "arxiv.org/abs/" in one.sources
