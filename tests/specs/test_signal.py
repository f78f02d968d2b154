"""The spec of the experiment Signal: what it accepts, what it costs, and what theory expects of each norm."""

import math

import numpy as np
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS, signal_frames
from normviz.specs import signal_theory as theory
from normviz.specs.signal import Signal

FITTING = tuple(norm for norm in NORMS if not reason(norm, "mlp"))


def test_it_is_registered_and_its_defaults_go_together():
    assert EXPERIMENTS["signal"] is Signal
    assert Signal.from_values(Signal().values()) == Signal()
    assert Signal.from_query(Signal().to_query(full=True)) == (Signal(), [])


def test_five_controls_at_first():
    assert [name for name, knob, _ in Signal.knobs() if not knob.expert] == [
        "norms", "depth", "gain", "activation", "batch_size",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"norms": ("none", "frn")}, "norms", "It belongs to convolutions."),
        ({"norms": ("instance",)}, "norms", "It belongs to convolutions."),
        ({"norms": ("group",), "width": 16, "groups": 16}, "groups", "width 16, at most 8"),
        (
            {"norms": ("weight_standardization",), "width": 48, "groups": 32},
            "groups",
            "divisor of the width 48",
        ),
        ({"norms": ("ghost_batch",), "batch_size": 8, "ghost_size": 16}, "ghost_size", "batch size 8"),
        ({"norms": ("ghost_batch",), "batch_size": 5}, "ghost_size", "batch size 5"),
        ({"batch_size": 2}, "batch_size", "3, 4, 5"),
        ({"width": 60}, "width", "in steps of 16"),
        ({"width": 528}, "width", "16 to 512"),
        ({"depth": 51}, "depth", "1 to 50"),
        ({"gain": 0.05}, "gain", "0.1 to 10"),
        ({"activation": "elu"}, "activation", "relu, tanh"),
        ({"norms": tuple(NORMS)}, "norms", "1 to 6 of"),
        ({"norms": ()}, "norms", "1 to 6 of"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_field_to_change(values, field, told):
    with pytest.raises(SpecError) as caught:
        Signal(**values)
    assert caught.value.field == field
    assert told in caught.value.sentence


def test_settings_of_what_is_not_used_do_no_harm():
    Signal(norms=("none", "batch"), width=16, groups=64, batch_size=3, ghost_size=128)


@pytest.mark.parametrize("norm", FITTING)
@pytest.mark.parametrize("placement", ["before", "after"])
def test_every_norm_has_finite_expectations(norm, placement):
    spec = Signal(norms=(norm,), placement=placement)
    middle, low, high = theory.deviations(spec, norm, 1.0)
    assert ((low < middle) & (middle < high)).all()
    assert theory.flows(spec) == ((norm,) if placement == "before" or theory.values(spec, norm) >= 32 else ())
    for curve in (theory.activation_gradients(spec, norm, 1.0), theory.weight_gradients(spec, norm, 1.0)):
        assert curve.shape == (spec.depth,)
        assert curve[-1] == 1.0


def test_expectations_that_are_known_by_heart():
    spec = Signal(norms=FITTING[:6], gain=0.5)
    assert np.allclose(theory.second_moments(spec, "none", 1.0), 0.5 * 0.25 ** np.arange(30))
    assert np.allclose(theory.second_moments(spec, "layer", 1.0)[1:], 0.25)
    after = spec.replace(placement="after")
    assert np.allclose(theory.second_moments(after, "layer", 1.0)[1:], 0.5)
    # Without a norm the activation gradient changes by √(s/2) a layer, the weight gradient stays.
    steps = theory.activation_gradients(spec, "none", 1.0)
    assert np.allclose(steps[1:] / steps[:-1], 1 / 0.5)
    assert np.allclose(theory.weight_gradients(spec, "none", 1.0)[1:], 1.0)
    # Behind batch norm both grow towards the input.
    known = math.sqrt(1.5215)
    for curve in (theory.activation_gradients, theory.weight_gradients):
        values = curve(spec, "batch", 1.0)
        assert values[1] / values[2] == pytest.approx(known, rel=1e-3)


def test_batch_norm_of_three_samples_has_no_finite_rate():
    spec = Signal(norms=("none", "batch", "layer"), batch_size=3)
    assert theory.flows(spec) == ("none", "layer")


def test_cosines_are_expected_where_a_closed_form_is_known():
    norms = ("none", "batch", "layer", "group", "rms", "dyt")
    assert theory.angles(Signal(norms=norms)) == ("none", "batch", "layer", "rms")
    assert theory.angles(Signal(norms=norms, placement="after")) == ("none", "rms")
    assert theory.angles(Signal(norms=norms, activation="tanh")) == ()


def test_growth_is_that_of_a_straight_line():
    layers = np.arange(20)
    assert signal_frames.growth(3.0 * 1.2**-layers, "activation") == pytest.approx(1.44)
    assert signal_frames.growth(np.append(99.0, 3.0 * 1.2 ** -layers[1:]), "weight") == pytest.approx(1.2)
    assert math.isnan(signal_frames.growth(np.array([1.0]), "activation"))
    assert math.isnan(signal_frames.growth(np.array([1.0, 0.0, 1.0]), "activation"))
    assert math.isnan(signal_frames.growth(np.array([1.0, np.inf, 1.0]), "activation"))


def test_the_cost_grows_with_everything_that_takes_time():
    cheap = Signal()
    for dear in ({"depth": 50}, {"width": 256}, {"seeds": 5}, {"batch_size": 64}, {"norms": FITTING[:6]}):
        assert Signal(**dear).cost().multiply_adds > cheap.cost().multiply_adds
    assert Signal(depth=50, width=512, batch_size=256, seeds=5, norms=FITTING[:6]).cost().multiply_adds < 1e12
