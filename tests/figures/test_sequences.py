"""The charts of the experiment Sequences: every reference leads to data of the right shape."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.figures.bound import Ref, lookup, resolve
from normviz.figures.sequences import CHANGES, figures, prediction
from normviz.figures.theme import STYLES
from normviz.frames import Recording
from normviz.lab.experiments.sequences import run
from normviz.readings.sequences import TEMPLATES
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences

QUICK = {"steps": 50, "depth": 1, "width": 16, "batch_size": 16, "deepest": 8, "deep_width": 16, "seeds": 2}
SPECS = {
    "default": Sequences(**QUICK),
    "six": Sequences(
        **QUICK, norms=("none", "batch", "layer", "group", "instance", "rms"), placement="after"
    ),
    "rnn": Sequences(**QUICK, network="rnn", dataset="digits_rows"),
    "relatives": Sequences(**QUICK, network="gru", norms=("batch", "batch_renorm", "ghost_batch", "layer")),
    "weights": Sequences(**QUICK | {"seeds": 1}, network="rnn", norms=("weight_norm",)),
}


@cache
def record(spec):
    schema, *frames = run(spec)
    return Recording(schema, [schema.encode(frame) for frame in frames])


@pytest.fixture(params=list(SPECS))
def look(request):
    """A spec and its recording."""
    spec = SPECS[request.param]
    return spec, record(spec)


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
    spec, recording = look
    for figure in figures(spec):
        for ref in _refs([*figure.traces, figure.layout]):
            shape = recording.schema[ref.name].shape
            assert len(ref.index) <= len(shape), figure.key
            assert all(0 <= i < n for i, n in zip(ref.index, shape, strict=False)), (figure.key, ref)
        for trace in resolve(figure, recording)["data"]:
            x, y = np.asarray(trace["x"]), np.asarray(trace["y"])
            assert x.shape == y.shape, figure.key
            # A recurrent norm over the batch refuses a batch of one.
            over_batch = [STYLES[norm].label for norm in recorded.over_batch(spec.norms)]
            refused = figure.key == "alone" and spec.network != "transformer" and trace["name"] in over_batch
            assert np.isfinite(y).any() != refused, (figure.key, trace.get("name"))
        for k in (0, 1, len(recording) // 2):
            resolve(figure, recording, k)


def test_plotly_knows_every_attribute(look):
    spec, recording = look
    for figure in figures(spec):
        go.Figure(resolve(figure, recording))


def test_at_most_three_charts_at_first_and_alternatives_for_all(look):
    spec, _ = look
    shown = figures(spec)
    assert 2 <= len([figure for figure in shown if not figure.expert]) <= 3
    assert len({figure.key for figure in shown}) == len(shown)
    for figure in shown:
        assert len(figure.alt) > 60
        assert figure.alt.endswith(".")


def test_every_variant_has_its_colour_in_every_chart_that_shows_it(look):
    spec, _ = look
    for figure in figures(spec):
        marked = [trace for trace in figure.traces if trace["meta"].get("variant")]
        for trace in marked:
            assert trace["line"]["color"] == STYLES[trace["meta"]["variant"]].colour
        expected = set(spec.deep_norms if figure.key.startswith("gradients") else spec.norms)
        assert {trace["meta"]["variant"] for trace in marked} == expected


def test_changes_stay_on_their_axis_and_zero_is_drawn_on_its_mark():
    for spec in SPECS.values():
        recording = record(spec)
        for name in ("leak_own", "leak_mates", "gap", "padding"):
            values, drawn = recording.at(name), recording.at(f"{name}_drawn")
            finite = drawn[np.isfinite(drawn)]
            assert CHANGES[0] < finite.min()
            assert finite.max() < CHANGES[1]
            assert np.array_equal(drawn == np.float32(recorded.NOTHING), values == 0)


def test_the_line_stands_where_the_change_begins():
    (leaks,) = (figure for figure in figures(Sequences()) if figure.key == "leaks")
    assert {shape["x0"] for shape in leaks.layout["shapes"]} == {8.5}
    assert "step 9" in leaks.title


def test_the_question_refers_to_what_is_recorded():
    assert prediction(Sequences(norms=("none", "layer"))) is None
    assert prediction(Sequences(norms=("batch",))) is None
    for name in ("default", "six", "rnn"):
        spec = SPECS[name]
        question, recording = prediction(spec), record(spec)
        question.to_plain(tuple(figures(spec)))
        assert set(question.notes) <= set(TEMPLATES)
        found = {key: float(lookup(ref, recording, -1, {})) for key, ref in question.measured.items()}
        assert found["other"] == 0
        assert bool(found["batch"] > 0) == (spec.network == "transformer")
        assert f"step {spec.changed_from}" in question.answer.format(**found)


def test_post_norm_is_dotted():
    spec = SPECS["default"]
    (chart,) = (figure for figure in figures(spec) if figure.key == "gradients_by_depth")
    drawn = {(t["meta"]["variant"], t["y"].index[1]): t["line"]["dash"]
             for t in chart.traces if t["meta"].get("variant")}  # fmt: skip
    assert drawn["layer", 0] == "solid"
    assert drawn["layer", 1] == "dot"
    assert ("none", 1) not in drawn  # without a norm there is no difference
