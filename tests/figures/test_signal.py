"""The charts of the experiment Signal: every reference leads to data of the right shape, inside its axis."""

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.figures.bound import Ref, resolve
from normviz.figures.signal import figures
from normviz.figures.theme import STYLES
from normviz.frames import Recording
from normviz.lab.experiments.signal import run
from normviz.specs.signal import Signal

FITTING = tuple(norm for norm in NORMS if not reason(norm, "mlp"))
SPECS = {
    "default": Signal(width=64, seeds=2),
    "six": Signal(norms=FITTING[:6], depth=12, width=32, seeds=2),
    "others": Signal(norms=FITTING[4:], depth=12, width=32, activation="tanh", placement="after", gain=0.3),
    "alone": Signal(norms=("none",), depth=1, width=16, seeds=1, activation="gelu", batch_size=3),
    "sigmoid": Signal(norms=("batch", "dyt"), activation="sigmoid", depth=50, width=16, seeds=1),
    "three": Signal(batch_size=3, depth=30, width=64, groups=4),
    "exploding": Signal(activation="linear", gain=10.0, depth=50, width=32, groups=4),
    "vanishing": Signal(gain=0.1, depth=50, width=32, groups=4),
    "untheoretical": Signal(
        norms=("weight_standardization",), placement="after", activation="gelu", width=64
    ),
}


@cache
def record(spec):
    schema, frame = run(spec)
    return Recording(schema, [schema.encode(frame)])


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
            for i, n in zip(ref.index, shape, strict=False):
                assert i is None or i == "layer" or 0 <= i < n, (figure.key, ref)
                if i == "layer":
                    assert n == spec.depth
        for trace in resolve(figure, recording, 0, {"layer": spec.depth - 1})["data"]:
            x, y = np.asarray(trace["x"]), np.asarray(trace["y"])
            if trace["type"] == "heatmap":
                assert np.asarray(trace["z"]).shape == (len(y), len(x))
            else:
                assert x.shape == y.shape, figure.key
                assert len(x)


def test_plotly_knows_every_attribute(look):
    spec, recording = look
    for figure in figures(spec):
        go.Figure(resolve(figure, recording, 0))  # raises on what it does not know


def test_every_array_of_the_schema_is_drawn(look):
    spec, recording = look
    drawn = {ref.name for figure in figures(spec) for ref in _refs([*figure.traces, figure.layout])}
    names = {array.name for array in recording.schema.arrays}
    by_member = {name for name in names if f"{name}_median" in names}  # single seeds are for tables
    kept = by_member | {"loss_median", "loss_low", "loss_high", "back", "back_place"}  # the prediction's
    if spec.seeds == 1:
        kept |= {name for name in names if name.endswith(("_low", "_high")) and not name.startswith("theory")}
    assert names - drawn == kept - {"loss"}


def test_every_variant_has_its_colour_in_every_figure(look):
    spec, _ = look
    for figure in figures(spec):
        marks = [trace["meta"] for trace in figure.traces]
        assert {mark.get("variant") for mark in marks} - {None} == set(spec.norms), figure.key
        theory = [trace for trace in figure.traces if str(trace.get("name")).startswith("Theory")]
        assert all(trace["meta"]["ghost"] is False for trace in theory)
        for trace in figure.traces:
            if trace["type"] == "scatter" and "variant" in trace["meta"] and trace not in theory:
                assert trace["line"]["color"] == STYLES[trace["meta"]["variant"]].colour


def test_axes_are_fixed_and_named(look):
    spec, _ = look
    for figure in figures(spec):
        axes = [axis for name, axis in figure.layout.items() if name[1:].startswith("axis")]
        assert sum("title" in axis for axis in axes) >= 2, figure.key
        assert not any(axis.get("autorange", True) for axis in axes), figure.key
        assert figure.alt
        assert figure.title


def test_axes_hold_all_that_is_drawn(look):
    spec, recording = look
    for figure in figures(spec):
        if "hist" in figure.key or figure.key == "chosen_layer":
            continue
        whole = resolve(figure, recording, 0)
        for letter in "xy":
            axis = whole["layout"][f"{letter}axis"]
            if axis["type"] == "category":
                continue
            low, high = (10.0 ** float(end) if axis["type"] == "log" else end for end in axis["range"])
            for trace in whole["data"]:
                values = np.asarray(trace[letter], float)
                shown = np.isfinite(values) & ((axis["type"] == "linear") | (values > 0))
                assert (values[shown] >= low * (1 - 1e-6)).all(), (figure.key, letter)
                assert (values[shown] <= high * (1 + 1e-6)).all(), (figure.key, letter)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_three_places_at_first_and_keys_once(spec):
    made = figures(spec)
    places = [one.layout.get("meta", {}).get("place", one.key) for one in made if not one.expert]
    assert list(dict.fromkeys(places)) == ["sd", "Which gradient", "cosine"]
    assert len({one.key for one in made}) == len(made)


def test_theory_is_a_dashed_line_from_the_last_layer_on():
    spec = SPECS["default"]
    (figure,) = [one for one in figures(spec) if one.key == "grad_activation"]
    traces = resolve(figure, record(spec), 0)["data"]
    (theory,) = [one for one in traces if one["name"] == "Theory, batch norm"]
    (measured,) = [
        one for one in traces if one["meta"] == {"variant": "batch"} and one["mode"] == "lines+markers"
    ]
    assert theory["line"]["dash"] == "dash"
    assert theory["y"][-1] == measured["y"][-1]
    growth = (theory["y"][0] / theory["y"][-1]) ** (2 / (spec.depth - 1))
    assert growth == pytest.approx(1.5215, rel=1e-3)


def test_gradient_ticks_stand_where_their_values_are():
    (figure,) = [one for one in figures(SPECS["default"]) if one.key == "hist_grad"]
    ticks = dict(zip(figure.layout["xaxis"]["ticktext"], figure.layout["xaxis"]["tickvals"], strict=True))
    # Bin 31 + k (drawn from 30.5 + k on) begins at 2**(k - 32).
    assert ticks["10<sup>-2</sup>"] == pytest.approx(30.5 + 32 + math.log2(1e-2))
    assert ticks["−10<sup>-6</sup>"] - 31 == -(ticks["10<sup>-6</sup>"] - 31)


def test_the_loss_of_guessing_is_marked():
    (figure,) = [one for one in figures(SPECS["default"]) if one.key == "initial_loss"]
    assert figure.traces[0]["x"] == [pytest.approx(math.log(10))] * 2
