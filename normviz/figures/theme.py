"""What colour, dash and marker mean, and the parts from which figures are put together.

Colour says whether a normalization looks at batch-mates while training: warm hues do (batch norm and its
kin), cool hues do not (layer norm and its kin), purple ones leave the activations alone (they act on
weights or point by point), grey is no normalization.  Every variant has a dash and a marker of its own, so no
figure depends on colour alone; where a dash means something else, lines carry their variant's marker
(``marked``).  Every colour stands out on both backgrounds (contrast at least 3).

Conventions between figures and the stage (``ui/assets``):

* A trace that belongs to a variant carries ``meta={"variant": <norm>}`` and ``legendgroup=<norm>``.  The
  stage's one legend, drawn from these, shows and hides a variant in every chart.  ``line``, ``band``,
  ``bar`` and ``histogram_heatmap`` set both; traces made by hand add ``**variant(norm)``.
* ``meta={"ghost": False}`` keeps a line trace from being left behind in grey after a change of settings
  (``line(..., ghost=False)``); all other line traces of a figure are.
* A trace with a fixed look of its own (theory, a reference) has no variant.
* Colours of text, grid and background are the stage's: it follows light and dark.  Figures leave fonts,
  ``paper_bgcolor``, ``plot_bgcolor`` and grid colours alone.
* ``layout`` fixes the height (pixels) and, wherever the range is known, the axes: fixed axes are shared by
  all variants and much faster to draw.  Plotly's own legend is off.
* ``layout.meta`` is for the stage: ``wide`` takes a whole row, ``double`` two places where there are two;
  ``narrow`` holds what stands in the layout instead on a telephone (the panels in fewer columns).
* An axis with the role "layer" is numeric: layer i, counted from 0 in arrays and in the cursor "layer", is
  drawn at ``schema.labels["layer"][i]`` where the schema has numeric labels, else at i + 1.  A role given
  for "x" or "y" holds for every panel of that figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normviz.catalog.norms import NORMS
from normviz.figures.bound import Ref, now
from normviz.phrases import phrase

Data = Ref | Sequence[Any]
"""What a trace is drawn from: a reference into the recording, or plain values."""


@dataclass(frozen=True)
class Style:
    """How one variant is drawn, in every chart.

    ``dash`` and ``symbol`` are Plotly's names, or of a dash the lengths of strokes and gaps.
    """

    colour: str
    dash: str
    symbol: str
    label: str


_LOOKS = {
    "none": ("#6e6e6e", "dot", "x-thin-open"),
    # Output depends on batch-mates while training: warm.
    "batch": ("#d55e00", "solid", "circle"),
    "batch_renorm": ("#b8860b", "14px,4px", "circle-open"),
    "ghost_batch": ("#a0522d", "20px,4px,4px,4px", "circle-x"),
    # Each sample for itself: cool.
    "layer": ("#0072b2", "dash", "square"),
    "group": ("#0aa06a", "dashdot", "diamond"),
    "instance": ("#0097a7", "3px,7px", "triangle-up"),
    "rms": ("#5c6bc0", "longdashdot", "square-open"),
    "frn": ("#1e88e5", "9px,3px,3px,3px,3px,3px", "triangle-down"),
    # Acts on weights or point by point: purple.
    "weight_norm": ("#a24cc8", "6px,3px", "star"),
    "weight_standardization": ("#7e57c2", "9px,3px,9px,9px", "hexagon"),
    "dyt": ("#b04a9e", "15px,3px,3px,3px,3px,3px", "cross"),
    # No norm of its own, but a variant of an experiment; it looks at batch-mates, too.
    "noisy_batch": ("#d6336c", "4px,3px,12px,3px", "diamond-open"),
}

_LABELS = {
    "none": "No normalization",  # "None" alone would say nothing in a legend
    "noisy_batch": "Batch norm with noise",
}

STYLES: dict[str, Style] = {
    name: Style(*look, label=_LABELS.get(name) or NORMS[name].label) for name, look in _LOOKS.items()
}
"""Look of every normalization, by its name in the catalog, and of variants that are none of these."""

NEUTRAL = "#808080"
"""References, theory, healthy bands: visible on light and dark, and no variant's colour."""

BACKGROUNDS = {"light": "#ffffff", "dark": "#12161c"}
"""Backgrounds of the two themes (the same as in ``.streamlit/config.toml``)."""

HEIGHT = 300
"""Pixels of an ordinary chart."""


MARKS = 8
"""Markers along a line, about, that only tell whose it is."""


def variant(norm: str) -> dict[str, Any]:
    """The marks by which the stage knows that a trace belongs to a variant."""
    return {"meta": {"variant": norm}, "legendgroup": norm, "name": STYLES[norm].label}


def faded(norm: str, alpha: float) -> str:
    """The variant's colour with the given opacity."""
    colour = STYLES[norm].colour
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def colorscale(norm: str) -> list[list[Any]]:
    """Sequential scale for counts: from the background, whichever it is, to the variant's hue."""
    return [[0.0, faded(norm, 0)], [0.25, faded(norm, 0.45)], [1.0, faded(norm, 1)]]


# --- traces ---------------------------------------------------------------------------------------


def line(
    x: Data,
    y: Data,
    norm: str,
    *,
    panel: int = 1,
    markers: bool = False,
    width: float = 2,
    opacity: float = 1,
    ghost: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """A line of one variant, ``panel`` counted from 1 as in ``layout(panels=…)``.

    With several seeds, draw one thin line each (``width=1, opacity=0.4, ghost=False``) beneath their mean,
    or a ``band``.  ``more`` goes to Plotly's trace unchanged (``hovertemplate``, ``name`` …).
    """
    style = STYLES[norm]
    marks = variant(norm)
    if not ghost:
        marks["meta"] = {**marks["meta"], "ghost": False}
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines+markers" if markers else "lines",
        "line": {"color": style.colour, "dash": style.dash, "width": width},
        "marker": {
            "color": style.colour,
            "symbol": style.symbol,
            "size": 7,
            "line": {"width": 1.5, "color": style.colour},
        },
        "opacity": opacity,
        "showlegend": False,
        **marks,
        **_on(panel),
        **more,
    }


def marked(trace: dict[str, Any]) -> dict[str, Any]:
    """The line with a few of its variant's markers, for where its dash means something else."""
    return {**trace, "mode": "lines+markers", "marker": {**trace["marker"], "maxdisplayed": MARKS}}


def band(
    x: Data, low: Data, high: Data, norm: str, *, panel: int = 1
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The area between two curves of one variant (the spread over seeds): two traces, in this order."""
    bare: dict[str, Any] = {"mode": "lines", "ghost": False, "hoverinfo": "skip", "width": 0, "panel": panel}
    lower = line(x, low, norm, **bare)
    upper = line(x, high, norm, fill="tonexty", fillcolor=faded(norm, 0.18), **bare)
    return lower, upper


def bar(x: Data, y: Data, norm: str, *, panel: int = 1, **more: Any) -> dict[str, Any]:
    """Bars of one variant."""
    marker = {"color": faded(norm, 0.75), "line": {"color": STYLES[norm].colour, "width": 1}}
    return {
        "type": "bar", "x": x, "y": y, "marker": marker, "showlegend": False,
        **variant(norm), **_on(panel), **more,
    }  # fmt: skip


def reference(
    x: Data, y: Data, name: str, *, says: str = "", panel: int = 1, dash: str = "dash", **more: Any
) -> dict[str, Any]:
    """A line that belongs to no variant: theory, chance level, a target.

    ``says`` is what stands under the pointer, in Plotly's templates; else its name.
    """
    if more.get("hoverinfo") != "skip":
        more["hovertemplate"] = phrase("{words}<extra></extra>", words=says or name)
    return {
        "type": "scatter", "x": x, "y": y, "mode": "lines", "name": name, "showlegend": False,
        "line": {"color": NEUTRAL, "dash": dash, "width": 1.5}, "meta": {"ghost": False},
        **_on(panel), **more,
    }  # fmt: skip


def heatmap(
    z: Ref,
    norm: str,
    *,
    x: Data | None = None,
    y: Data | None = None,
    zmax: float | Ref,
    panel: int = 1,
    **more: Any,
) -> dict[str, Any]:
    """Counts of one variant as a map in its hue.  ``zmax`` is the count that gets the full colour.

    Shapes: z [len(y), len(x)].
    """
    places = {name: values for name, values in (("x", x), ("y", y)) if values is not None}
    return {
        "type": "heatmap", "z": z, **places, "zmin": 0, "zmax": zmax, "colorscale": colorscale(norm),
        "showscale": False, "zsmooth": False, **variant(norm), **_on(panel), **more,
    }  # fmt: skip


def _on(panel: int) -> dict[str, str]:
    suffix = "" if panel == 1 else str(panel)
    return {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}


# --- layouts --------------------------------------------------------------------------------------


def layout(
    x_title: str,
    y_title: str,
    *,
    x_log: bool = False,
    y_log: bool = False,
    x_range: tuple[Any, Any] | None = None,
    y_range: tuple[Any, Any] | None = None,
    height: int = HEIGHT,
    panels: Sequence[str] = (),
    columns: int = 2,
    gap: float = 0.16,
    **more: Any,
) -> dict[str, Any]:
    """The layout of a figure: one panel, or a grid of small multiples that share their axes.

    Titles carry units ("Training step", "Loss (nats)").  Ranges are in data units on logarithmic axes too.
    ``panels`` are the titles of the small multiples, row by row; panel i (from 1) has the axes xi, yi.
    ``gap`` is the share of the height between two rows of them.
    ``more`` goes to Plotly's layout unchanged (``shapes=[healthy(…)]``).
    """
    x = _axis(x_log, x_range)
    y = _axis(y_log, y_range)
    plan: dict[str, Any] = {
        "height": height,
        "showlegend": False,
        "hovermode": "closest",
        "margin": {"l": 56, "r": 16, "t": 14 if not panels else 26, "b": 44},
    }
    if panels:
        plan.update(_grid(panels, columns, gap, x, y, x_title, y_title))
    else:
        plan.update(xaxis={**x, "title": {"text": x_title}}, yaxis={**y, "title": {"text": y_title}})
    return {**plan, **more}


def _axis(log: bool, limits: tuple[Any, Any] | None) -> dict[str, Any]:
    axis: dict[str, Any] = {"type": "log" if log else "linear", "autorange": True}
    if log:
        axis["exponentformat"] = "power"
        axis["tickfont"] = {"size": 9}  # Plotly writes powers a quarter larger than other numbers
        axis["dtick"] = 1 if limits and math.log10(limits[1] / limits[0]) < 7 else None
    if limits is not None:
        axis["range"] = [math.log10(limit) if log else limit for limit in limits]
        axis["autorange"] = False
    return {key: value for key, value in axis.items() if value is not None}


def _grid(
    panels: Sequence[str],
    columns: int,
    gap: float,
    x: dict[str, Any],
    y: dict[str, Any],
    x_title: str,
    y_title: str,
) -> dict[str, Any]:
    """Axes and titles of small multiples; only the outer ones carry ticks' labels and titles."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    gap_x, gap_y = 0.06, gap if rows > 1 else 0.0
    wide, high = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / rows
    plan: dict[str, Any] = {}
    titles = []
    for i, title in enumerate(panels):
        row, column = divmod(i, columns)
        left, top = column * (wide + gap_x), 1 - row * (high + gap_y)
        suffix = "" if i == 0 else str(i + 1)
        lowest = i + columns >= len(panels)
        plan[f"xaxis{suffix}"] = {
            **x, "domain": [left, left + wide], "anchor": f"y{suffix}", "showticklabels": lowest,
            **({"matches": "x"} if i else {}),
            **({"title": {"text": x_title}} if lowest else {}),
        }  # fmt: skip
        plan[f"yaxis{suffix}"] = {
            **y, "domain": [max(0.0, top - high), top], "anchor": f"x{suffix}", "showticklabels": column == 0,
            **({"matches": "y"} if i else {}),
            **({"title": {"text": y_title}} if column == 0 else {}),
        }  # fmt: skip
        titles.append(
            {
                "text": title, "x": left, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left",
                "yanchor": "bottom", "showarrow": False, "font": {"size": 12},
            }
        )  # fmt: skip
    return {**plan, "annotations": titles}


def reach(axis: dict[str, Any], name: str) -> None:
    """Let a logarithmic axis reach as far as the recording says: ``span_<name>`` holds low, high and tick."""
    low, high, tick = (now(f"span_{name}", i) for i in range(3))
    axis.update(range=[low, high], autorange=False, tick0=0, dtick=tick)


def healthy(axis: str, low: float, high: float, *, panel: int = 1) -> dict[str, Any]:
    """A shape for ``layout(shapes=[…])``: the band of values that are as they should be.

    ``axis`` is "x" or "y"; the limits are in data units.
    """
    suffix = "" if panel == 1 else str(panel)
    other = "y" if axis == "x" else "x"
    return {
        "type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": NEUTRAL, "opacity": 0.15,
        f"{axis}ref": f"{axis}{suffix}", f"{axis}0": low, f"{axis}1": high,
        f"{other}ref": f"{other}{suffix} domain", f"{other}0": 0, f"{other}1": 1,
    }  # fmt: skip


def moment(x: float, text: str, *, panel: int = 1, foot: bool = False) -> dict[str, Any]:
    """A shape for ``layout(shapes=[…])``: a dotted line where something happens, with its name.

    The name stands at the upper end of the line, or at its ``foot``.
    """
    suffix = "" if panel == 1 else str(panel)
    end, anchor = ("start", "bottom") if foot else ("end", "top")
    return {
        "type": "line", "x0": x, "x1": x, "xref": f"x{suffix}", "y0": 0, "y1": 1, "yref": f"y{suffix} domain",
        "line": {"color": NEUTRAL, "dash": "dot", "width": 1.5},
        "label": {
            "text": text, "textangle": 0, "textposition": end, "xanchor": "left", "yanchor": anchor,
            "font": {"size": 11},
        },
    }  # fmt: skip


OF_A_VALUE = "layer %{y}, value %{x:.2f}: %{z} values"
OF_A_LAYER = "layer %{y}: %{z} values"
"""What a cell of a histogram says; the latter if the other axis has only the numbers of the bins."""


def histogram_heatmap(
    counts: Mapping[str, Ref],
    *,
    bins: Data,
    layers: Data,
    zmax: float | Ref,
    x_title: str,
    y_title: str = "Layer",
    height: int = 340,
    columns: int = 2,
    x_range: tuple[float, float] | None = None,
    told: str = OF_A_VALUE,
    **more: Any,
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Histograms of every layer as maps, one panel for each variant in its hue: traces and layout.

    ``counts`` gives for each norm a reference of shape [layer, bin]; ``bins`` the centres of the bins and
    ``layers`` the numbers of the layers (1, 2 …).  Give the figure ``roles={"y": "layer"}``.
    ``told`` is what a cell says under the pointer; ``more`` goes to Plotly's layout unchanged.
    """
    traces = tuple(
        heatmap(ref, norm, x=bins, y=layers, zmax=zmax, panel=i, hovertemplate=told)
        for i, (norm, ref) in enumerate(counts.items(), start=1)
    )
    titles = [STYLES[norm].label for norm in counts]
    plan = layout(
        x_title, y_title, x_range=x_range, height=height, panels=titles, columns=columns, **more
    )  # fmt: skip
    return traces, plan
