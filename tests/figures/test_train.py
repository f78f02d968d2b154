"""The charts of the experiment Train: every reference leads to data of the right shape, at every moment."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.figures.bound import Figure, Ref, resolve
from normviz.figures.theme import STYLES
from normviz.figures.train import figures
from normviz.frames import Recording
from normviz.lab.experiments.train import run
from normviz.specs import train_frames as recorded
from normviz.specs.train import Train

SPECS = {
    "default": Train(steps=50, seeds=2),
    "alone": Train(norms=("none",), depth=1, steps=50, seeds=1, activation="gelu"),
    "six": Train(norms=tuple(n for n in NORMS if not reason(n, "mlp"))[:6], steps=50, depth=12, seeds=2),
    "sigmoid": Train(norms=("none", "batch"), activation="sigmoid", steps=50, seeds=2),
    "cnn": Train(network="cnn", norms=("batch", "frn"), depth=3, steps=50, seeds=1, batch_size=16),
    "plane": Train(dataset="spiral", norms=("none", "ghost_batch", "dyt"), depth=3, steps=50, seeds=2),
    "rnn": Train(network="rnn", dataset="marked", norms=("batch", "layer"), depth=2, steps=50, seeds=2),
    "transformer": Train(
        network="transformer", dataset="marked", norms=("none", "layer"), depth=3, width=16, steps=50, seeds=1
    ),
    "diverging": Train(norms=("none", "layer"), lr=10.0, gain=3.0, steps=50, seeds=2),
}


@pytest.fixture(scope="module", params=list(SPECS))
def race(request):
    """A spec and its recording."""
    spec = SPECS[request.param]
    frames = run(spec)
    recording = Recording(next(frames))
    for frame in frames:
        recording.append(recording.schema.encode(frame))
    return spec, recording


def _refs(value):
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _refs(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _refs(one)


def test_every_reference_fits_the_schema(race):
    spec, recording = race
    for figure in figures(spec):
        for ref in _refs([*figure.traces, figure.layout]):
            shape = recording.schema[ref.name].shape
            assert len(ref.index) <= len(shape), figure.key
            for i, n in zip(ref.index, shape, strict=False):
                assert i is None or i == "layer" or -n <= i < n, (figure.key, ref)
                if i == "layer":
                    assert n == len(spec.layers)


def test_what_a_figure_refers_to_is_there_from_the_first_frame_on(race):
    spec, recording = race
    for k in (0, 1, len(recording) // 2, len(recording) - 1):
        for figure in figures(spec):
            for layer in (0, len(spec.layers) - 1):
                whole = resolve(figure, recording, k, {"layer": layer})
                for trace in whole["data"]:
                    _check_lengths(figure, trace)


def test_plotly_knows_every_attribute(race):
    spec, recording = race
    for figure in figures(spec):
        go.Figure(resolve(figure, recording, -1))  # raises on what it does not know


def _check_lengths(figure: Figure, trace):
    x, y = np.asarray(trace["x"]), np.asarray(trace["y"])
    assert len(x)
    assert len(y)
    if trace["type"] == "heatmap":
        z = np.asarray(trace["z"])
        assert (z.T if trace.get("transpose") else z).shape == (len(y), len(x)), figure.key
    else:
        assert x.shape == y.shape, figure.key
        if "error_y" in trace:
            assert np.shape(trace["error_y"]["array"]) == y.shape


def test_every_array_of_the_schema_is_drawn(race):
    spec, recording = race
    drawn = {ref.name for figure in figures(spec) for ref in _refs(figure.traces)}
    by_member = {"test_accuracy", "train_accuracy", "loss_low", "loss_high"} if spec.seeds == 1 else set()
    # Losses of single seeds are for tables; the end of the race answers the prediction.
    ended = {array.name for array in recorded.last(spec)}
    assert {a.name for a in recording.schema.arrays} - drawn == by_member | ended | {"loss"}


def test_every_variant_has_its_colour_in_every_figure(race):
    spec, _ = race
    kept = {"affine_parameters": recorded.affine(spec), "running_statistics": recorded.running(spec)}
    for figure in figures(spec):
        shown = {trace["meta"].get("variant") for trace in figure.traces} - {None}
        assert shown == set(kept.get(figure.key, spec.norms)), figure.key
        for trace in figure.traces:
            if trace["type"] == "scatter" and "lines" in trace["mode"] and "variant" in trace["meta"]:
                assert trace["line"]["color"] == STYLES[trace["meta"]["variant"]].colour


def test_axes_are_fixed_and_named(race):
    spec, _ = race
    for figure in figures(spec):
        axes = [axis for name, axis in figure.layout.items() if name[1:].startswith("axis")]
        titles = [axis["title"]["text"] for axis in axes if "title" in axis]
        assert len(titles) >= 2, figure.key
        free = [axis for axis in axes if axis.get("autorange", True)]
        # Only the statistics of single units have no range that is known beforehand.
        assert not free or figure.key == "running_statistics", figure.key
        assert figure.alt
        assert figure.title


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_three_charts_at_first_and_keys_once(spec):
    made = figures(spec)
    assert len([one for one in made if not one.expert]) == 3
    assert len({one.key for one in made}) == len(made)


def test_curves_draw_what_was_recorded():
    spec = SPECS["default"]
    frames = run(spec)
    recording = Recording(next(frames))
    for frame in frames:
        recording.append(recording.schema.encode(frame))
    by_key = {figure.key: figure for figure in figures(spec)}
    k = 5
    traces = resolve(by_key["loss"], recording, k)["data"]
    (bold,) = [
        one for one in traces
        if one["meta"] == {"variant": "batch"} and one["mode"] == "lines" and one["line"]["width"] > 1
    ]  # fmt: skip
    assert bold["x"].tolist() == [0, 5, 10, 15, 20, 25]
    assert bold["y"].tolist() == [float(recording.at("loss_median", i)[1]) for i in range(k + 1)]
    chosen = resolve(by_key["chosen_layer"], recording, k, {"layer": 6})["data"]
    assert chosen[1]["y"].tolist() == recording.at("hist_post", k)[1, 6].tolist()
