"""The spec of the experiment Landscape: what it accepts, where it looks, what it costs."""

import numpy as np
import pytest

from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS
from normviz.specs.landscape import Landscape


def test_it_is_registered_and_its_defaults_go_together():
    assert EXPERIMENTS["landscape"] is Landscape
    assert Landscape.from_values(Landscape().values()) == Landscape()
    assert Landscape.from_query(Landscape().to_query(full=True)) == (Landscape(), [])


def test_five_controls_at_first():
    assert [name for name, knob, _ in Landscape.knobs() if not knob.expert] == [
        "norms", "depth", "lr", "steps", "seeds",
    ]  # fmt: skip


@pytest.mark.parametrize("tries", [3, 8, 20])
def test_the_line_starts_here_and_goes_from_half_to_four_learning_rates(tries):
    places = np.array(Landscape(tries=tries).places)
    assert places[0] == 0
    assert len(places) == tries + 1
    assert (places[1], places[-1]) == (0.5, 4.0)
    ratios = places[2:] / places[1:-1]
    assert np.allclose(ratios, ratios[0], rtol=1e-4)


def test_there_is_a_look_before_the_first_step_and_never_after_the_last():
    assert Landscape(steps=200, every=4).looks == tuple(range(0, 201, 4))
    assert Landscape(steps=20, every=7).looks == (0, 7, 14)


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"norms": ("instance",)}, "norms", "It belongs to convolutions."),
        ({"norms": ("group",), "width": 16, "groups": 16}, "groups", "width 16, at most 8"),
        ({"norms": ("ghost_batch",), "batch_size": 8}, "ghost_size", "batch size 8"),
        ({"tries": 2}, "tries", "3 to 20"),
        ({"lr": 10.0}, "lr", "0.001 to 3"),
        ({"seeds": 6}, "seeds", "1 to 5"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_field_to_change(values, field, told):
    with pytest.raises(SpecError) as caught:
        Landscape(**values)
    assert caught.value.field == field
    assert told in caught.value.sentence


def test_the_cost_grows_with_everything_that_takes_time():
    cheap = Landscape().cost().multiply_adds
    for dear in (
        {"depth": 8},
        {"steps": 300},
        {"seeds": 5},
        {"every": 2},
        {"tries": 12},
        {"batch_size": 128},
    ):
        assert Landscape(**dear).cost().multiply_adds > cheap
