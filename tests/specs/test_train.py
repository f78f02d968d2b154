"""The spec of the experiment Train: what it accepts, what it costs, how it reads its answer."""

import numpy as np
import pytest

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_DATASETS, ALL_NETWORKS, SEQUENCE_NETWORKS
from normviz.frames import Frame, Recording
from normviz.spec import SpecError
from normviz.specs import EXPERIMENTS, from_json
from normviz.specs import train_frames as recorded
from normviz.specs.train import Train


def test_it_is_registered_and_its_defaults_go_together():
    assert EXPERIMENTS["train"] is Train
    assert Train.from_values(Train().values()) == Train()
    assert Train.from_query(Train().to_query(full=True)) == (Train(), [])


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"network": "cnn", "dataset": "moons"}, "dataset", "pictures"),
        ({"network": "cnn", "depth": 9}, "depth", "1 to 8"),
        ({"network": "rnn"}, "network", "The marked symbol, Digits, row by row for the RNN"),
        ({"network": "rnn", "dataset": "shapes"}, "dataset", "RNN reads sequences"),
        ({"dataset": "marked"}, "dataset", "MLP needs pictures or points; these samples are sequences."),
        ({"network": "cnn", "dataset": "marked"}, "dataset", "Digits, Shapes for the CNN"),
        ({"network": "gru", "dataset": "marked", "depth": 9}, "depth", "1 to 8 for the GRU"),
        ({"network": "gru", "dataset": "marked", "placement": "after"}, "placement", "before for the GRU"),
        ({"network": "rnn", "dataset": "marked", "causal": False}, "causal", "Only a transformer"),
        ({"causal": False}, "causal", "yes for the MLP"),
        ({"network": "rnn", "dataset": "marked", "norms": ("batch", "instance")}, "norms", "a single value"),
        (
            {"network": "transformer", "dataset": "marked", "changes": "9:norm.none=frn"},
            "changes",
            "replaces the activation",
        ),
        ({"network": "rnn", "dataset": "marked", "norms": ("group",), "groups": 64}, "groups", "at most 32"),
        ({"norms": ("none", "frn")}, "norms", "It belongs to convolutions."),
        ({"norms": ("instance",)}, "norms", "It belongs to convolutions."),
        ({"norms": ("group",), "width": 16, "groups": 16}, "groups", "16 channels, at most 8"),
        ({"norms": ("weight_standardization",), "groups": 64}, "groups", "64 channels, at most 32"),
        ({"norms": ("ghost_batch",), "batch_size": 32, "ghost_size": 64}, "ghost_size", "batch size 32"),
        ({"batches": "two_classes", "dataset": "moons"}, "batches", "There are only two classes"),
        ({"batches": "two_classes", "batch_size": 256}, "batches", "at most 150 in batches of two"),
        (
            {"batches": "two_classes", "changes": "9:batch_size=256"},
            "changes",
            "hold about 200 training",
        ),
        ({"batches": "sorted"}, "batches", "shuffled, two_classes"),
        ({"batch_size": 1}, "batch_size", "2, 4, 8"),
        ({"width": 60}, "width", "in steps of 16"),
        ({"norms": tuple(NORMS)}, "norms", "1 to 6 of"),
        ({"norms": ()}, "norms", "1 to 6 of"),
        ({"norms": ("batch", "batch")}, "norms", "1 to 6 of"),
        ({"lr": float("nan")}, "lr", "from 0.0001 to 10"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_field_to_change(values, field, told):
    with pytest.raises(SpecError) as caught:
        Train(**values)
    assert caught.value.field == field
    assert told in caught.value.sentence


@pytest.mark.parametrize(
    "values",
    [
        {"norms": ("none", "batch"), "groups": 64},
        {"norms": ("group",), "network": "cnn", "groups": 16},
        {"norms": ("batch",), "batch_size": 2, "ghost_size": 128},
        {"norms": ("frn", "instance"), "network": "cnn"},
        {"network": "cnn", "depth": 8},
        {"batches": "two_classes", "batch_size": 128},
        {"batches": "two_classes", "dataset": "spiral", "batch_size": 256},
        {"network": "rnn", "dataset": "marked"},
        {"network": "transformer", "dataset": "digits_rows", "placement": "after", "causal": False},
        {"network": "transformer", "dataset": "marked", "norms": ("group",), "groups": 64},
    ],
)
def test_settings_of_what_is_not_used_do_no_harm(values):
    Train(**values)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({"norms": "ghost_batch", "batch_size": "8"}, {"norms": ("ghost_batch",)}),
        (
            {"network": "cnn", "dataset": "spiral", "lr": "1.0"},
            {**Train.suited("cnn"), "network": "cnn", "lr": 1.0},
        ),
        ({"norms": "frn,batch", "steps": "100"}, {"steps": 100}),
        ({"groups": "32", "width": "32"}, {"width": 32}),
        ({"batches": "two_classes", "dataset": "xor"}, {"dataset": "xor"}),
        ({"batches": "two_classes", "batch_size": "256"}, {"batch_size": 256}),
    ],
)
def test_a_link_that_does_not_go_together_gives_up_one_field_and_says_so(query, kept):
    spec, problems = Train.from_query(query)
    assert len(problems) == 1
    assert spec == Train(**kept)


def test_batches_of_two_classes_go_through_link_and_json():
    spec = Train(batches="two_classes", batch_size=32)
    assert spec.to_query() == {"batches": "two_classes", "batch_size": "32"}
    assert Train.from_query(spec.to_query()) == (spec, [])
    assert from_json(spec.to_json()) == spec
    assert spec.key != Train(batch_size=32).key
    assert "batches" not in Train().to_query()


@pytest.mark.parametrize("network", ALL_NETWORKS)
@pytest.mark.parametrize("norm", list(NORMS))
def test_a_norm_is_accepted_exactly_where_the_catalog_says_it_applies(norm, network):
    values = {"norms": (norm,), "network": network, "dataset": fitting(network)}
    why = ALL_NETWORKS[network].reason(norm)
    if why is None:
        Train(**values)
    else:
        with pytest.raises(SpecError, match="Normalizations") as caught:
            Train(**values)
        assert why in caught.value.sentence


def fitting(network):
    """A data set that a network can read."""
    return "marked" if network in SEQUENCE_NETWORKS else "digits"


@pytest.mark.parametrize("network", ALL_NETWORKS)
@pytest.mark.parametrize("dataset", ALL_DATASETS)
def test_a_network_and_data_that_do_not_go_together_name_each_other(network, dataset):
    if not ALL_NETWORKS[network].refusal(ALL_DATASETS[dataset].shape):
        assert Train(network=network, dataset=dataset).layers
        return
    with pytest.raises(SpecError) as caught:
        Train(network=network, dataset=dataset)
    assert {caught.value.field, caught.value.other} == {"network", "dataset"}
    # What is allowed is right: each of these data sets, and no other.
    named = caught.value.allowed.removesuffix(f" for the {ALL_NETWORKS[network].label}")
    fit = [d.label for d in ALL_DATASETS.values() if not ALL_NETWORKS[network].refusal(d.shape)]
    assert named == ", ".join(fit)


def test_layers_with_several_norms_are_recorded_and_named_one_by_one():
    spec = Train(network="transformer", dataset="marked", depth=3, norms=("batch", "layer"))
    assert spec.schema()["update_ratio"].shape == (2, 6)
    assert spec.schema().labels["layer"][:3] == (
        "1 (attention)", "1 (feed-forward)", "2 (attention)",
    )  # fmt: skip
    assert spec.layer_name(0) == "1 (attention)"
    assert spec.layer_name(5) == "3 (feed-forward)"
    gru = spec.replace(network="gru")
    assert len(gru.layers) == 6
    assert gru.layer_name(2) == "2 (gates)"
    rnn = spec.replace(network="rnn")
    assert len(rnn.layers) == 3
    assert rnn.layer_name(2) == 3
    assert rnn.schema().labels["layer"] == (1, 2, 3)
    names = {one.network: {array.name for array in one.schema().arrays} for one in (spec, gru, rnn)}
    assert "dead" in names["rnn"]
    assert "dead" not in names["gru"] | names["transformer"]
    assert not any("running_mean" in one for one in names.values())


def test_cost_of_a_sequence_counts_every_step_of_it():
    spec = Train(network="rnn", dataset="digits_rows", norms=("none",), depth=2, width=16, batch_size=4,
                 steps=50, every=50, seeds=1)  # fmt: skip
    forward = 8 * (16 * (8 + 16) + 16 * (16 + 16)) + 16 * 16  # eight rows; then the padded head
    assert spec.cost().multiply_adds == forward * (3 * 4 * 50 + 797 * 2)


def test_the_first_and_the_last_step_are_recorded_and_evaluated():
    spec = Train(steps=250, every=7)
    assert spec.recorded_steps[:3] == (0, 7, 14)
    assert spec.recorded_steps[-1] == 250
    assert spec.evaluated_steps[:2] == (0, 14)
    assert spec.evaluated_steps[-1] == 250
    assert set(spec.evaluated_steps) <= set(spec.recorded_steps)


def test_cost_counts_every_multiplication_of_a_small_run():
    spec = Train(norms=("none", "batch"), dataset="digits", depth=2, width=16, batch_size=4, steps=50,
                 every=50, seeds=2)  # fmt: skip
    forward = 64 * 16 + 16 * 16 + 16 * 16  # two hidden layers, and ten outputs padded to sixteen
    trained = 3 * forward * 4 * 50
    tested = forward * 797 * 2  # at steps 0 and 50
    assert spec.cost().multiply_adds == 4 * (trained + tested)


def _recording(spec, accuracies, losses, diverged):
    schema = spec.schema()
    recording = Recording(schema)
    for k, step in enumerate((0, 10, 20)):
        arrays = {
            "test_accuracy": np.array(accuracies[k], "f4"),
            "loss": np.array(losses, "f4"),
            "diverged_at": np.array(diverged, "f4"),
        }
        recording.append(schema.encode(Frame(step, arrays)))
    return recording


def test_the_summary_counts_steps_and_leaves_out_what_diverged():
    spec = Train(norms=("none", "batch"), seeds=2, seed=5)
    accuracies = [
        [[0.1, 0.2], [0.1, 0.1]],
        [[0.5, np.nan], [0.92, 0.80]],
        [[0.6, np.nan], [0.90, 0.95]],
    ]
    recording = _recording(spec, accuracies, [[0.5, np.nan], [0.1, 0.3]], [[np.nan, 7], [np.nan, np.nan]])
    told = spec.summary(recording)["norms"]
    assert told["none"]["diverged"] == {"6": 7}
    assert told["none"]["final_loss"] == {"mean": 0.5, "sd": 0.0, "seeds": 1}
    assert told["none"]["steps_to_90"] is None
    batch = told["batch"]
    assert batch["diverged"] == {}
    assert batch["steps_to_90"]["mean"] == 15.0
    assert batch["steps_to_90"]["seeds"] == 2
    assert batch["steps_to_94"] == {"mean": 20.0, "sd": 0.0, "seeds": 1}
    assert batch["median_steps_to_90"] == 15.0
    assert batch["test_accuracy"]["mean"] == pytest.approx(0.925)
    assert batch["test_accuracy"]["sd"] == pytest.approx(0.05 / 2**0.5, rel=1e-5)
    assert batch["best_test_accuracy"]["mean"] == pytest.approx(0.935)


@pytest.mark.parametrize(
    ("second", "third", "mean", "median"),
    [
        ([0.95, 0.1, 0.1], [0.95, 0.95, 0.5], 15.0, 20.0),  # one of three seeds never gets there: last
        ([0.95, 0.1, 0.2], [0.1, 0.1, 0.2], 10.0, None),  # nor does the median one
        ([0.1, 0.1, 0.2], [0.1, 0.1, 0.2], None, None),
    ],
)
def test_a_seed_that_never_gets_there_counts_in_the_median(second, third, mean, median):
    spec = Train(norms=("batch",), seeds=3)
    accuracies = [[[0.1] * 3], [second], [third]]
    told = spec.summary(_recording(spec, accuracies, [[0.5] * 3], [[np.nan] * 3]))["norms"]["batch"]
    assert (told["steps_to_94"] or {"mean": None})["mean"] == mean
    assert told["median_steps_to_94"] == median


def test_an_array_is_recorded_only_where_it_means_something():
    names = {array.name for array in Train(norms=("none",), activation="gelu").schema().arrays}
    assert names.isdisjoint({"dead", "saturated", "gamma_mean", "running_mean", "surface"})
    spec = Train(norms=("none", "rms", "ghost_batch"), activation="tanh", dataset="xor")
    schema = spec.schema()
    assert schema["surface"].shape == (3, recorded.GRID, recorded.GRID)
    assert schema.labels["affine"] == ("rms", "ghost_batch")
    assert schema.labels["running"] == ("ghost_batch",)
    assert schema["saturated"].shape == (3, 8)


LED = [kind for kind in EXPERIMENTS.values() if kind.leader]


@pytest.mark.parametrize(
    ("kind", "choice"),
    [
        (kind, choice)
        for kind in LED
        for n, one, _ in kind.knobs()
        if n == kind.leader
        for choice in one.choices
    ],
    ids=lambda one: getattr(one, "name", one),
)
def test_what_a_link_leaves_open_suits_the_field_that_leads(kind, choice):
    spec, problems = kind.from_query({kind.leader: choice})
    assert not problems
    assert spec == kind(**{**kind.suited(choice), kind.leader: choice})
    assert kind.from_values({kind.leader: choice}) == spec
    assert kind.from_query(spec.to_query()) == (spec, [])


@pytest.mark.parametrize("network", ["cnn", "resnet"])
def test_a_value_at_its_own_default_is_written_where_the_network_would_bring_another(network):
    spec = Train(network=network)
    assert spec.to_query()["lr"] == "0.3"
    assert Train.from_query(spec.to_query()) == (spec, [])
    assert Train.from_values(spec.values()) == spec
    assert from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("named", "used", "word"),
    [
        ({"network": "rnn", "dataset": "digits"}, {"dataset": "digits_rows"}, "Using Digits, row by row."),
        ({"network": "cnn", "depth": "33"}, {"depth": 3}, "Using 3."),
        ({"network": "gru", "lr": "fast"}, {"lr": 0.005}, "Using 0.005."),
    ],
)
def test_what_does_not_go_with_the_network_gives_way_to_what_suits_it(named, used, word):
    spec, (problem,) = Train.from_query(named)
    own = ALL_NETWORKS[named["network"]].own
    assert spec == Train(**{**own, **used, "network": named["network"]})
    assert problem.sentence.endswith(word)
