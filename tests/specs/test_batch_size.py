"""The specs of the page Batch size: what they accept, what they leave out, what they cost."""

import math

import numpy as np
import pytest

from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS
from normviz.specs import batch_size_frames as recorded
from normviz.specs import regularization_frames as intervals
from normviz.specs.batch_size import BatchSize
from normviz.specs.regularization import Regularization


@pytest.mark.parametrize("kind", [BatchSize, Regularization])
def test_it_is_registered_and_shows_at_most_five_controls(kind):
    assert EXPERIMENTS[kind.name] is kind
    assert kind.from_query(kind().to_query(full=True)) == (kind(), [])
    assert len([name for name, knob, _ in kind.knobs() if not knob.expert]) <= 5


def test_norms_that_do_not_apply_are_left_out_with_a_reason():
    assert BatchSize().variants == ("none", "batch", "batch_renorm", "layer", "group")
    assert "ghost_batch" in BatchSize(changes="batch").variants
    assert "frn" in BatchSize(network="cnn").variants
    assert "ghost batch norm already" in BatchSize().left_out("ghost_batch")
    assert "convolutions" in BatchSize().left_out("frn")
    assert BatchSize().left_out("batch") == ""


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"norms": ("frn",)}, "norms", "convolutions"),
        ({"norms": ("ghost_batch", "instance")}, "norms", "ghost batch norm already"),
        ({"groups": 8, "width": 16, "norms": ("frn",)}, "norms", "at least one of"),
        ({"micro_batch": 3}, "micro_batch", "0, 2, 4, 8"),
        ({"epochs": 7}, "epochs", "0, 1, 2"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field_to_change(values, field, told):
    with pytest.raises(SpecError) as caught:
        BatchSize(**values)
    assert caught.value.field == field
    assert told in caught.value.sentence


def test_a_batch_larger_than_the_training_set_is_refused():
    assert Regularization(n_train=50, batch_size=32)
    with pytest.raises(SpecError, match="at most the 50 training samples"):
        Regularization(n_train=50, batch_size=64)


def test_norms_without_batch_statistics_train_once_where_only_statistics_change():
    spec = BatchSize()
    assert spec.sizes_of("batch") == spec.sizes_of("batch_renorm") == (2, 4, 8, 16, 32)
    assert spec.sizes_of("layer") == (32,)
    assert spec.replace(changes="batch").sizes_of("layer") == (2, 4, 8, 16, 32)


@pytest.mark.parametrize("changes", ["statistics", "batch"])
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_the_standard_number_of_epochs_can_be_spelled_out(changes, network):
    spec = BatchSize(changes=changes, network=network)
    assert spec.replace(epochs=spec.epochs_run).steps == spec.steps
    assert spec.evaluated_steps[0] == 0
    assert spec.evaluated_steps[-1] == spec.steps


def test_accumulation_needs_a_micro_batch_and_its_norms():
    assert BatchSize().accumulated == ("batch", "group")
    assert BatchSize(micro_batch=0).accumulated == ()
    assert BatchSize(norms=("layer", "batch")).accumulated == ("batch",)


@pytest.mark.parametrize(
    "more", [{"epochs": 12}, {"width": 256}, {"seeds": 5}, {"depth": 5}, {"changes": "batch", "epochs": 6}]
)
def test_the_cost_grows_with_everything_that_takes_time(more):
    assert BatchSize(**more).cost().multiply_adds > BatchSize().cost().multiply_adds


@pytest.mark.parametrize("more", [{"steps": 900}, {"width": 96}, {"seeds": 12}, {"n_train": 1000}])
def test_so_does_that_of_the_regularization(more):
    assert Regularization(**more).cost().multiply_adds > Regularization().cost().multiply_adds


def test_the_gap_is_the_closed_form():
    known = {2: 0.8716, 4: 0.4042, 8: 0.1946, 16: 0.0955, 32: 0.0473, 64: 0.0235, 128: 0.0117, 256: 0.0059}
    for size, value in known.items():
        assert recorded.gap(size) == pytest.approx(value, abs=6e-5)
        assert recorded.gap(size) == pytest.approx(1.5 / size, rel=0.5 / size + 0.2 * (size == 2))
    for size in (3, 5, 9):  # against an integral of the root of a χ² variable over its density
        z = np.linspace(0, 200, 2_000_001)[1:]
        k = size - 1
        density = np.exp((k / 2 - 1) * np.log(z) - z / 2 - math.lgamma(k / 2) - k / 2 * math.log(2))
        sd = float(np.sum(np.sqrt(z / size) * density) * (z[1] - z[0]))
        assert recorded.gap(size) == pytest.approx(2 - 2 * sd, abs=2e-3)


def test_intervals_hold_the_mean_nineteen_times_out_of_twenty():
    draws = np.random.default_rng(0).normal(3.0, 2.0, (20_000, 6))
    held = [low <= 3.0 <= high for _, low, high, _ in map(intervals.interval, draws[:4000])]
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize("freedom", range(1, 20))
def test_the_table_is_students_t(freedom):
    values = np.zeros(freedom + 1)
    values[0] = 1.0
    mean, low, high, half = intervals.interval(values)
    quantile = half / (values.std(ddof=1) / math.sqrt(len(values)))
    assert (low, high) == pytest.approx((mean - half, mean + half))
    # P(|T| < quantile) by the density, with x = √ν tan θ so that the tail is finite.
    theta = (np.arange(200_000) + 0.5) / 200_000 * math.atan(quantile / math.sqrt(freedom))
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    inside = 2 * scale * np.sum(np.cos(theta) ** (freedom - 1)) * (theta[1] - theta[0])
    assert inside == pytest.approx(0.95, abs=1e-4)


def test_an_interval_needs_two_values_and_leaves_out_what_diverged():
    assert np.isnan(intervals.interval(np.array([1.0, np.nan]))[1:]).all()
    assert (
        intervals.interval(np.array([1.0, 2.0, np.nan])).tolist()
        == intervals.interval(np.array([1.0, 2.0])).tolist()
    )


def test_intervals_overlap_if_they_have_a_point_in_common():
    def made(low, high):
        return np.array([(low + high) / 2, low, high, (high - low) / 2])

    assert intervals.overlap(made(1, 2), made(2, 3))
    assert intervals.overlap(made(1, 4), made(2, 3))
    assert not intervals.overlap(made(1, 2), made(2.1, 3))
    assert not intervals.overlap(made(2.1, 3), made(1, 2))
