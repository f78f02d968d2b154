"""The settings of the norms: one definition each, bounds that answer in sentences, and who reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from normviz.catalog.norms import NORMS
from normviz.spec import Knob, Spec, SpecError
from normviz.specs import EXPERIMENTS, norm_knobs
from normviz.specs.batch_size import GHOST_TWICE

NAMES = ("eps", "momentum", "groups", "ghost_size", "r_max", "d_max", "warm_up")
HAVING = {
    name: tuple(one for one, _, _ in kind.knobs() if one in NAMES)
    for name, kind in EXPERIMENTS.items()
    if name != "anatomy"
}
CASES = [(name, field) for name, fields in HAVING.items() for field in fields]
OUTSIDE: dict[str, float] = {
    "eps": -1.0, "momentum": 2.0, "groups": 3, "ghost_size": 100, "r_max": 0.5, "d_max": -1.0, "warm_up": 0.5,
}  # fmt: skip
INSIDE: dict[str, tuple[float, ...]] = {
    "eps": (1e-3,), "momentum": (0.5,), "groups": (2,), "ghost_size": (8, 16), "r_max": (1.5,),
    "d_max": (0.5,), "warm_up": (0.1,),
}  # fmt: skip


def knob_of(kind: type[Spec], field: str) -> Knob:
    return next(knob for name, knob, _ in kind.knobs() if name == field)


def test_who_has_which() -> None:
    assert {name: fields for name, fields in HAVING.items() if fields} == {
        "train": NAMES,
        "placement": NAMES,
        "forgotten_eval": ("momentum", "eps", "groups", "ghost_size", "r_max", "d_max", "warm_up"),
        "batch_size": NAMES,
        "signal": ("groups", "ghost_size", "eps"),
        "landscape": ("eps", "groups", "ghost_size"),
        "scale": ("eps", "groups", "ghost_size"),
        "lr_init": ("eps", "momentum", "groups", "ghost_size"),
        "sequences": NAMES,
    }


@pytest.mark.parametrize(("name", "field"), CASES)
def test_one_definition_each(name: str, field: str) -> None:
    """The label everywhere the same, and the help, but for a sentence of an experiment's own."""
    first, own = knob_of(EXPERIMENTS["train"], field), knob_of(EXPERIMENTS[name], field)
    assert (own.label, own.unit) == (first.label, first.unit)
    assert own.help.startswith(first.help)
    if not own.choices:
        assert (own.low, own.high, own.step) == (first.low, first.high, first.step)


@pytest.mark.parametrize(("name", "field"), CASES)
def test_expert_settings_but_for_two(name: str, field: str) -> None:
    at_first = (name, field) in {("scale", "eps"), ("forgotten_eval", "momentum")}  # the page is about it
    assert knob_of(EXPERIMENTS[name], field).expert is not at_first


@pytest.mark.parametrize(("name", "field"), CASES)
def test_a_value_goes_through_links_and_json(name: str, field: str) -> None:
    kind = EXPERIMENTS[name]
    value = next(one for one in INSIDE[field] if one != kind().values()[field])
    spec = kind(**{field: value})
    assert spec.key != kind().key
    assert spec.to_query().keys() == {field}
    assert kind.from_query(spec.to_query(full=True)) == (spec, [])
    told = json.loads(spec.to_json())
    assert told.pop("experiment") == name
    assert kind.from_values(told) == spec


@pytest.mark.parametrize(("name", "field"), CASES)
def test_a_value_out_of_bounds_is_a_sentence_and_falls_back(name: str, field: str) -> None:
    kind = EXPERIMENTS[name]
    with pytest.raises(SpecError) as refused:
        kind(**{field: OUTSIDE[field]})
    assert refused.value.field == field
    assert refused.value.sentence.startswith(
        f"{knob_of(kind, field).label}: “{OUTSIDE[field]}” does not work"
    )
    spec, (problem,) = kind.from_query({field: str(OUTSIDE[field])})
    assert spec == kind()
    assert problem.sentence.endswith(".")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("train", {"width": 16, "groups": 16}),
        ("placement", {"width": 16, "groups": 16}),
        ("placement", {"norms": ("ghost_batch",), "batch_size": 16, "ghost_size": 32}),
        ("forgotten_eval", {"width": 16, "groups": 16}),
        ("batch_size", {"width": 16, "groups": 16}),
        ("landscape", {"norms": ("group",), "width": 16, "groups": 16}),
        ("lr_init", {"norms": ("ghost_batch",), "batch_size": 16, "ghost_size": 32}),
        ("sequences", {"norms": ("group",), "network": "rnn", "width": 16, "groups": 16}),
    ],
)
def test_sizes_that_do_not_come_out_even_are_refused(name: str, settings: dict[str, Any]) -> None:
    field = "ghost_size" if "ghost_size" in settings else "groups"
    with pytest.raises(SpecError) as refused:
        EXPERIMENTS[name](**settings)
    assert refused.value.field == field
    assert refused.value.remedy.startswith("Choose ")


@pytest.mark.parametrize(
    "settings",
    [
        {"norms": ("batch", "layer"), "width": 16, "groups": 16},
        {"norms": ("group",), "network": "cnn", "groups": 16},  # a picture has more values than one
    ],
)
def test_groups_that_nobody_reads_or_of_pictures_are_fine(settings: dict[str, Any]) -> None:
    EXPERIMENTS["batch_size"](**settings)


@pytest.mark.parametrize("norm", list(NORMS))
def test_idle_is_what_no_norm_reads(norm: str) -> None:
    spec = EXPERIMENTS["train"]()
    idle = norm_knobs.idle(spec, (norm,))
    for field in NAMES:
        reads = field if field != "warm_up" else "r_max"
        assert (field in idle) == (reads not in NORMS[norm].options)
    assert all(why.endswith(".") for why in idle.values())
    assert norm_knobs.idle(spec, NORMS) == {}


def test_over_parts_of_a_batch_ghost_batches_are_idle_for_another_reason() -> None:
    kind = EXPERIMENTS["batch_size"]
    assert kind().idle()["ghost_size"] == GHOST_TWICE
    assert "ghost_size" not in kind(changes="batch").idle()
    assert "not among" in kind(changes="batch", norms=("batch",)).idle()["ghost_size"]


def test_each_norm_has_its_own_epsilon_unless_one_is_set() -> None:
    for name in ("batch_size", "sequences"):
        kind = EXPERIMENTS[name]
        assert "eps" not in kind().norm_options
        assert kind(eps=1e-5).norm_options["eps"] == 1e-5
        assert knob_of(kind, "eps").name_of(1e-5) == "10⁻⁵"
    usual = ("batch", "layer", "group", "instance", "batch_renorm", "ghost_batch", "weight_standardization")
    assert {NORMS[one].options["eps"] for one in usual} == {1e-5}
    assert (NORMS["rms"].options["eps"], NORMS["frn"].options["eps"]) == (None, 1e-6)
