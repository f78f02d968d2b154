"""Controls and the URL: what a visitor sets, what a link says, and what neither may break."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from normviz import __version__
from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_NETWORKS
from normviz.spec import Knob, Spec, SpecError
from normviz.specs import EXPERIMENTS
from normviz.specs.sequences import Sequences
from normviz.specs.train import Train
from normviz.ui.controls import expert
from normviz.ui.widgets import grid
from tests.ui.sites import IdlePlayer, unfolded

KINDS = pytest.mark.parametrize("name", EXPERIMENTS)


def page(name: str) -> None:
    """The script under test: controls, and what came of them."""
    import streamlit as st

    from normviz.specs import EXPERIMENTS
    from normviz.ui.controls import controls, link

    spec = controls(EXPERIMENTS[name])
    st.session_state["spec"] = spec
    st.session_state["link"] = link(spec)


def visit(name: str, *, folded: bool = False, **query: Any) -> AppTest:
    app = AppTest.from_function(page, kwargs={"name": name}, default_timeout=30)
    app.query_params.update(query)
    return run(app if folded else unfolded(app))


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


def spec_of(app: AppTest) -> Spec:
    spec = app.session_state["spec"]
    assert isinstance(spec, Spec)
    return spec


def query_of(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[-1] for name, value in app.query_params.items()}


def another(kind: type[Spec], name: str) -> Any:
    """A value of a field, not its default, that goes with the defaults of the others."""
    knob, default = next((knob, default) for one, knob, default in kind.knobs() if one == name)
    if knob.most:
        candidates: list[Any] = [(choice,) for choice in knob.choices]
    elif knob.choices:
        candidates = list(knob.choices)
    elif isinstance(default, bool):
        candidates = [not default]
    elif knob.form:
        candidates = ["20:lr=0.03", "3=1.5", "3-40"]  # each of one experiment
    else:
        assert knob.low is not None
        assert knob.high is not None
        whole = isinstance(default, int)
        middle = knob.low + (knob.step or 1 if whole else (knob.high - knob.low) * 0.123456)
        candidates = [type(default)(one) for one in (middle, knob.low, knob.high)]
    for candidate in candidates:
        if (
            candidate != default
            and kind.from_query(kind().to_query() | text_of(kind, name, candidate))[1] == []
        ):
            return candidate
    pytest.skip(f"{name} has a single value")


def text_of(kind: type[Spec], name: str, value: Any) -> dict[str, str]:
    text = (
        ",".join(value)
        if isinstance(value, tuple)
        else repr(value)
        if isinstance(value, float)
        else str(value)
    )
    return {name: {"True": "1", "False": "0"}.get(text, text)}


FIELDS = [(kind, name) for kind in EXPERIMENTS for name, _, _ in EXPERIMENTS[kind].knobs()]


@pytest.mark.parametrize(("experiment", "name"), FIELDS)
def test_a_link_sets_every_field_and_survives_the_next_rerun(experiment: str, name: str) -> None:
    """Also values that lie between a slider's stops, and whether or not the field's widget is drawn."""
    kind = EXPERIMENTS[experiment]
    value = another(kind, name)
    app = visit(experiment, folded=True, **text_of(kind, name, value))
    assert getattr(spec_of(app), name) == value
    assert not app.warning
    run(unfolded(app))
    others = kind.unsaid(value) if name == kind.leader else kind().values()
    assert spec_of(app).values() == {**others, name: value}
    assert query_of(app) == text_of(kind, name, value)


@KINDS
def test_the_defaults_leave_the_url_alone(name: str) -> None:
    app = visit(name)
    assert spec_of(app) == EXPERIMENTS[name]()
    assert query_of(app) == {}


def test_a_widget_writes_the_url_and_the_url_resets_the_widget() -> None:
    app = visit("train", lesson="three", hide="seed")
    app.slider(key="train.depth").set_value(3)
    run(app)
    assert query_of(app) == {"lesson": "three", "hide": "seed", "depth": "3"}
    app.select_slider(key="train.lr").set_value(0.1)
    run(app)
    assert query_of(app) == {"lesson": "three", "hide": "seed", "depth": "3", "lr": "0.1"}
    # The back button: the browser brings an older address, and nobody has touched a widget.
    del app.query_params["lr"]
    run(app)
    assert app.select_slider(key="train.lr").value == 0.3
    assert spec_of(app).values() == {**EXPERIMENTS["train"]().values(), "depth": 3}


def test_a_slider_does_not_grow_with_the_links_of_a_session() -> None:
    app = visit("train")
    stops = len(app.select_slider(key="train.lr").options)
    for n in range(1, 41):
        app.query_params["lr"] = str(0.1 + n / 1000)
        run(app)
        assert spec_of(app).values()["lr"] == 0.1 + n / 1000
    grown = len(app.select_slider(key="train.lr").options) - stops
    assert 1 < grown < 20


def test_a_moved_widget_leads_where_the_address_lags_behind() -> None:
    app = visit("train")
    app.slider(key="train.depth").set_value(3)
    run(app)
    app.query_params.clear()  # sent before the browser had the new address
    app.select_slider(key="train.lr").set_value(0.1)
    run(app)
    assert query_of(app) == {"depth": "3", "lr": "0.1"}


def test_repeated_parameters_of_others_are_kept() -> None:
    app = visit("train", note=["a", "b"])
    app.slider(key="train.depth").set_value(3)
    run(app)
    assert app.query_params["note"] == ["a", "b"]
    assert query_of(app)["depth"] == "3"


def test_hidden_fields_are_not_drawn_and_keep_their_values() -> None:
    app = visit("train", hide="depth, lr", depth="4", lr="0.05")
    assert "train.depth" not in [one.key for one in app.slider]
    assert "train.lr" not in [one.key for one in app.select_slider]
    app.button_group(key="train.norms").set_value(["batch"])
    run(app)
    told = spec_of(app).values()
    assert (told["depth"], told["lr"], told["norms"]) == (4, 0.05, ("batch",))
    assert query_of(app) == {"hide": "depth, lr", "depth": "4", "lr": "0.05", "norms": "batch"}


def test_reset_returns_to_the_defaults_but_not_for_hidden_fields() -> None:
    app = visit("train", hide="depth", depth="4", lr="0.05", lesson="x")
    next(one for one in app.button if one.label == "Reset settings").click()
    run(app)
    assert spec_of(app).values() == {**EXPERIMENTS["train"]().values(), "depth": 4}
    assert query_of(app) == {"hide": "depth", "lesson": "x", "depth": "4"}
    assert app.select_slider(key="train.lr").value == 0.3


def test_the_shared_link_names_every_field() -> None:
    app = visit("train", depth="4", lesson="x")
    query = dict(parse_qsl(urlsplit(app.session_state["link"]).query, keep_blank_values=True))
    assert query == {"lesson": "x", **spec_of(app).to_query(full=True), "version": __version__}
    again = visit("train", **query)
    assert spec_of(again) == spec_of(app)
    assert not again.warning


def test_a_link_of_another_version_is_no_longer_that_link_after_a_change() -> None:
    app = visit("train", version="0.0.1", lesson="x")
    query = dict(parse_qsl(urlsplit(app.session_state["link"]).query))
    assert query["version"] == __version__
    app.slider(key="train.width").set_value(16)
    run(app)
    assert query_of(app) == {"lesson": "x", "width": "16"}


def test_settings_at_odds_leave_the_last_spec_and_the_choice() -> None:
    app = visit("train", groups="16")
    app.slider(key="train.width").set_value(16)  # 16 groups of 16 channels: one channel each
    run(app)
    assert "Groups" in app.warning[0].value
    assert app.slider(key="train.width").value == 16
    assert spec_of(app).values() == {**EXPERIMENTS["train"]().values(), "groups": 16}
    run(app)
    assert app.warning, "the message stays as long as the conflict does"
    app.slider(key="train.width").set_value(32)
    run(app)
    assert not app.warning
    assert spec_of(app).values() == {**EXPERIMENTS["train"]().values(), "groups": 16, "width": 32}


def test_nothing_chosen_is_a_sentence() -> None:
    app = visit("train")
    app.button_group(key="train.norms").set_value([])
    run(app)
    assert "Normalizations" in app.warning[0].value
    assert spec_of(app) == EXPERIMENTS["train"]()


def test_a_choice_that_does_not_apply_is_offered_with_its_reason() -> None:
    app = visit("train")
    more = app.button_group(key="train.norms.more")
    assert any("Instance norm" in option for option in more.options)
    assert any("Instance norm" in caption.value for caption in app.caption)
    more.set_value(["instance"])
    run(app)
    assert "Instance norm" in app.warning[0].value


HOSTILE = {
    "huge": "1" + "0" * 400,
    "float overflow": "1e400",
    "minus": "-1e300",
    "not a number": "nan",
    "infinite": "inf",
    "words": "fast",
    "unicode": "٣🧊\u202e‮",
    "nul": "a\x00b",
    "markup": "<script>alert(1)</script>",
    "markdown": "[x](javascript:alert(1)) :material/face: $x^2$",
    "long": "9" * 10_000,
    "empty": "",
    "list": "1,2,3",
    "json": '{"$ref": "#"}',
}


@KINDS
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_become_messages_and_defaults(name: str, text: str) -> None:
    kind = EXPERIMENTS[name]
    app = visit(name, **{field: text for field, _, _ in kind.knobs()})
    assert spec_of(app) == kind()
    messages = " ".join(one.value for one in app.warning)
    refused = [
        (field, knob) for field, knob, _ in kind.knobs() if text or not knob.form
    ]  # free text may be empty
    for field, knob in refused:
        assert knob.label in messages, f"nothing is said about {field}"
    assert len(app.warning) == len(refused)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([name for _, name in FIELDS]), st.text(max_size=40), max_size=4))
def test_any_address_gives_a_spec(query: dict[str, str]) -> None:
    app = visit("train", **query)
    told, problems = EXPERIMENTS["train"].from_query(query)
    assert spec_of(app) == told
    assert len(app.warning) == len(problems)


def test_the_last_of_repeated_values_counts() -> None:
    app = visit("train", depth=["3", "5"])
    assert spec_of(app).values()["depth"] == 5


def test_messages_about_the_address_stay_until_something_is_set() -> None:
    app = visit("train", depth="deep")
    run(app)
    assert "Depth" in app.warning[0].value
    app.slider(key="train.depth").set_value(3)
    run(app)
    assert not app.warning


@KINDS
def test_at_most_five_controls_at_first(name: str) -> None:
    app = visit(name)
    expert = keys(app.expander[0]) if app.expander else set()
    assert 0 < len(keys(app) - expert) <= 5
    real = [knob for _, knob, _ in EXPERIMENTS[name].knobs() if len(knob.choices) != 1]
    assert len(keys(app)) == len(real), "a field that can be chosen has a widget"


@KINDS
def test_the_rest_is_drawn_once_it_is_asked_for(name: str) -> None:
    app = visit(name, folded=True)
    if not app.expander:
        return
    at_first = keys(app)
    assert keys(app.expander[0]) == set()
    app.session_state[expert(EXPERIMENTS[name])] = True
    run(app)
    assert keys(app) - at_first == keys(app.expander[0]) != set()
    assert spec_of(app) == EXPERIMENTS[name]()


def test_a_setting_made_under_expert_outlives_its_folding() -> None:
    app = visit("train")
    app.select_slider(key="train.gain").set_value(2.0)
    run(app)
    app.session_state[expert(Train)] = False
    run(run(app))
    assert spec_of(app).values()["gain"] == 2.0
    app.button[-1].click()  # Reset settings
    assert spec_of(run(app)) == Train()


def test_a_setting_that_no_chosen_norm_reads_is_disabled_and_says_why() -> None:
    app = visit("train")
    size = app.select_slider(key="train.ghost_size")
    assert size.disabled
    why, _, usual = size.help.partition("\n\n")
    assert why == "Ghost batch norm is not among the chosen normalizations."
    assert not app.select_slider(key="train.groups").disabled
    app = visit("train", norms="ghost_batch,none", ghost_size="8")
    size = app.select_slider(key="train.ghost_size")
    assert not size.disabled
    assert size.help.startswith(usual)
    assert app.select_slider(key="train.groups").disabled


def test_a_disabled_setting_keeps_the_value_of_a_link() -> None:
    app = visit("train", ghost_size="8")
    assert app.select_slider(key="train.ghost_size").disabled
    assert spec_of(run(app)).values()["ghost_size"] == 8
    assert query_of(app) == {"ghost_size": "8"}


def keys(block: Any) -> set[str]:
    """Fields whose widget is in a block."""
    kinds = ("slider", "select_slider", "number_input", "selectbox", "toggle", "button_group", "text_input")
    found = {one.key for kind in kinds for one in getattr(block, kind)}
    return {key.split(".")[1] for key in found if key}


@pytest.mark.parametrize(
    "knob",
    [
        knob
        for kind in EXPERIMENTS.values()
        for _, knob, default in kind.knobs()
        if type(default) is float and not knob.choices
    ],
    ids=lambda knob: knob.label,
)
def test_a_grid_spans_the_bounds_with_round_stops(knob: Knob) -> None:
    stops = grid(knob)
    assert (stops[0], stops[-1]) == (knob.low, knob.high)
    assert stops == sorted(set(stops))
    assert 5 <= len(stops) <= 61
    assert all(float(f"{stop:.4g}") == stop for stop in stops)


# --- a network brings what suits it ---------------------------------------------------------------------


def choose(app: AppTest, network: str) -> AppTest:
    app.selectbox("train.network").set_value(network)
    return run(app)


@pytest.mark.parametrize("network", ALL_NETWORKS)
def test_a_chosen_network_brings_its_own_settings_and_the_url_says_them(network: str) -> None:
    app = visit("train")
    if network != "mlp":
        choose(app, network)
    spec = spec_of(app)
    assert spec == Train(**{"network": network, **ALL_NETWORKS[network].own})
    again, problems = Train.from_query(query_of(app))
    assert (again, problems) == (spec, [])
    assert spec_of(visit("train", **query_of(app))) == spec
    assert spec.cost().multiply_adds < 2.0e11  # some twelve seconds of one core, see `normviz.ui.sizes`
    assert spec_of(choose(app, "mlp")) == Train()


@pytest.mark.parametrize("network", ALL_NETWORKS)
def test_norms_that_do_not_go_with_a_network_are_offered_with_the_reason(network: str) -> None:
    app = visit("train", network=network, **{n: str(v) for n, v in ALL_NETWORKS[network].own.items()})
    told = " ".join(caption.value for caption in app.caption)
    for norm in NORMS:
        why = ALL_NETWORKS[network].reason(norm)
        assert (why or "") in told


def test_what_a_visitor_has_set_stays_as_far_as_it_goes_with_the_network() -> None:
    app = visit("train", lr="0.01", depth="50", dataset="shapes")
    assert spec_of(choose(app, "cnn")) == Train(network="cnn", lr=0.01, depth=3, dataset="shapes", steps=150)
    app = visit("train", depth="6")
    spec = spec_of(choose(app, "gru"))
    assert (spec.depth, spec.dataset, spec.lr) == (6, "digits_rows", 0.005)


@pytest.mark.parametrize("kind", [Train, Sequences])
def test_attention_to_what_comes_later_is_left_behind_with_the_transformer(kind: type[Spec]) -> None:
    app = visit(kind.name, network="transformer", causal="0", norms="none,layer", dataset="marked")
    app.selectbox(f"{kind.name}.network").set_value("rnn")
    run(app)
    assert not app.warning
    assert spec_of(app).values()["network"] == "rnn"
    assert app.toggle(f"{kind.name}.causal").value is True
    assert "causal" not in query_of(app)


def test_a_link_to_a_network_is_followed_to_the_letter_and_brings_what_it_leaves_open() -> None:
    query = {"network": "rnn", "dataset": "marked", "steps": "100"}
    app = visit("train", **query)
    own = {**ALL_NETWORKS["rnn"].own, "dataset": "marked", "steps": 100}
    assert spec_of(app) == Train(network="rnn", **own)
    assert not app.warning
    assert spec_of(visit("train", **query_of(app))) == spec_of(app)


def test_a_link_says_what_is_used_in_place_of_what_does_not_go_with_its_network() -> None:
    app = visit("train", network="rnn", dataset="digits")
    assert spec_of(app) == Train(network="rnn", **ALL_NETWORKS["rnn"].own)
    (warning,) = app.warning
    assert "Using Digits, row by row." in warning.value.replace("\\", "")


def test_hidden_fields_do_not_follow() -> None:
    app = visit("train", hide="lr")
    assert spec_of(choose(app, "cnn")).lr == Train().lr


def test_what_is_moved_after_the_choice_is_not_moved_back() -> None:
    app = choose(visit("train"), "rnn")
    app.slider("train.depth").set_value(4)
    assert spec_of(run(app)).depth == 4
    assert spec_of(run(app)).depth == 4


# --- the run that they ask for ----------------------------------------------------------------------------


def test_a_run_begins_while_the_widgets_are_still_drawn(idle: IdlePlayer) -> None:
    """Once its settings have changed, and only then; without a stage nothing else opens it."""
    app = visit("signal", depth="12")
    assert idle.opened == []
    slider = next(one for one in app.select_slider if one.label.startswith("Gain"))
    slider.set_value(1.1)
    run(app)
    assert idle.opened == [spec_of(app)]
    assert spec_of(app).values()["gain"] == 1.1
    run(app)
    assert len(idle.opened) == 1


def test_a_run_that_may_not_begin_leaves_the_controls_as_they_are(
    idle: IdlePlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(spec: Spec, visitor: str) -> str:
        raise SpecError("Cost", "2", "at most 1")

    monkeypatch.setattr(idle, "open", refuse)
    app = visit("signal")
    next(one for one in app.select_slider if one.label.startswith("Gain")).set_value(1.1)
    assert spec_of(run(app)).values()["gain"] == 1.1
