"""Colour, dash and marker: told apart by everyone, on both backgrounds, and with one meaning."""

from __future__ import annotations

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.figures import theme
from normviz.figures.bound import Figure, now
from normviz.figures.theme import BACKGROUNDS, NEUTRAL, STYLES

CONFIG = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())


def linear(colour: str) -> NDArray[np.float64]:
    """Linear RGB of "#rrggbb"."""
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast after WCAG 2."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted((float(weights @ linear(one)), float(weights @ linear(other))))
    return (high + 0.05) / (low + 0.05)


# Severe deficiency.  Source: Machado, Oliveira & Fernandes 2009, table 1 (severity 1.0).
SIGHT = {
    "full": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(colour: str, sight: str) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of a colour as it is seen."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) / np.array([[0.95047], [1.0], [1.08883]])
    x, y, z = np.cbrt(to_xyz @ np.clip(SIGHT[sight] @ linear(colour), 0, 1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_norm_has_a_style() -> None:
    assert set(STYLES) == {*NORMS, "noisy_batch"}


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("name", [*STYLES, "neutral"])
def test_every_colour_stands_out(name: str, background: str) -> None:
    colour = STYLES[name].colour if name in STYLES else NEUTRAL
    assert contrast(colour, BACKGROUNDS[background]) >= 3


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_the_backgrounds_are_those_of_the_site(background: str) -> None:
    assert CONFIG["theme"][background]["backgroundColor"] == BACKGROUNDS[background]
    assert contrast(CONFIG["theme"][background]["textColor"], BACKGROUNDS[background]) >= 7
    assert contrast(CONFIG["theme"][background]["primaryColor"], BACKGROUNDS[background]) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
def test_the_usual_four_are_told_apart_by_colour_alone(sight: str) -> None:
    for one, other in combinations(("none", "batch", "layer", "group"), 2):
        difference = np.linalg.norm(lab(STYLES[one].colour, sight) - lab(STYLES[other].colour, sight))
        assert difference > 15, f"{one} and {other}: {difference:.0f}"


def test_all_have_markers_of_their_own() -> None:
    symbols = [style.symbol for style in STYLES.values()]
    assert len(set(symbols)) == len(symbols)


@pytest.mark.parametrize("sight", SIGHT)
def test_what_looks_alike_has_another_dash(sight: str) -> None:
    """Whoever cannot tell two colours apart can tell their lines apart, without a marker too."""
    least = 30 if sight == "full" else 20
    for one, other in combinations(STYLES.values(), 2):
        near = np.linalg.norm(lab(one.colour, sight) - lab(other.colour, sight)) < least
        assert not near or one.dash != other.dash, f"{one.label} and {other.label}"


def hue(colour: str) -> float:
    """Angle in the a*b* plane, degrees."""
    _, a, b = lab(colour, "full")
    return float(np.degrees(np.arctan2(b, a)) % 360)


@pytest.mark.parametrize("name", [name for name in NORMS if name != "none"])
def test_hue_says_whether_batch_mates_matter(name: str) -> None:
    """Warm (red to yellow) for those that look at the batch while training; nothing else is warm."""
    warm = hue(STYLES[name].colour) < 90
    assert warm == (NORMS[name].family == "batch")


def test_traces_carry_their_variant() -> None:
    x, y = now("x"), now("y")
    made = [
        theme.line(x, y, "batch"),
        *theme.band(x, y, y, "batch"),
        theme.bar(x, y, "batch"),
        theme.heatmap(y, "batch", zmax=1),
    ]
    for trace in made:
        assert trace["meta"]["variant"] == trace["legendgroup"] == "batch"
        assert not trace["showlegend"] if "showlegend" in trace else trace["type"] == "heatmap"


def test_small_multiples_have_axes_of_their_own_and_outer_labels() -> None:
    counts = {name: now("hist", i) for i, name in enumerate(("none", "batch", "layer"))}
    traces, plan = theme.histogram_heatmap(
        counts, bins=now("bins"), layers=now("layers"), zmax=9, x_title="Value", x_range=(-1, 1)
    )
    assert [trace["xaxis"] for trace in traces] == ["x", "x2", "x3"]
    domains = [(plan[f"xaxis{i}"]["domain"], plan[f"yaxis{i}"]["domain"]) for i in ("", 2, 3)]
    for (x1, y1), (x2, y2) in combinations(domains, 2):
        assert x1[1] < x2[0] or x2[1] < x1[0] or y1[1] < y2[0] or y2[1] < y1[0], "panels do not overlap"
    assert [plan[f"xaxis{i}"]["showticklabels"] for i in ("", 2, 3)] == [False, True, True]
    assert [note["text"] for note in plan["annotations"]] == [STYLES[name].label for name in counts]
    Figure("maps", "Maps", traces, plan, "alt").to_plain()


def test_limits_are_in_data_units_on_logarithmic_axes_too() -> None:
    plan = theme.layout("Step", "Loss", y_log=True, x_range=(0, 5), y_range=(1e-3, 10))
    assert plan["yaxis"]["range"] == pytest.approx([-3, 1])
    assert plan["xaxis"]["range"] == [0, 5]
