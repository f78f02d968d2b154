"""The charts of the maps: what they draw is what was recorded, and a cell leads to its run."""

from __future__ import annotations

from urllib.parse import parse_qsl

import numpy as np
import plotly.graph_objects as go
import pytest

from normviz.figures.bound import resolve
from normviz.figures.lr_init import ACCURACY_SCALE, figures
from normviz.figures.theme import BACKGROUNDS, NEUTRAL, STYLES
from normviz.frames import Frame, Recording, Schema
from normviz.lab.experiments.lr_init import run
from normviz.specs.lr_init import LrInit
from normviz.specs.lr_init_frames import LEARNED
from normviz.specs.train import Train

SPECS = {
    "default": LrInit(depth=3, grid=5, steps=50),
    "alone": LrInit(norms=("batch",), depth=1, grid=6, steps=50, gain_low=0.5, gain_high=2.0),
    "six": LrInit(norms=("none", "batch", "layer", "group", "rms", "dyt"), depth=2, grid=5, steps=50),
}


@pytest.fixture(scope="module", params=list(SPECS))
def made(request: pytest.FixtureRequest):
    """A spec and its recording."""
    spec = SPECS[request.param]
    schema, *frames = run(spec, workers=1)
    assert isinstance(schema, Schema)
    return spec, Recording(schema, [schema.encode(one) for one in frames if isinstance(one, Frame)])


def named(spec: LrInit, key: str):
    return next(figure for figure in figures(spec) if figure.key == key)


def test_plotly_knows_every_attribute_at_every_frame(made) -> None:
    spec, recording = made
    for figure in figures(spec):
        for k in (0, len(recording) - 1):
            go.Figure(resolve(figure, recording, k))


def test_the_maps_hold_the_accuracy_of_every_cell(made) -> None:
    spec, recording = made
    for k in (0, len(recording) - 1):
        traces = resolve(named(spec, "maps"), recording, k)["data"]
        drawn = [trace for trace in traces if trace["type"] == "heatmap"]
        assert [trace["meta"]["variant"] for trace in drawn] == list(spec.norms)
        assert len({trace["xaxis"] + trace["yaxis"] for trace in drawn}) == len(spec.norms)
        for v, trace in enumerate(drawn):
            np.testing.assert_array_equal(trace["z"], recording.at("test_accuracy", k)[v])
            assert tuple(trace["x"]) == spec.rates
            assert tuple(trace["y"]) == spec.gains
            assert trace["coloraxis"] == "coloraxis"


def test_dots_and_crosses_stand_in_the_cells_that_they_mark(made) -> None:
    spec, recording = made
    maps = recording.at("test_accuracy")
    traces = resolve(named(spec, "maps"), recording)["data"]
    for v, norm in enumerate(spec.norms):
        marks = [t for t in traces if t["type"] == "scatter" and t["meta"]["variant"] == norm]
        for trace, wanted in zip(marks, (maps[v] > LEARNED, np.isnan(maps[v])), strict=True):
            shown = {(x, y) for x, y in zip(trace["x"], trace["y"], strict=True) if np.isfinite(y)}
            rows, columns = np.nonzero(wanted)
            assert shown == {
                (spec.rates[c], spec.gains[r]) for r, c in zip(rows, columns, strict=True)
            }  # fmt: skip
            assert trace["mode"] == "markers"


def test_the_axes_hold_every_cell_whole(made) -> None:
    spec, _ = made
    layout = named(spec, "maps").layout
    for axis, values in (("xaxis", spec.rates), ("yaxis", spec.gains)):
        low, high = layout[axis]["range"]
        half = (np.log10(values[-1]) - np.log10(values[0])) / (spec.grid - 1) / 2
        assert low == pytest.approx(np.log10(values[0]) - half)
        assert high == pytest.approx(np.log10(values[-1]) + half)
    titles = {layout[name]["title"]["text"] for name in layout if "axis" in name and "title" in layout[name]}
    assert titles == {"Learning rate", "Gain of the initialization"}


def test_a_telephone_gets_the_same_maps_in_fewer_columns(made) -> None:
    spec, _ = made
    layout = named(spec, "maps").layout
    narrow = layout["meta"]["narrow"]
    axes = {name for name in layout if "axis" in name}
    assert axes == {name for name in narrow if "axis" in name}
    columns = len({tuple(narrow[name]["domain"]) for name in narrow if name.startswith("xaxis")})
    assert columns == (1 if len(spec.norms) < 4 else 2)
    assert all(narrow[name].get("range") == layout[name].get("range") for name in axes)


def test_the_door_leads_to_the_run_of_the_cell(made) -> None:
    spec, _ = made
    door = named(spec, "maps").opens
    for norm in spec.norms:
        for rate in spec.rates:
            for gain in (spec.gains[0], spec.gains[-1]):
                page, query = door.to.format(variant=norm, x=rate, y=gain).split("?")
                assert page == "train"
                told, problems = Train.from_query(dict(parse_qsl(query)))
                assert not problems
                assert told == spec.cell(norm, rate, gain)
    said = door.says.format(name="Batch norm", x=0.0215, y=4.64)
    assert said == "Batch norm, learning rate 0.0215, gain 4.64"
    assert door.value.format(z=0.934) == "93.4% of the test samples"


def test_only_the_maps_have_doors(made) -> None:
    spec, _ = made
    plain = {figure.key: figure.to_plain()["opens"] for figure in figures(spec)}
    assert {key for key, opens in plain.items() if opens} == {"maps"}
    assert set(plain["maps"]) == {"to", "says", "value", "nothing"}


def test_curves_are_those_of_the_recording(made) -> None:
    spec, recording = made
    counts = resolve(named(spec, "learned"), recording)["data"]
    best = resolve(named(spec, "best"), recording)["data"]
    for v, norm in enumerate(spec.norms):
        (count,) = [trace for trace in counts if trace["meta"]["variant"] == norm]
        assert tuple(count["x"]) == spec.recorded_steps
        np.testing.assert_array_equal(count["y"], recording.history("learned")[1][:, v])
        by_rate, by_gain = [trace for trace in best if trace["meta"].get("variant") == norm]
        np.testing.assert_array_equal(by_rate["y"], recording.at("best_by_rate")[v])
        np.testing.assert_array_equal(by_gain["y"], recording.at("best_by_gain")[v])
        assert (by_rate["xaxis"], by_gain["xaxis"]) == ("x", "x2")


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_three_charts_each_with_its_words(spec: LrInit) -> None:
    made = figures(spec)
    assert [figure.key for figure in made if not figure.expert] == ["maps", "learned", "best"]
    assert all(figure.alt and figure.title for figure in made)


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_scale_rises_in_lightness_and_belongs_to_no_variant() -> None:
    lightness = [luminance(colour) for _, colour in ACCURACY_SCALE]
    assert lightness == sorted(lightness)
    assert not {colour for _, colour in ACCURACY_SCALE} & {style.colour for style in STYLES.values()}
    dot = "#1d232e"
    assert contrast(dot, ACCURACY_SCALE[-2][1]) > 4.5
    assert all(contrast(NEUTRAL, background) >= 3 for background in BACKGROUNDS.values())
