"""A figure as a PNG or SVG file, drawn by the system's browser through kaleido, which nothing else needs.

What stands around a chart (title, moment, legend, ground) is told by the page elsewhere; here it is put into
the picture, as ``ui/assets/pictures.js`` does in the browser, with the colours and sizes of ``look.js``.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from normviz.export.recipes import ExportError
from normviz.figures.bound import Figure, resolve
from normviz.figures.theme import HEIGHT
from normviz.frames import Recording

_MISSING = "Pictures need kaleido (pip install kaleido) and a Chromium or Chrome from the system's packages."
_WIDTH, _WIDE = 620, 1240  # pixels of a chart on a screen


@cache
def look() -> dict[str, Any]:
    """Colours and sizes of what stands around a chart, as the browser has them."""
    text = files("normviz").joinpath("ui", "assets", "look.js").read_text("utf-8")
    read: dict[str, Any] = json.loads(text.partition("LOOK = ")[2].rstrip().rstrip(";"))
    return read


def drawable() -> None:
    """See that pictures can be drawn here.

    Raises:
        ExportError: kaleido is missing.
    """
    if find_spec("kaleido") is None:
        raise ExportError(_MISSING)


def picture(figure: Figure, recording: Recording, form: str, frame: int = -1) -> bytes:
    """A figure at one frame.

    Raises:
        ExportError: kaleido or a browser is missing.
    """
    drawable()
    import kaleido  # type: ignore[import-untyped]

    made = framed(figure, recording, frame)
    size = {"width": made["layout"]["width"], "height": made["layout"]["height"]}
    try:
        drawn: bytes = kaleido.calc_fig_sync(
            made,
            opts={"format": form, "scale": 1 if form == "svg" else look()["picture"]["scale"], **size},
            kopts={
                "page_generator": kaleido.PageGenerator(mathjax=False)
            },  # else it asks the internet for it
        )
    except Exception as error:
        if "chrome" in f"{type(error).__name__} {error}".lower():
            raise ExportError(_MISSING) from error
        raise
    return drawn


def framed(figure: Figure, recording: Recording, frame: int = -1) -> dict[str, Any]:
    """The drawn figure with everything around it."""
    drawn = resolve(figure, recording, frame)
    layout = drawn["layout"]
    entries = _legend(drawn["data"])
    width = _WIDE if (layout.get("meta") or {}).get("wide") else _WIDTH
    names = sum(60 + 7 * len(drawn["data"][i]["name"]) for i in entries)
    size = look()["picture"]
    words = textwrap.wrap(figure.title, (width - 20) // size["letter"])
    head = size["head"] + size["line"] * len(words)
    above = head + size["line"] * -(-names // (width - 20))
    height = layout.get("height", HEIGHT) + above
    margin = layout.get("margin") or {}
    title = f"<b>{'<br>'.join(words)}</b>"
    moment = _moment(recording, frame)
    told = f'<span style="font-size:{size["moment"]}px">{moment}</span>'
    return {
        "data": [_plain({**trace, "showlegend": i in entries}) for i, trace in enumerate(drawn["data"])],
        "layout": {
            **_plain(layout),
            "template": {"layout": _template()}, "width": width, "height": height,
            "paper_bgcolor": look()["background"],
            "margin": {**margin, "t": margin.get("t", size["margin"]) + above},
            "title": {
                "text": f"{title}<br>{told}" if moment else title,
                "x": size["left"] / width, "xanchor": "left", "y": 1 - size["top"] / height, "yanchor": "top",
                "yref": "container", "font": {"size": size["title"]},
            },
            "showlegend": bool(entries),
            "legend": {
                "orientation": "h", "xref": "container", "yref": "container", "x": size["left"] / width,
                "xanchor": "left", "y": 1 - head / height, "yanchor": "top", "traceorder": "normal",
            },
        },
    }  # fmt: skip


def _legend(data: Sequence[Mapping[str, Any]]) -> list[int]:
    """The traces that stand for what a legend names: the most visible one of each name."""
    found: dict[str, tuple[float, int]] = {}
    for i, trace in enumerate(data):
        width = (trace.get("line") or {}).get("width", 2)
        mode = trace.get("mode")
        bare = mode == "text" or (mode == "lines" and (width == 0 or trace.get("fill")))
        if not trace.get("name") or trace["type"] not in ("scatter", "bar") or bare:
            continue
        weight = trace.get("opacity", 1) * width
        if trace["name"] not in found or weight > found[trace["name"]][0]:
            found[trace["name"]] = (weight, i)
    return [i for _, i in found.values()]


def _moment(recording: Recording, frame: int) -> str:
    if len(recording) < 2:
        return ""
    step = recording.frame(frame).step
    counted = recording.schema.facts.get("cursor")
    return f"{counted['label']} {counted['values'][step]:.6g}" if counted else f"step {step}"


def _template() -> dict[str, Any]:
    """Fonts and colours of the light theme, as ui/assets/theme.js makes them of the page."""
    text, alpha, size = look()["text"], look()["faded"], look()["size"]
    red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))

    def faded(what: str) -> str:
        return f"rgba({red},{green},{blue},{alpha[what]})"

    axis = {
        "gridcolor": faded("grid"), "linecolor": faded("line"), "tickcolor": faded("line"),
        "tickfont": {"color": faded("tick"), "size": size["tick"]}, "showline": True, "zeroline": False,
        "title": {"font": {"color": faded("title"), "size": size["title"]}, "standoff": size["standoff"]},
        "ticks": "outside", "ticklen": size["ticks"], "automargin": False,
    }  # fmt: skip
    return {
        "font": {"family": look()["font"], "color": text, "size": size["text"]},
        "plot_bgcolor": "rgba(0,0,0,0)", "xaxis": axis, "yaxis": axis,
        "annotationdefaults": {"font": {"color": faded("annotation")}},
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Arrays as lists: what travels to the browser."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value
