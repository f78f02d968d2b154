"""The URL is the experiment, on every page as it is: each field of each one, after a rerun, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from normviz.spec import Spec
from normviz.ui.exhibits import QUESTIONS, SPECS, first_spec, kinds
from normviz.ui.pages import PAGES
from normviz.ui.widgets import PALETTE, grid
from tests.ui.sites import IdlePlayer, Sent, query_of, run, visit
from tests.ui.test_controls import another, text_of

EXHIBITS = [
    *((path, "", kind) for path, shown in SPECS.items() for kind in shown),
    *((path, one.spec.name, one.spec) for path, several in QUESTIONS.items() for one in several),
]
PLAYED = {kind for _, _, kind in EXHIBITS} - {
    kind for path in ("", "anatomy", "diagnose") for kind in kinds(path)
}
_FOREIGN = {"note": "x", "predict": "0"}


def seen(app: AppTest, kind: type[Spec], idle: IdlePlayer, sent: Sent) -> dict[str, Any]:
    """The settings with which a page shows an experiment, in the last run of its script."""
    if kind in PLAYED or kind.name == "cost":
        return idle.opened[-1].values()
    if kind.name in ("start", "anatomy"):
        return dict(sent[-1]["values"])
    return app.session_state[f"{kind.name} controls"].spec.values()  # type: ignore[no-any-return]


def ids(case: tuple[str, str, type[Spec]]) -> str:
    return f"{case[0] or 'start'}-{case[2].name}"


def test_every_page_is_among_the_exhibits() -> None:
    assert {page.url_path for page in PAGES} == {*SPECS, *QUESTIONS}


@pytest.mark.usefixtures("idle", "sent")
@pytest.mark.parametrize("case", EXHIBITS, ids=ids)
def test_a_link_with_every_field_changed_is_what_the_page_shows(
    case: tuple[str, str, type[Spec]],
    idle: IdlePlayer,
    sent: Sent,
) -> None:
    """All fields at once, as far as they go together; seed and changes included."""
    path, question, kind = case
    spec = kind()
    for name, _, _ in kind.knobs():
        try:
            value = another(kind, name)
            spec = spec.replace(**{name: value})
        except (ValueError, pytest.skip.Exception):
            continue  # it has one value, or none that goes with the others
    query = {**spec.to_query(), **_FOREIGN, **({"question": question} if question else {})}
    app = visit(path, **query)
    assert not app.warning, [one.value for one in app.warning]
    shown = seen(app, kind, idle, sent)
    assert shown == {name: value for name, value in spec.values().items() if name in shown}
    assert first_spec(path, query) == (spec if kind in PLAYED else None)  # begun before the page is made
    run(app)  # a reload of the same address, or a rerun by something else on the page
    assert seen(app, kind, idle, sent) == shown
    assert query_of(app) == query


@pytest.mark.usefixtures("idle", "sent")
@pytest.mark.parametrize("case", EXHIBITS, ids=ids)
def test_back_from_a_change_is_the_experiment_before(
    case: tuple[str, str, type[Spec]],
    idle: IdlePlayer,
    sent: Sent,
) -> None:
    path, question, kind = case
    base = {"question": question} if question else {}
    app = visit(path, **base)
    before = seen(app, kind, idle, sent)
    name = next(name for name in reversed([one for one, _, _ in kind.knobs()]) if name != "changes")
    app.query_params.update(text_of(kind, name, another(kind, name)))
    run(app)
    app.query_params.clear()
    app.query_params.update(base)
    run(app)
    assert seen(app, kind, idle, sent) == before


@pytest.mark.usefixtures("idle", "sent")
@pytest.mark.parametrize("case", EXHIBITS, ids=ids)
def test_bad_values_fall_back_with_messages_that_name_them(
    case: tuple[str, str, type[Spec]],
    idle: IdlePlayer,
    sent: Sent,
) -> None:
    path, question, kind = case
    fields = {name: "no such value" for name, knob, _ in kind.knobs()}
    app = visit(path, **fields, **({"question": question} if question else {}))
    said = " ".join(one.value for one in app.warning)
    for _, knob, _ in kind.knobs():
        assert knob.label in said
    shown = seen(app, kind, idle, sent)
    assert shown == {name: value for name, value in kind().values().items() if name in shown}
    asked = {**fields, **({"question": question} if question else {})}
    assert first_spec(path, asked) == (kind() if kind in PLAYED else None)


def test_what_a_lesson_shows_is_not_begun_before_its_page() -> None:
    assert first_spec("train", {"lesson": "broken-networks"}) is None
    assert first_spec("no-such-page", {}) is None
    assert first_spec("train", {"question": "no such question"}) is None


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("path", QUESTIONS)
def test_an_unknown_question_is_named(path: str, sent: Sent) -> None:
    app = visit(path, question="nonsense")
    assert "“nonsense” does not work" in app.warning[0].value


@pytest.mark.usefixtures("idle")
def test_predictions_are_left_out_on_request(sent: Sent) -> None:
    visit("forgotten-eval")
    assert "prediction" in sent[-1]
    visit("forgotten-eval", predict="0")
    assert "prediction" not in sent[-1]


@pytest.mark.usefixtures("sent")
def test_the_time_switch_is_in_the_address(idle: IdlePlayer) -> None:
    visit("train", time="true")
    assert [spec.name for spec in idle.opened] == ["train", "step_cost"]
    visit("train")
    assert [spec.name for spec in idle.opened[2:]] == ["train"]


@pytest.mark.usefixtures("idle")
def test_what_is_sent_can_be_written_as_json(sent: Sent) -> None:
    for page in PAGES:
        visit(page.url_path)
    json.dumps(sent, allow_nan=False)


def widget(app: AppTest, key: str) -> Any:
    """The widget of a field, whatever its kind; None if it is not drawn."""
    kinds = ("slider", "select_slider", "number_input", "selectbox", "toggle", "button_group", "text_input")
    return next((one for kind in kinds for one in getattr(app, kind) if one.key == key), None)


def candidates(kind: type[Spec], name: str, now: Any) -> list[Any]:
    """Other values that the widget of a field offers."""
    knob, default = next((knob, default) for one, knob, default in kind.knobs() if one == name)
    if knob.form:
        return ["20:lr=0.03"]
    if isinstance(default, bool):
        return [not now]
    if knob.choices:
        return [one for one in knob.choices if one != now and one not in (now if knob.most else ())]
    if isinstance(default, int) and not knob.log:
        step = int(knob.step or 1)
        return [one for one in (now + step, now - step) if knob.low <= one <= knob.high]
    return [type(default)(one) for one in grid(knob) if one != now and one == type(default)(one)]


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize(
    "case", [case for case in EXHIBITS if case[2].name not in ("start", "anatomy")], ids=ids
)
def test_every_control_of_every_page_writes_the_address(
    case: tuple[str, str, type[Spec]], idle: IdlePlayer, sent: Sent
) -> None:
    """One after the other, so that each also keeps what the others have set."""
    path, question, kind = case
    app = visit(path, **({"question": question} if question else {}))
    untried = []
    for name, knob, _ in kind.knobs():
        if len(knob.choices) == 1 or (kind.name == "cost" and name == "seed"):
            continue
        now = seen(app, kind, idle, sent)[name]
        own = widget(app, f"{kind.name}.{name}")
        if own is not None and own.disabled:  # no chosen norm reads it
            assert name in kind.from_values(seen(app, kind, idle, sent)).idle()
            continue
        for value in candidates(kind, name, now)[:6]:
            key = f"{kind.name}.{name}"
            shown = (
                widget(app, f"{key}.more")
                if knob.most and value in knob.choices[PALETTE:] and widget(app, f"{key}.more")
                else widget(app, key)
            )
            assert shown is not None, f"{name} has no widget"
            before = shown.value
            shown.set_value([value] if knob.most else value)
            run(app)
            told = seen(app, kind, idle, sent)[name]
            if not app.warning and (value in told if knob.most else told == value):
                assert query_of(app)[name] == text_of(kind, name, told)[name]
                break
            assert app.warning, f"{name} = {value} is neither set nor refused"
            widget(app, shown.key).set_value(before)
            run(app)
        else:
            untried.append(name)
    assert len(untried) <= 2, untried
    final = seen(app, kind, idle, sent)
    again = visit(path, **query_of(app))
    assert seen(again, kind, idle, sent) == final
