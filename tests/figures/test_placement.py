"""The charts of the experiment Placement, resolved on a recording."""

import numpy as np

from normviz.figures.bound import lookup, resolve
from normviz.figures.placement import figures, prediction
from normviz.frames import Frame, Recording
from normviz.specs.placement import Placement

SPEC = Placement(norms=("batch", "layer"), seeds=3, steps=50, every=25)


def _recording():
    recording, draws = Recording(SPEC.schema()), np.random.default_rng(0)
    for step in SPEC.evaluated_steps:
        arrays = {array.name: draws.random(array.shape).astype("f4") for array in SPEC.schema().arrays}
        recording.append(SPEC.schema().encode(Frame(step, arrays)))
    return recording


def test_each_panel_shows_both_places_of_its_norm():
    recording = _recording()
    drawn = resolve(figures(SPEC)[0], recording)
    bold = [one for one in drawn["data"] if one.get("line", {}).get("width") == 2.5]
    assert [(one["legendgroup"], one["line"]["dash"]) for one in bold] == [
        ("batch", "solid"), ("batch", "dot"), ("layer", "solid"), ("layer", "dot"),
    ]  # fmt: skip
    assert [one["xaxis"] for one in bold] == ["x", "x", "x2", "x2"]
    _, median = recording.history("test_accuracy_median")
    for one, (v, p) in zip(bold, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
        assert np.array_equal(one["y"], median[:, v, p])
        assert one["x"].tolist() == [0, 25, 50]


def test_intervals_stand_in_the_row_that_is_named_after_them():
    recording = _recording()
    for figure, of in zip(figures(SPEC)[1:], ("reached", "test_accuracy"), strict=True):
        drawn = resolve(figure, recording)
        axis = drawn["layout"]["yaxis"]
        names = dict(zip(axis["tickvals"], axis["ticktext"], strict=True))
        means = [one for one in drawn["data"] if "error_x" in one]
        assert [names[round(one["y"][0])] for one in means] == [
            "Batch norm, before", "Batch norm, after", "Layer norm, before", "Layer norm, after",
        ]  # fmt: skip
        for one, (v, p) in zip(means, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
            assert one["x"] == recording.at(f"{of}_mean")[v, p]
            assert one["error_x"]["array"] == recording.at(f"{of}_margin")[v, p]


def test_every_chart_has_a_text_alternative_and_fixed_axes():
    for figure in figures(SPEC):
        assert len(figure.alt) > 60
        axes = [axis for name, axis in figure.layout.items() if name[1:5] == "axis"]
        assert all(axis["autorange"] is False for axis in axes)


def test_the_answer_to_the_prediction_is_what_was_measured():
    recording, asked = _recording(), prediction(SPEC)
    numbers = {name: float(lookup(ref, recording, -1, {})) for name, ref in asked.measured.items()}
    mean, margin = recording.at("reached_mean")[0, :, 0], recording.at("reached_margin")[0, :, 0]
    assert numbers == {
        "before": mean[0], "before_margin": margin[0], "after": mean[1], "after_margin": margin[1],
    }  # fmt: skip
    assert asked.answer.format(**numbers)
    assert set(asked.covers) <= {figure.key for figure in figures(SPEC)}
