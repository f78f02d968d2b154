"""The charts of the claims: every reference leads to data of the right shape, and the axes hold them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.figures.bound import Ref, resolve
from normviz.figures.claims import FIGURES, figures
from normviz.frames import Frame, Recording
from normviz.lab.experiments.claims import run
from normviz.specs.claims import Claims
from normviz.ui.claims import cards

SPEC = Claims(seeds=2, steps=50, epochs=1, width=32)


@cache
def record() -> Recording:
    spec = SPEC
    schema = spec.schema()
    return Recording(schema, [schema.encode(frame) for frame in run(spec) if isinstance(frame, Frame)])


def refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from refs(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from refs(one)


def test_every_reference_fits_the_schema_and_has_data() -> None:
    recording = record()
    for figure in figures(SPEC):
        assert list(refs(list(figure.traces))), figure.key
        for ref in refs([*figure.traces, figure.layout]):
            shape = recording.schema[ref.name].shape
            assert all(0 <= i < n for i, n in zip(ref.index, shape, strict=False)), ref  # type: ignore
        for trace in resolve(figure, recording)["data"]:
            assert len(trace["x"]) == len(trace["y"]), figure.key
            assert np.isfinite(np.asarray([v for v in trace["x"] if not isinstance(v, str)], float)).all()


def test_before_anything_is_measured_they_are_empty() -> None:
    recording = record()
    start = Recording(recording.schema, [recording.data(0)])
    for figure in figures(SPEC):
        drawn = resolve(figure, start)["data"]
        assert any(len(trace["y"]) == 0 or len(trace["x"]) == 0 for trace in drawn), figure.key


def test_plotly_knows_every_attribute() -> None:
    for figure in figures(SPEC):
        drawn = resolve(figure, record())
        go.Figure({"data": drawn["data"], "layout": {**drawn["layout"]}})


def test_what_is_drawn_lies_within_fixed_axes() -> None:
    for figure in figures(SPEC):
        drawn = resolve(figure, record())
        for name, axis in (("x", "xaxis"), ("y", "yaxis")):
            plan = drawn["layout"][axis]
            if "range" not in plan or plan["type"] == "category":
                continue
            low, high = plan["range"]
            for trace in drawn["data"]:
                values = np.asarray(trace[name], float)
                values = np.log10(values) if plan["type"] == "log" else values
                beyond = 0.2 if trace.get("fill") or trace["line"].get("width") == 0 else 1e-9
                assert (values >= low - beyond).all(), figure.key
                assert (values <= high + beyond).all(), figure.key


@pytest.mark.parametrize("number", FIGURES)
def test_each_figure_belongs_to_its_card_and_says_what_it_shows(number: int) -> None:
    (figure,) = figures(Claims(claim=str(number)))
    assert figure.layout["meta"]["card"] in {card["key"] for card in cards(SPEC)} & {str(number)}
    assert len(figure.alt) > 60
    assert figure.title
    assert not any(math.isnan(v) for v in figure.layout["margin"].values())


def test_curves_hold_the_numbers_of_the_rule() -> None:
    recording = record()
    by_key = {figure.key: figure for figure in figures(SPEC)}
    mean = [t for t in resolve(by_key["claim_4"], recording)["data"] if "markers" in t["mode"]]
    for v, trace in enumerate(mean):
        assert np.allclose(trace["y"], recording.at("c4_accuracy")[:, v].mean(0), atol=1e-6)
    bars = resolve(by_key["claim_7"], recording)["data"][-1]
    errors = recording.at("c7_error")
    assert np.allclose(bars["x"], errors.mean(0), rtol=1e-5)
    assert np.allclose(bars["error_x"]["array"], errors.std(0, ddof=1), rtol=1e-4)
