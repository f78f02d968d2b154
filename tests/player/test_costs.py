"""What reaches a run: hostile text is refused with a sentence, and what is accepted has a bounded cost."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from normviz import specs
from normviz.player import Settings
from normviz.player.costs import CostError, check_cost, shown
from normviz.spec import Spec, SpecError
from normviz.ui.words import spoken

NAMES = [*specs.EXPERIMENTS, *specs.MEASURED]
ODD = st.sampled_from(
    [
        1e400,
        -1e400,
        math.nan,
        10**30,
        -1,
        0,
        1,
        "",
        "batch",
        "<script>",
        "\x00",
        "½",
        [],
        {},
        None,
        True,
        [[]],
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def accepted(text: str) -> Spec | None:
    """What the server does with a spec's text: the spec if its run may start."""
    try:
        spec = specs.from_json(text)
        check_cost(spec, Settings())
    except SpecError as error:
        sentence = error.sentence
        assert sentence
        assert "Traceback" not in sentence
        return None
    return spec


@settings(deadline=None)
@given(st.text() | JSON.map(json.dumps))
def test_text_that_is_no_spec_is_refused(text: str) -> None:
    assert accepted(text) is None


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_spec_with_hostile_values_is_refused_or_bounded(name: str, data: st.DataObject) -> None:
    kind = specs.experiment(name)
    fields = [field for field, _, _ in kind.knobs()]
    values: dict[str, Any] = {"experiment": name, **kind().values()}
    for field in data.draw(st.lists(st.sampled_from(fields), max_size=4)):
        values[field] = data.draw(ODD | JSON | near(kind, field))
    values |= data.draw(
        st.dictionaries(st.sampled_from(["hide", "__class__", "key", "runner"]), ODD, max_size=1)
    )
    spec = accepted(json.dumps(values))
    if spec is not None:
        cost = spec.cost()
        assert 0 <= cost.multiply_adds <= Settings().largest_run
        assert 0 <= cost.recording_bytes <= Settings().largest_recording * 1e6
        assert specs.from_json(spec.to_json()) == spec


def near(kind: type[Spec], field: str) -> st.SearchStrategy[Any]:
    """Values that a field allows, and its edges: dangerous together, where they are not one by one."""
    (knob,) = [knob for name, knob, _ in kind.knobs() if name == field]
    if knob.most:
        return st.lists(st.sampled_from(knob.choices), max_size=knob.most + 1)
    if knob.choices:
        return st.sampled_from(knob.choices)
    return st.sampled_from([knob.low, knob.high, False, True])


@pytest.mark.parametrize("name", NAMES)
def test_the_default_may_run(name: str) -> None:
    check_cost(specs.experiment(name)(), Settings())


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (1.000001, "1.1"),
        (3.2, "3.2"),
        (3.21, "3.3"),
        (12.1, "13"),
        (4321, "4,321"),
        (math.inf, "more than a mill"),
    ],
)
def test_a_factor_is_rounded_up(factor: float, text: str) -> None:
    assert shown(factor).startswith(text)


def test_a_refusal_survives_a_pipe() -> None:
    error = CostError("work", 3.2)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is CostError
    assert again.sentence == error.sentence == str(error)


@pytest.mark.parametrize(
    ("what", "factor", "said"),
    [
        ("work", 3.2, "Tento běh by stál 3,2násobek práce, kterou tento server dovoluje."),
        (
            "memory",
            4321,
            "Záznam tohoto běhu by zabral 4\u202f321násobek paměti, kterou tento server dovoluje.",
        ),
        ("work", math.inf, "Tento běh by stál víc než milionnásobek práce, kterou tento server dovoluje."),
    ],
)
def test_it_is_said_in_the_language_of_the_visitor(what: str, factor: float, said: str) -> None:
    assert str(spoken(CostError(what, factor).sentence, "cs")).replace("\xa0", " ").startswith(said)
