"""The spec of the experiment Scale: what it accepts and what it costs."""

import pytest

from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS
from normviz.specs.scale import Scale


def test_it_is_registered_and_its_defaults_go_together():
    assert EXPERIMENTS["scale"] is Scale
    assert Scale.from_values(Scale().values()) == Scale()
    assert Scale.from_query(Scale().to_query(full=True)) == (Scale(), [])


def test_five_controls_at_first():
    assert [name for name, knob, _ in Scale.knobs() if not knob.expert] == [
        "norms", "layer", "steps", "lr", "eps",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"layer": 4}, "layer", "from 1 to 3, the depth"),
        ({"layer": 21}, "layer", "from 1 to 20"),
        ({"norms": ("none", "frn")}, "norms", "It belongs to convolutions."),
        ({"norms": ("group",), "width": 16, "groups": 16}, "groups", "width 16, at most 8"),
        ({"norms": ("weight_standardization",), "width": 48, "groups": 32}, "groups", "divisor of the width"),
        ({"norms": ("ghost_batch",), "batch_size": 8}, "ghost_size", "batch size 8"),
        ({"steps": 5}, "steps", "in steps of 10"),
        ({"eps": 0.0}, "eps", "1e-08 to 1"),
        ({"width": 60}, "width", "in steps of 16"),
        ({"batch_size": 2}, "batch_size", "4, 8, 16"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_field_to_change(values, field, told):
    with pytest.raises(SpecError) as caught:
        Scale(**values)
    assert caught.value.field == field
    assert told in caught.value.sentence


def test_settings_of_what_is_not_used_do_no_harm():
    Scale(norms=("none", "batch"), width=16, groups=32, batch_size=4, ghost_size=64)


def test_the_cost_grows_with_everything_that_takes_time():
    cheap = Scale()
    for dear in (
        {"depth": 5},
        {"width": 128},
        {"steps": 100},
        {"batch_size": 128},
        {"norms": ("rms", *cheap.norms)},
    ):
        assert Scale(**dear).cost().multiply_adds > cheap.cost().multiply_adds
