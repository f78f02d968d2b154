"""Every chart of every experiment in every format."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import math
import re
from itertools import islice
from pathlib import Path

import plotly.graph_objects as go
import pytest

from normviz.export import pictures, tables
from normviz.exporting import figures_of, files
from normviz.frames import Recording
from normviz.lab.runs import record
from normviz.specs.cost import NormCost
from normviz.specs.step_cost import StepCost, Timed
from normviz.ui.stage import STAGED
from tests.export.shipped import shipped

NAMES = sorted(STAGED)


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_a_table(name: str) -> None:
    _, recording, figures = shipped(name)
    for figure in figures:
        assert_is_table(figure.key, tables.csv(figure, recording))


def assert_is_table(key: str, text: str) -> None:
    """Rows under one head, with a number in them; the first ones are looked at."""
    head, *rows = islice(csv.reader(io.StringIO(text)), 1000)
    assert rows, key
    assert all(len(row) == len(head) for row in rows), key
    assert any(is_number(one) for row in rows for one in row[1:]), key


def is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_a_picture_that_plotly_accepts(name: str) -> None:
    _, recording, figures = shipped(name)
    for figure in figures:
        for frame in (0, -1):
            made = pictures.framed(figure, recording, frame)
            json.dumps(made)
            assert go.Figure(made).layout.title.text.startswith("<b>"), figure.key  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_run_is_a_file_with_every_chart_and_frame(name: str) -> None:
    spec, recording, figures = shipped(name)
    [(_, data)] = files(spec, "html", Path("run.html"), [], "python -m normviz run", lambda _: recording)
    text = data.decode()
    held = re.search(r'<script id="recording"[^>]*>(.*?)</script>', text, re.S)
    assert held
    read, _ = Recording.from_bytes(gzip.decompress(base64.b64decode(held[1])))
    assert len(read) == len(recording)
    played = re.search(r'<script id="played"[^>]*>(.*?)</script>', text, re.S)
    assert played
    assert {one["key"] for one in json.loads(played[1])["figures"]} == {figure.key for figure in figures}


@pytest.mark.parametrize(
    "spec",
    [
        NormCost(norms=("none", "batch"), network="mlp", rounds=5, batch_size=8),
        StepCost(norms=("none", "batch"), rounds=5, batch_size=8),
    ],
    ids=lambda spec: spec.name,
)
def test_the_cost_is_exported_too(spec: Timed) -> None:
    recording = record(spec)
    for figure in figures_of(spec, []):
        assert_is_table(figure.key, tables.csv(figure, recording))
        go.Figure(pictures.framed(figure, recording))  # type: ignore[no-untyped-call]
