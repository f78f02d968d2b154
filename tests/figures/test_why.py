"""The charts of Scale, Landscape and NoisyBN: every reference leads to fitting data, on fixed axes."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.figures import landscape, noisy_bn, scale
from normviz.figures.bound import Ref, lookup, resolve
from normviz.figures.theme import STYLES
from normviz.frames import Recording
from normviz.specs.landscape import Landscape
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.noisy_bn_frames import VARIANTS
from normviz.specs.scale import Scale

MADE = {"scale": scale, "landscape": landscape, "noisy_bn": noisy_bn}
_LOOK = {"depth": 2, "width": 32, "batch_size": 32, "steps": 20, "every": 5}
SPECS = {
    "scale": Scale(width=32, batch_size=32),
    "scale six": Scale(
        norms=("batch_renorm", "rms", "weight_norm", "weight_standardization", "ghost_batch", "dyt"),
        width=32, batch_size=32, steps=30, layer=2, activation="tanh",
    ),
    "scale broken": Scale(width=32, lr=10.0, steps=50),
    "landscape": Landscape(**_LOOK),
    "landscape alone": Landscape(norms=("layer",), seeds=1, tries=3, **_LOOK),
    "landscape broken": Landscape(norms=("none", "batch"), lr=3.0, **(_LOOK | {"depth": 8})),
    "noisy_bn": NoisyBN(seeds=2, **_LOOK),
    "noisy_bn alone": NoisyBN(seeds=1, **_LOOK),
}  # fmt: skip
EMPTY = {"scale broken", "landscape broken"}
"""Runs in which some networks diverge, and leave every fixed axis."""


def figures(spec):
    return MADE[spec.name].figures(spec)


@cache
def record(spec):
    module, _, name = spec.runner.partition(":")
    schema, *frames = getattr(import_module(module), name)(spec)
    return Recording(schema, [schema.encode(frame) for frame in frames])


@pytest.fixture(params=list(SPECS))
def look(request):
    """A spec and its recording."""
    spec = SPECS[request.param]
    return spec, record(spec)


def variants(spec):
    return VARIANTS if isinstance(spec, NoisyBN) else spec.norms


def _refs(value):
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _refs(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _refs(one)


@pytest.mark.parametrize("frame", [0, -1])
def test_every_reference_fits_the_schema_and_has_data(look, frame):
    spec, recording = look
    for figure in figures(spec):
        for ref in _refs([*figure.traces, figure.layout]):
            shape = recording.schema[ref.name].shape
            assert len(ref.index) <= len(shape), figure.key
            for i, n in zip(ref.index, shape, strict=False):
                assert i is None or i == "layer" or 0 <= i < n, (figure.key, ref)
        for trace in resolve(figure, recording, frame, {"layer": spec.depth - 1})["data"]:
            x, y = np.asarray(trace["x"]), np.asarray(trace["y"])
            assert x.shape == y.shape, figure.key
            assert x.ndim == 1
            assert len(x)


def test_plotly_knows_every_attribute(look):
    spec, recording = look
    for figure in figures(spec):
        go.Figure(resolve(figure, recording, -1))  # raises on what it does not know


def test_every_variant_has_its_colour_in_every_figure(look):
    spec, _ = look
    for figure in figures(spec):
        marks = [trace["meta"].get("variant") for trace in figure.traces]
        assert set(marks) - {None} == set(variants(spec)), figure.key
        for trace, variant in zip(figure.traces, marks, strict=True):
            if variant:
                assert (trace.get("line") or trace["marker"])["color"] == STYLES[variant].colour


def test_axes_are_fixed_and_named(look):
    spec, _ = look
    for figure in figures(spec):
        axes = [axis for name, axis in figure.layout.items() if name[1:].startswith("axis")]
        assert sum(bool(axis.get("title", {}).get("text")) for axis in axes) >= 2, figure.key
        assert not any(axis.get("autorange", True) for axis in axes), figure.key
        assert len(figure.alt) > 50
        assert figure.title


@pytest.mark.parametrize("name", [name for name in SPECS if name not in EMPTY])
def test_axes_hold_what_is_drawn(name):
    spec, recording = SPECS[name], record(SPECS[name])
    for figure in figures(spec):
        whole = resolve(figure, recording, -1)
        for trace in whole["data"]:
            axis = whole["layout"][trace.get("yaxis", "y").replace("y", "yaxis")]
            low, high = (10.0 ** float(end) if axis["type"] == "log" else end for end in axis["range"])
            values = np.asarray(trace["y"], float)
            values = values[np.isfinite(values)]
            inside = (
                (values >= low * (1 - 1e-6)) & (values <= high * (1 + 1e-6))
                if low > 0
                else ((values >= low) & (values <= high))
            )
            # A unit may wander off, and a loss fall below a thousandth; most of a curve is to be seen.
            assert not len(values) or inside.mean() > 0.8, (figure.key, trace.get("name"))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_three_charts_at_first_and_keys_once(spec):
    made = figures(spec)
    assert sum(not one.expert for one in made) == 3
    assert len({one.key for one in made}) == len(made)


def test_the_slopes_that_are_drawn_are_those_of_the_curves():
    spec = SPECS["scale"]
    (figure,) = [one for one in figures(spec) if one.key == "gradient"]
    data = resolve(figure, record(spec), 0)["data"]
    inverse = next(trace for trace in data if trace["name"] == "1/k")
    batch = next(trace for trace in data if trace["meta"] == {"variant": "batch"})
    assert (inverse["y"][0], inverse["y"][-1]) == pytest.approx((batch["y"][0], batch["y"][-1]), rel=5e-3)


def test_the_mark_of_the_drag_lies_on_its_curve():
    spec = SPECS["scale"]
    recording = record(spec)
    for k in (0, 20, 33):
        for figure in (one for one in figures(spec) if one.roles):
            data = resolve(figure, recording, k)["data"]
            for v in range(len(spec.norms)):
                curve, mark = [one for one in data if one["meta"].get("variant") == spec.norms[v]]
                place = list(curve["x"]).index(mark["x"][0])
                assert np.array_equal(curve["y"][place], mark["y"][0], equal_nan=True), figure.key


def test_the_prediction_is_about_batch_norm_and_covers_what_tells_it():
    spec = SPECS["scale"]
    asked = scale.prediction(spec)
    assert asked.to_plain(tuple(figures(spec)))["covers"]
    for ref in asked.measured.values():
        assert lookup(ref, record(spec), -1, {}).shape == ()
    assert lookup(asked.measured["times"], record(spec), 0, {}) == pytest.approx(0.1, rel=1e-3)
    told = {note.id for k in range(3) for note in record(spec).frame(k).notes}
    assert told <= set(asked.notes)
    assert scale.prediction(SPECS["scale"].replace(norms=("none", "layer"))) is None
