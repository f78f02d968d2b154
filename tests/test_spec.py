"""Specs: bounds, round trips, and what happens to values that nobody should send."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normviz.spec import Knob, Spec, SpecError, knob
from normviz.specs import EXPERIMENTS, experiment, from_json


@dataclass(frozen=True, kw_only=True)
class Probe(Spec):
    """A spec with a field of every kind."""

    name: ClassVar[str] = "probe"
    runner: ClassVar[str] = "nowhere:run"
    title: ClassVar[str] = "Probe"

    norms: tuple[str, ...] = knob(("a", "b"), label="Norms", choices=("a", "b", "c"), most=2)
    shape: str = knob("round", label="Shape", choices=("round", "square"))
    width: int = knob(64, label="Width", low=16, high=256, step=16)
    size: int = knob(8, label="Size", choices=(2, 4, 8))
    lr: float = knob(0.1, label="Learning rate", low=1e-4, high=10.0, log=True)
    deep: bool = knob(False, label="Deep")

    def conflicts(self) -> Iterator[SpecError]:
        if self.shape == "square" and self.width > 128:
            yield SpecError("Width", self.width, "at most 128 for a square", field="width")


GOOD = Probe(norms=("c", "a"), shape="square", width=32, size=2, lr=0.3, deep=True, seed=5)


def test_text_forms_give_the_same_spec() -> None:
    assert Probe.from_query(GOOD.to_query()) == (GOOD, [])
    assert Probe.from_query(GOOD.to_query(full=True)) == (GOOD, [])
    values = json.loads(GOOD.to_json())
    assert values.pop("experiment") == "probe"
    assert Probe.from_values(values) == GOOD


def test_the_key_follows_every_field() -> None:
    keys = {GOOD.key, Probe().key}
    for name, value in {
        "norms": ("a",),
        "shape": "round",
        "width": 48,
        "size": 4,
        "lr": 0.2,
        "deep": False,
    }.items():
        keys.add(GOOD.replace(**{name: value}).key)
    assert len(keys) == 8
    assert Probe(lr=1).key == Probe(lr=1.0).key, "a whole number for a real field is the same number"


def test_the_order_of_norms_is_part_of_the_spec() -> None:
    assert Probe(norms=("a", "c")).key != Probe(norms=("c", "a")).key


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("width", "33"), ("width", "1e3"), ("width", "-16"), ("width", "9" * 400), ("width", "64.0"),
        ("lr", "1e400"), ("lr", "nan"), ("lr", "inf"), ("lr", "fast"), ("lr", ""), ("lr", "0"),
        ("norms", "a,b,c"), ("norms", ""), ("norms", "a,a"), ("norms", "batch"), ("norms", "a" * 10_000),
        ("shape", "Round"), ("shape", "\x00"), ("size", "3"), ("deep", "maybe"), ("seed", "٣٣٣٣٣٣٣"),
    ],
)  # fmt: skip
def test_a_bad_value_falls_back_and_is_named(field: str, text: str) -> None:
    spec, problems = Probe.from_query({field: text, "shape" if field != "shape" else "size": "2"})
    default = {name: value for name, _, value in Probe.knobs()}[field]
    assert getattr(spec, field) == default
    problem = next(p for p in problems if p.field == field)
    assert "allowed is" in problem.sentence
    assert "Using" in problem.sentence
    assert len(problem.sentence) < 250


def test_a_conflict_falls_back_on_the_field_it_names() -> None:
    spec, problems = Probe.from_query({"shape": "square", "width": "256", "lr": "0.5"})
    assert (spec.shape, spec.width, spec.lr) == ("square", 64, 0.5)
    assert [p.field for p in problems] == ["width"]
    with pytest.raises(SpecError, match="at most 128"):
        Probe(shape="square", width=256)


def test_a_name_that_was_meant_is_suggested_and_no_number() -> None:
    _, problems = Probe.from_query({"shape": "squre", "size": "24"})
    said = {problem.field: str(problem) for problem in problems}
    assert "Did you mean square?" in said["shape"]
    assert "one of 2, 4, 8" in said["size"]
    assert "Did you mean" not in said["size"]


def test_unknown_fields_are_left_alone_in_a_url_and_refused_in_json() -> None:
    assert Probe.from_query({"hide": "lr", "embed": "true"}) == (Probe(), [])
    with pytest.raises(SpecError, match="Did you mean width"):
        Probe.from_values({"widht": 32})


@pytest.mark.parametrize("value", [True, "64", None, 64.5, [], 10**400, float("nan")])
def test_json_types_are_not_bent(value: object) -> None:
    with pytest.raises(SpecError):
        Probe.from_values({"width": value})


def test_an_error_survives_the_way_between_processes() -> None:
    with pytest.raises(SpecError) as caught:
        Probe(lr=100.0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.sentence, again.field) == (caught.value.sentence, "lr")


@given(st.dictionaries(st.sampled_from([n for n, _, _ in Probe.knobs()]), st.text(max_size=50)))
def test_any_url_gives_a_legal_spec(query: dict[str, str]) -> None:
    spec, _ = Probe.from_query(query)
    assert Probe.from_values(spec.values()) == spec


@pytest.mark.parametrize("kind", EXPERIMENTS.values(), ids=list(EXPERIMENTS))
def test_every_experiment_has_a_legal_default_and_a_cost(kind: type[Spec]) -> None:
    spec = kind()
    assert from_json(spec.to_json()) == spec
    assert spec.cost().multiply_adds > 0
    assert spec.cost().recording_bytes > 0
    for _, one, default in kind.knobs():
        assert isinstance(one, Knob)
        assert one.label[0].isupper()
        assert one.allowed(default)


@pytest.mark.parametrize("kind", EXPERIMENTS.values(), ids=list(EXPERIMENTS))
@given(data=st.data())
def test_hostile_urls_of_every_experiment(kind: type[Spec], data: st.DataObject) -> None:
    names = [name for name, _, _ in kind.knobs()]
    value = st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(str))
    query = data.draw(st.dictionaries(st.sampled_from(names), value))
    spec, problems = kind.from_query(query)
    assert from_json(spec.to_json()) == spec
    assert all(problem.sentence for problem in problems)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8)
)
def test_json_that_is_no_spec_is_refused_in_a_sentence(value: object) -> None:
    with pytest.raises(SpecError):
        from_json(json.dumps(value))


def test_an_unknown_experiment_suggests_the_near_one() -> None:
    with pytest.raises(SpecError, match="Did you mean train"):
        experiment("trian")
