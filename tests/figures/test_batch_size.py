"""The charts of the page Batch size: every reference leads to data of the right shape, inside its axis."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.figures import batch_size, regularization
from normviz.figures.bound import Ref, resolve
from normviz.figures.theme import STYLES
from normviz.frames import Recording
from normviz.lab import runs
from normviz.specs.batch_size import BatchSize
from normviz.specs.regularization import Regularization

SMALL = BatchSize(epochs=1, width=32, depth=1, seeds=2)
SPECS = {
    "statistics": (SMALL, batch_size.figures),
    "batch": (SMALL.replace(changes="batch", micro_batch=8), batch_size.figures),
    "alone": (SMALL.replace(norms=("layer",), seeds=1), batch_size.figures),
    "regularization": (Regularization(steps=100, seeds=5, width=32, depth=1), regularization.figures),
}


@cache
def record(spec):
    frames = runs.runner(spec)(spec)
    schema = next(frames)
    return Recording(schema, [schema.encode(frame) for frame in frames])


@pytest.fixture(params=list(SPECS))
def look(request):
    """A spec, its figures and its recording."""
    spec, figures = SPECS[request.param]
    return spec, figures(spec), record(spec)


def _refs(value):
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _refs(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _refs(one)


def test_every_reference_fits_the_schema_and_has_data(look):
    _, figures, recording = look
    for figure in figures:
        for ref in _refs([*figure.traces, figure.layout]):
            shape = recording.schema[ref.name].shape
            assert all(i is None or 0 <= i < n for i, n in zip(ref.index, shape, strict=False)), ref
        for trace in resolve(figure, recording)["data"]:
            assert np.shape(trace["x"]) == np.shape(trace["y"]), figure.key
            assert len(trace["x"])
            for bars in ("error_x", "error_y"):
                if bars in trace:
                    assert np.shape(trace[bars]["array"]) == np.shape(trace["x"])


def test_plotly_knows_every_attribute(look):
    _, figures, recording = look
    for figure in figures:
        go.Figure(resolve(figure, recording))  # raises on what it does not know


def test_axes_are_fixed_and_hold_all_that_is_drawn(look):
    _, figures, recording = look
    for figure in figures:
        whole = resolve(figure, recording)
        assert figure.alt
        for letter in "xy":
            axis = whole["layout"][f"{letter}axis"]
            assert axis["autorange"] is False, figure.key
            ends = sorted(10.0**end if axis["type"] == "log" else end for end in axis["range"])
            for trace in whole["data"]:
                values = np.asarray(trace[letter], float)
                values = values[np.isfinite(values)]
                assert (values >= ends[0]).all(), (figure.key, letter)
                assert (values <= ends[1]).all(), (figure.key, letter)


def test_three_charts_at_first_and_keys_once(look):
    _, figures, _ = look
    assert sum(not figure.expert for figure in figures) == 3
    assert len({figure.key for figure in figures}) == len(figures)


def test_variants_have_their_colours(look):
    spec, figures, _ = look
    if isinstance(spec, BatchSize):
        for figure in figures[:2]:
            marked = {trace["meta"]["variant"] for trace in figure.traces}
            assert marked == set(spec.variants)
    for figure in figures:
        for trace in figure.traces:
            if "variant" in trace.get("meta", {}):
                assert trace["line"]["color"] == STYLES[trace["meta"]["variant"]].colour


def test_marks_stand_beside_their_batch_size_and_not_on_each_other():
    figure = batch_size.error_by_batch_size(SMALL)
    lines = [trace for trace in figure.traces if trace["mode"] == "lines+markers"]
    for trace in lines:
        assert np.allclose(np.log2(trace["x"]), [1, 2, 3, 4, 5], atol=0.3)
        assert trace["text"] == ["2", "4", "8", "16", "32"]
    assert len({trace["x"][0] for trace in lines}) == len(lines)


def test_accumulated_gradients_are_marked_at_their_micro_batch():
    spec, _ = SPECS["batch"]
    stars = [one for one in batch_size.error_by_batch_size(spec).traces if one["marker"]["symbol"] == "star"]
    assert len(stars) == 2
    assert all(np.allclose(np.log2(one["x"]), 3, atol=0.3) for one in stars)
    assert "micro-batches of 8" in batch_size.error_by_batch_size(spec).alt


def test_a_case_is_written_once_in_each_column():
    recording = record(SMALL)
    shown = resolve(batch_size.batches_of_one(SMALL), recording)["data"]
    for mode in (0, 1):
        rows = np.concatenate([one["y"] for one in shown if one["x"][0] == mode])
        assert sorted(rows[np.isfinite(rows)].tolist()) == list(range(14))


def test_the_prediction_waits_for_the_end_of_the_training():
    asked = batch_size.prediction(SMALL)
    assert asked is not None
    recording = record(SMALL)
    assert asked.to_plain(tuple(batch_size.figures(SMALL)))
    v = SMALL.variants.index("batch")
    for name, size in (("at_2", 0), ("at_32", 4)):
        ref = asked.measured[name]
        assert recording.at(ref.name)[ref.index] == recording.at("error_mean")[v, size]
    with pytest.raises(KeyError):
        recording.at(asked.until.name, -2)
    assert batch_size.prediction(SMALL.replace(norms=("layer",))) is None
