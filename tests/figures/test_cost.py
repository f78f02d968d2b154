"""The charts of the experiment Cost."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.figures.bound import resolve
from normviz.figures.cost import figures, ratios
from normviz.figures.theme import STYLES
from normviz.frames import Frame, Recording
from normviz.specs.cost import NormCost
from normviz.specs.step_cost import StepCost, Timed

SPECS = [
    NormCost(), NormCost(network="mlp", norms=("batch",)), StepCost(),
    StepCost(network="rnn", dataset="digits_rows", norms=("none", "layer")),
]  # fmt: skip


def recording(spec: Timed) -> Recording:
    """A made-up one."""
    draw, n, schema = np.random.default_rng(0), len(spec.measured), spec.schema()
    frames = [
        Frame(
            done,
            {
                "ratio": draw.uniform(1, 2, (n, 1)).astype("f4"),
                "quartiles": draw.uniform(1, 2, (n, 2)).astype("f4"),
                "microseconds": draw.uniform(100, 200, (n, 1)).astype("f4"),
            },
        )
        for done in (1, 2, 3)
    ]
    return Recording(schema, [schema.encode(frame) for frame in frames])


@pytest.mark.parametrize("spec", SPECS, ids=["all", "one", "race", "rnn"])
def test_every_bar_is_the_measured_number(spec: Timed) -> None:
    told = recording(spec)
    for k in range(3):
        drawn = resolve(ratios(spec), told, k)["data"]
        bars = [trace for trace in drawn if trace["type"] == "bar"]
        assert [trace["y"] for trace in bars] == [[STYLES[norm].label] for norm in spec.measured]
        assert np.array_equal([trace["x"][0] for trace in bars], told.at("ratio", k)[:, 0])
        reaches = [trace for trace in drawn if trace["type"] == "scatter" and "variant" in trace["meta"]]
        assert np.array_equal([trace["x"] for trace in reaches], told.at("quartiles", k))


@pytest.mark.parametrize("spec", [NormCost(), StepCost()], ids=["cost", "step"])
def test_plotly_knows_every_attribute_and_every_chart_has_words(spec: Timed) -> None:
    for figure in figures(spec):
        go.Figure(resolve(figure, recording(spec), 2))
        assert len(figure.alt) > 60
        names = figure.layout["yaxis"].get("categoryarray")
        assert names is None or names == [STYLES[norm].label for norm in spec.measured]
