"""Headline numbers: what the spread bounds is what the value sums up."""

import numpy as np
import pytest

from normviz.figures.bound import lookup
from normviz.figures.headlines import headline
from normviz.lab.runs import record
from normviz.specs import EXPERIMENTS, MEASURED, experiment
from normviz.specs.landscape import Landscape
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.placement import Placement
from normviz.specs.scale import Scale
from normviz.specs.sequences import Sequences
from normviz.specs.signal import Signal
from normviz.specs.train import Train


def test_every_experiment_names_one_but_those_without_a_single_number():
    shipped = {name: kind for name, kind in EXPERIMENTS.items() if kind.__module__.startswith("normviz.")}
    without = {name for name, kind in shipped.items() if headline(kind()) is None}
    assert without == {"anatomy", "claims"}
    assert all(headline(kind()) for kind in MEASURED.values())


@pytest.mark.parametrize(
    "name", [name for name, kind in {**EXPERIMENTS, **MEASURED}.items() if headline(kind())]
)
def test_its_references_fit_the_schema(name):
    spec = experiment(name)()
    schema = spec.schema()
    told = headline(spec)
    assert f"{{x:{told.form}}}".format(x=0.5)
    names = [entry.name for entry in told.entries]
    assert len(set(names)) == len(names)
    for entry in told.entries:
        for ref, open_axes in ((entry.value, 0), (entry.spread, 1)):
            if ref is None:
                continue
            array = np.empty(schema[ref.name].shape)
            index = tuple(slice(None) if one is None else one for one in ref.index)
            assert array[index].ndim == open_axes


@pytest.mark.parametrize(
    ("spec", "middle"),
    [
        (Train(norms=("none", "batch"), depth=2, width=16, steps=50, seeds=3), np.nanmedian),
        (Signal(norms=("none", "batch"), depth=4, width=16), np.median),
        (Placement(norms=("batch",), steps=50, width=16), np.median),
        (NoisyBN(steps=50, width=16), np.median),
        (Landscape(norms=("none", "batch"), steps=50, width=16), np.median),
        (Sequences(norms=("none", "layer"), steps=50), np.median),
    ],
    ids=lambda one: getattr(one, "name", None),
)
def test_the_value_is_the_middle_of_its_spread(spec, middle):
    recording = record(spec)
    for entry in headline(spec).entries:
        value, spread = (lookup(ref, recording, -1, {}) for ref in (entry.value, entry.spread))
        assert spread.ndim == 1
        assert float(value) == pytest.approx(float(middle(spread)), rel=1e-5)


def test_the_loss_of_a_scaled_layer_is_that_under_the_cursor():
    spec = Scale(norms=("none", "batch"))
    recording = record(spec)
    for v, entry in enumerate(headline(spec).entries):
        assert lookup(entry.value, recording, 3, {}) == recording.at("loss", 3)[v, 3]
