"""The spec of the forgotten eval(): its defaults, what does not go together, what it says before it runs."""

import pytest

from normviz.catalog.networks import NETWORKS
from normviz.catalog.norms import NORMS, reason
from normviz.spec import SpecError
from normviz.specs import from_json
from normviz.specs.forgotten_eval import ForgottenEval


def test_the_default_is_the_mlp_of_the_literature_table():
    spec = ForgottenEval()
    assert (spec.network, spec.norm, spec.depth, spec.width) == ("mlp", "batch", 3, 128)
    assert (spec.lr, spec.batch_size, spec.epochs_run, spec.seeds) == (0.05, 32, 20, 5)
    assert spec.steps == 20 * (1000 // 32)
    assert spec.seed_values == (0, 1, 2, 3, 4)
    assert spec.others == ("layer", "group")


def test_standard_epochs_depend_on_the_network():
    assert ForgottenEval(network="cnn").epochs_run == 12
    assert ForgottenEval(network="cnn", epochs=3).epochs_run == 3


@pytest.mark.parametrize("norm", list(NORMS))
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_a_norm_that_does_not_apply_is_refused_with_its_reason(network, norm):
    why = reason(norm, NETWORKS[network].form)
    if why is None:
        assert norm not in ForgottenEval(network=network, norm=norm).others
        return
    with pytest.raises(SpecError) as refused:
        ForgottenEval(network=network, norm=norm)
    assert refused.value.field == "norm"
    assert why in refused.value.sentence


def test_a_bad_link_falls_back_with_a_sentence():
    spec, problems = ForgottenEval.from_query({"norm": "instance", "deploy_batch": "7", "seeds": "3"})
    assert spec == ForgottenEval(seeds=3)
    assert sorted(problem.field for problem in problems) == ["deploy_batch", "norm"]


def test_a_spec_survives_json_and_a_link():
    spec = ForgottenEval(network="cnn", norm="frn", deploy_batch=2, momentum=0.01, epochs=1, seed=17)
    assert from_json(spec.to_json()) == spec
    assert ForgottenEval.from_query(spec.to_query()) == (spec, [])


@pytest.mark.parametrize("spec", [ForgottenEval(), ForgottenEval(epochs=1, batch_size=256)])
def test_both_modes_are_measured_from_the_first_step_to_the_last(spec):
    steps = spec.curve_steps
    assert steps[0] == 1
    assert steps[-1] == spec.steps
    assert set(range(spec.steps_per_epoch, spec.steps + 1, spec.steps_per_epoch)) <= set(steps)


def test_cost_grows_with_what_is_asked():
    plain = ForgottenEval().cost()
    for dearer in ({"seeds": 10}, {"width": 256}, {"epochs": 30}, {"depth": 8}, {"network": "cnn"}):
        assert ForgottenEval(**dearer).cost().multiply_adds > plain.multiply_adds, dearer
    for larger in ({"seeds": 10}, {"depth": 8}, {"batch_size": 8}):
        assert ForgottenEval(**larger).cost().recording_bytes > plain.recording_bytes, larger


def test_every_array_has_labels_that_fit():
    spec = ForgottenEval(depth=5, seeds=3, norm="layer")
    schema = spec.schema()
    for array in schema.arrays:
        for axis, n in zip(array.axes, array.shape, strict=True):
            if axis in schema.labels:
                assert len(schema.labels[axis]) == n, (array.name, axis)
