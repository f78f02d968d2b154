"""The charts of the forgotten eval(): every reference leads to data of the right shape, at every moment."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.figures.bound import Ref, resolve
from normviz.figures.forgotten_eval import figures
from normviz.figures.theme import STYLES
from normviz.frames import Recording
from normviz.lab.experiments.forgotten_eval import run
from normviz.specs.forgotten_eval import ForgottenEval

SPECS = {
    "batch": ForgottenEval(epochs=1, width=32, depth=2, seeds=2),
    "layer": ForgottenEval(epochs=1, width=32, depth=1, seeds=1, norm="layer", deploy_batch=2),
    "cnn": ForgottenEval(epochs=1, network="cnn", depth=1, seeds=1, norm="ghost_batch", batch_size=64),
}


@pytest.fixture(scope="module", params=list(SPECS))
def course(request):
    """A spec and its recording."""
    spec = SPECS[request.param]
    frames = run(spec)
    recording = Recording(next(frames))
    for frame in frames:
        recording.append(recording.schema.encode(frame))
    return spec, recording


def refs(value):
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from refs(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from refs(one)


def moments(recording):
    return (0, 3, len(recording) // 2, len(recording) - 20, len(recording) - 1)


def test_every_reference_fits_the_schema(course):
    spec, recording = course
    for figure in figures(spec):
        for ref in refs([*figure.traces, figure.layout]):
            shape = recording.schema[ref.name].shape
            assert len(ref.index) <= len(shape), figure.key
            for i, n in zip(ref.index, shape, strict=False):
                assert i is None or (n == spec.depth if i == "layer" else 0 <= i < n), (figure.key, ref)


def test_shapes_agree_at_every_moment(course):
    spec, recording = course
    for k in moments(recording):
        for figure in figures(spec):
            for layer in (0, spec.depth - 1):
                for trace in resolve(figure, recording, k, {"layer": layer})["data"]:
                    check_shapes(figure.key, trace)


def check_shapes(key, trace):
    if trace["type"] == "heatmap":
        z = np.asarray(trace["z"])
        if z.size:  # it is measured by now
            assert z.ndim == 2, key
            assert "x" not in trace or z.shape[1] == len(trace["x"]), key
            assert "y" not in trace or z.shape[0] == len(trace["y"]), key
            assert "text" not in trace or np.shape(trace["text"]) == z.shape, key
        return
    x, y = np.asarray(trace["x"]), np.asarray(trace["y"])
    if x.size and y.size:
        assert x.shape == y.shape, key
        for bars in ("error_x", "error_y"):
            assert bars not in trace or np.shape(trace[bars]["array"]) == y.shape, key
        if isinstance(trace.get("text"), np.ndarray):
            assert trace["text"].shape == y.shape
            assert trace["marker"]["color"].shape == y.shape


def test_in_the_end_every_figure_shows_something(course):
    spec, recording = course
    for figure in figures(spec):
        shown = [
            np.isfinite(np.asarray(lookup, float)).any()
            for trace, plain in zip(resolve(figure, recording)["data"], figure.traces, strict=True)
            for name, lookup in trace.items()
            if name in ("x", "y", "z") and isinstance(plain[name], Ref)
        ]
        # Only labels that change can be missing: without batch statistics there are none.
        assert any(shown) or (figure.key == "changed_labels" and spec.norm == "layer"), figure.key


def test_plotly_knows_every_attribute(course):
    spec, recording = course
    for k in moments(recording):
        for figure in figures(spec):
            go.Figure(resolve(figure, recording, k))  # raises on what it does not know


def test_every_array_of_the_schema_is_drawn(course):
    spec, recording = course
    drawn = {ref.name for figure in figures(spec) for ref in refs(figure.traces)}
    named = {array.name for array in recording.schema.arrays}
    left_out = {name for name in named if f"{name}_spread" in named} | {"eval_error", "flip_share"}
    if spec.norm == "layer":  # keeps no statistics, so there is nothing of them to draw
        of_them = ("running", "batch", "pass", "after", "opposite", "domain", "tuned", "keep")
        left_out |= {name for name in named if name.startswith(of_them)}
    assert named - drawn == left_out - {"loss"}


def test_the_chart_says_that_torch_refuses_a_batch_of_one_where_it_does(course):
    spec, recording = course
    hero = next(figure for figure in figures(spec) if figure.key == "error_by_batch_size")
    says_so = any("refuses" in one["text"] for one in hero.layout.get("annotations", ()))
    assert says_so == np.isnan(recording.at("shuffled")[:, 0]).all()


def test_three_figures_come_first_and_keys_are_unique():
    made = figures(ForgottenEval())
    assert [figure.expert for figure in made] == [False] * 3 + [True] * (len(made) - 3)
    assert len({figure.key for figure in made}) == len(made)


def test_a_variant_has_one_colour(course):
    spec, _ = course
    for figure in figures(spec):
        assert len(figure.alt) > 40
        for trace in figure.traces:
            norm = trace.get("meta", {}).get("variant")
            if norm is None:
                continue
            assert norm in (spec.norm, *spec.others)
            if trace["type"] == "scatter" and "lines" in trace["mode"]:
                assert trace["line"]["color"] == STYLES[norm].colour
