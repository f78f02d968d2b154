"""Pictures: a chart with the title, the moment and the legend that the page gives it elsewhere."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from normviz.export import ExportError, pictures
from normviz.figures.bound import Figure, history, steps
from normviz.figures.theme import band, layout, line
from normviz.frames import Array, Frame, Recording, Schema


@pytest.fixture
def recording() -> Recording:
    schema = Schema((Array("loss", (2,), "f4", ("seed",)),))
    frames = [Frame(5 * k, {"loss": np.array([k, 2 * k], "<f4")}) for k in range(4)]
    return Recording(schema, [schema.encode(frame) for frame in frames])


def chart() -> Figure:
    x = steps("loss")
    thin = line(x, history("loss", 0), "batch", width=1, opacity=0.4)
    spread = band(x, history("loss", 0), history("loss", 1), "batch")
    title = "A title that is so long that it takes two lines above a chart of ordinary width, as some do"
    plan = layout("Training step", "Loss (nats)")
    return Figure("loss", title, (thin, *spread, line(x, history("loss", 1), "batch")), plan, "alt")


def test_the_legend_names_each_variant_once_by_its_boldest_line(recording: Recording) -> None:
    made = pictures.framed(chart(), recording)
    assert [trace["showlegend"] for trace in made["data"]] == [False, False, False, True]
    assert made["layout"]["title"]["text"].count("<br>") == 2
    assert "step 15" in made["layout"]["title"]["text"]
    assert made["data"][3]["y"] == [0, 2, 4, 6]
    assert made["layout"]["margin"]["t"] - chart().layout["margin"]["t"] == made["layout"]["height"] - 300


@pytest.mark.browser
def test_a_drawing_holds_its_words(recording: Recording) -> None:
    drawn = pictures.picture(chart(), recording, "svg")
    words = "".join(ET.fromstring(drawn).itertext())
    assert all(one in words for one in ("so long", "step 15", "Batch norm", "Loss (nats)"))


def test_without_kaleido_a_sentence_says_what_to_install(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    with pytest.raises(ExportError, match="pip install kaleido"):
        pictures.picture(chart(), recording, "png")
