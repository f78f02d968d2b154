"""The spec of the experiment Sequences: what it accepts, what it costs."""

import pytest

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_DATASETS, ALL_NETWORKS, SEQUENCE_DATASETS, SEQUENCE_NETWORKS
from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS, sequences_frames
from normviz.specs.sequences import Sequences


def test_it_is_registered_and_its_defaults_go_together():
    assert EXPERIMENTS["sequences"] is Sequences
    assert Sequences.from_values(Sequences().values()) == Sequences()
    assert Sequences.from_query(Sequences().to_query(full=True)) == (Sequences(), [])


def test_five_controls_at_first():
    assert [name for name, knob, _ in Sequences.knobs() if not knob.expert] == [
        "network", "norms", "dataset", "placement", "lr",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"network": "rnn", "norms": ("instance",)}, "norms", "a single value"),
        ({"network": "transformer", "norms": ("weight_norm",)}, "norms", "residual stream"),
        ({"network": "rnn", "causal": False}, "causal", "yes for the RNN"),
        ({"norms": ("frn",)}, "norms", "None, Batch norm"),
        ({"norms": ("layer_norm",)}, "norms", "Did you mean layer?"),
        ({"network": "lstm"}, "network", "transformer, rnn, gru"),
        ({"network": "gru", "placement": "after"}, "placement", "before for the GRU"),
        ({"dataset": "digits"}, "dataset", "marked, digits_rows"),
        ({"norms": ("ghost_batch",), "ghost_size": 16, "batch_size": 8}, "ghost_size", "batch size 8"),
        ({"lr": 0.0}, "lr", "0.0001 to 1"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_field_to_change(values, field, told):
    with pytest.raises(SpecError) as caught:
        Sequences(**values)
    assert caught.value.field == field
    assert told in caught.value.sentence


def test_every_norm_is_offered_where_it_fits_and_refused_with_a_reason_where_not():
    for name, network in SEQUENCE_NETWORKS.items():
        for norm in NORMS:
            why = network.reason(norm)
            if not why:
                assert Sequences(network=name, norms=(norm,)).norms == (norm,)
                continue
            assert why.endswith(".")
            with pytest.raises(SpecError):
                Sequences(network=name, norms=(norm,))


def test_zero_stands_for_what_suits_the_network():
    assert (Sequences().layers, Sequences().training_steps) == (4, 100)
    rnn = Sequences(network="rnn")
    assert (rnn.layers, rnn.training_steps, rnn.activation) == (1, 300, "tanh")
    assert Sequences(depth=2, steps=50).layers == 2
    assert all(one % sequences_frames.EVERY == 0 for one in (50, 100, 200, 300, 500, 1000))


def test_whose_futures_are_changed_share_a_ghost_batch():
    knob = next(knob for name, knob, _ in Sequences.knobs() if name == "ghost_size")
    assert min(knob.choices) >= sequences_frames.WATCHED
    Sequences(norms=("batch",), ghost_size=16, batch_size=8)  # nobody reads it


def test_the_cost_grows_with_everything_that_takes_time():
    cheap = Sequences().cost().multiply_adds
    for dear in (
        {"depth": 8}, {"width": 64}, {"seeds": 5}, {"batch_size": 64}, {"steps": 300}, {"deep_width": 128},
        {"norms": ("none", "batch", "layer", "rms", "dyt")},
    ):  # fmt: skip
        assert Sequences(**dear).cost().multiply_adds > cheap
    assert cheap < 1e12


def test_registries_do_not_hide_one_another():
    assert len(ALL_NETWORKS) == len(SEQUENCE_NETWORKS) + len(set(ALL_NETWORKS) - set(SEQUENCE_NETWORKS))
    assert all(ALL_NETWORKS[name] is network for name, network in SEQUENCE_NETWORKS.items())
    assert all(ALL_DATASETS[name] is data for name, data in SEQUENCE_DATASETS.items())
    for name, network in ALL_NETWORKS.items():
        for data in SEQUENCE_DATASETS.values():
            assert bool(network.refusal(data.shape)) != (name in SEQUENCE_NETWORKS)
