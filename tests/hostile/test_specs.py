"""Specs from any text: one within its bounds, or a sentence, and never anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normviz import specs
from normviz.player import Settings
from normviz.player.costs import check_cost
from normviz.spec import Spec, SpecError
from normviz.specs import EXPERIMENTS, MEASURED
from tests.hostile.texts import ANY, queries, tried, within

KINDS = [
    kind for kind in (*EXPERIMENTS.values(), *MEASURED.values()) if kind.__module__.startswith("normviz.")
]
EACH = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4),
    max_leaves=12,
)


def told(error: SpecError) -> None:
    """A sentence that can be shown: short, on one line, of signs that show."""
    assert error.sentence.endswith((".", "?"))
    assert len(error.sentence) < 1500
    assert error.sentence.replace("\u202f", " ").replace("\u2009", " ").replace("\u00a0", " ").isprintable()


def affordable(spec: Spec) -> bool:
    """Whether a player at its usual limits takes it; what it refuses it refuses in a sentence."""
    try:
        check_cost(spec, Settings())
    except SpecError as error:
        told(error)
        return False
    cost = spec.cost()
    assert 0 <= cost.multiply_adds <= Settings().largest_run
    assert 0 < cost.recording_bytes <= Settings().largest_recording * 1_000_000
    return True


@EACH
@tried(25)
@given(st.data())
def test_an_address_is_a_spec_within_its_bounds(kind: type[Spec], data: st.DataObject) -> None:
    query = data.draw(queries(kind))
    spec, problems = kind.from_query(query)
    within(spec)
    for problem in problems:
        told(problem)
    affordable(spec)
    assert kind.from_query(spec.to_query()) == (spec, [])
    assert kind.from_query(spec.to_query(full=True)) == (spec, [])
    assert specs.from_json(spec.to_json()) == spec
    assert hash(spec) == hash(specs.from_json(spec.to_json()))


@EACH
@tried(15)
@given(st.data())
def test_json_of_an_experiment_is_a_spec_or_a_sentence(kind: type[Spec], data: st.DataObject) -> None:
    names = st.sampled_from([name for name, _, _ in kind.knobs()])
    values = data.draw(st.dictionaries(names | ANY, JSON, max_size=4))
    try:
        spec = specs.from_json(json.dumps({"experiment": kind.name, **kind().values(), **values}))
    except SpecError as error:
        told(error)
    else:
        within(spec)


@tried(150)
@given(
    JSON.map(json.dumps) | st.text() | st.builds('{{"experiment":{}}}'.format, JSON.map(json.dumps)),
    st.integers(0, 40),
)
def test_any_text_as_json_is_a_spec_or_a_sentence(text: str, cut: int) -> None:
    for one in (text, text[:-cut], text + text, text.encode("utf-8", "replace").decode("latin-1")):
        try:
            within(specs.from_json(one))
        except SpecError as error:
            told(error)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 9_999, '{"experiment":' * 600, '{"experiment":"train","depth":' + "[" * 900 + "]" * 900 + "}",
        '{"experiment":"train","depth":' + "9" * 5000 + "}", '{"experiment":"train","lr":1e999}',
        '{"experiment":"train","lr":NaN}', '{"experiment":"train","experiment":"tran"}',
        '{"experiment":"train","depth":2,"depth":-1}', '{"experiment":"train","norms":[[["none"]]]}',
        '{"experiment":"train","norms":{"none":1}}', '{"experiment":"\\ud800"}', '{"experiment":["train"]}',
        '{"experiment":"train","\\ud800":1}', "\x00", "", "\ufeff{}", '{"experiment":"' + "x" * 9_900 + '"}',
        '{"experiment":"train","seed":' + "1" * 400 + "}", '{"experiment":"train","seed":true}',
    ],
    ids=range(19),
)  # fmt: skip
def test_hostile_json_becomes_a_sentence(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        specs.from_json(text)
    told(caught.value)
