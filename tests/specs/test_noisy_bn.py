"""The spec of the experiment NoisyBN: what it accepts and what it costs."""

import pytest

from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS
from normviz.specs.noisy_bn import NoisyBN


def test_it_is_registered_and_its_defaults_go_together():
    assert EXPERIMENTS["noisy_bn"] is NoisyBN
    assert NoisyBN.from_values(NoisyBN().values()) == NoisyBN()
    assert NoisyBN.from_query(NoisyBN().to_query(full=True)) == (NoisyBN(), [])


def test_five_controls_at_first():
    assert [name for name, knob, _ in NoisyBN.knobs() if not knob.expert] == [
        "shift", "stretch", "lr", "depth", "seeds",
    ]  # fmt: skip


def test_the_last_step_is_evaluated():
    assert NoisyBN(steps=50, every=20).evaluated_steps == (0, 20, 40, 50)


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"shift": -0.1}, "shift", "0 to 3"),
        ({"stretch": 0.9}, "stretch", "1 to 4"),
        ({"spread": 2.5}, "spread", "0 to 2"),
        ({"batch_size": 4}, "batch_size", "8, 16"),
        ({"depth": 13}, "depth", "1 to 12"),
    ],
)
def test_what_is_out_of_bounds_is_refused(values, field, told):
    with pytest.raises(SpecError) as caught:
        NoisyBN(**values)
    assert caught.value.field == field
    assert told in caught.value.sentence


def test_the_cost_grows_with_everything_that_takes_time():
    cheap = NoisyBN(seeds=3).cost().multiply_adds
    for dear in (
        {"depth": 8},
        {"steps": 200},
        {"seeds": 5},
        {"every": 1},
        {"width": 128},
        {"batch_size": 128},
    ):
        assert NoisyBN(**({"seeds": 3} | dear)).cost().multiply_adds > cheap
