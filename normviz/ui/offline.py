"""A run as one file that opens without this site: the stage's own modules, and the colours of its themes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from normviz import __version__
from normviz.export.html import Player, html
from normviz.figures.bound import Figure
from normviz.frames import Recording
from normviz.spec import Spec
from normviz.ui import static
from normviz.ui.playable import SHEETS, playable
from normviz.ui.settings import settings

_ROOT = Path(__file__).resolve().parents[2]
_ENTRY = "offline.js"
_COLOURS = {
    "primaryColor": "--st-primary-color",
    "backgroundColor": "--st-background-color",
    "secondaryBackgroundColor": "--st-secondary-background-color",
    "textColor": "--st-text-color",
    "linkColor": "--st-link-color",
    "borderColor": "--st-border-color",
}


def offline(
    spec: Spec,
    recording: Recording,
    figures: Sequence[Figure],
    cards: Sequence[Mapping[str, Any]] = (),
    *,
    origin: str,
    whole: bool = True,
) -> str:
    """The run as an HTML document.

    ``origin`` is the link or the command that makes it again; a recording that is not ``whole`` says so.
    Cells of maps lead nowhere: the pages that they would open are not in the file.
    """
    closed = [replace(figure, opens=None) for figure in figures]
    played = playable(spec, closed, [{**card, "see": None} for card in cards])
    return html(
        _player(), played, recording, _head(spec, recording, origin, whole), f"{spec.title} · NormViz"
    )


def _head(spec: Spec, recording: Recording, origin: str, whole: bool) -> str:
    """Title, origin and every setting in words."""
    rows = "".join(
        f"<div><dt>{escape(one['label'])}</dt><dd>{escape(one['text'])}</dd></div>" for one in settings(spec)
    )
    told = escape(origin)
    linked = origin.startswith(("http://", "https://"))
    source = f'<a href="{told}" rel="noreferrer">{told}</a>' if linked else f"<code>{told}</code>"
    part = "" if whole else f"<p>Taken along at step {recording.frame(-1).step}, before the run was over.</p>"
    return (
        f'<header class="nv-about"><h1>{escape(spec.title)}</h1>{part}'
        f"<p>One run, recorded by NormViz {__version__}. It plays here without a server.</p>"
        f"<details><summary>Settings and origin</summary><dl>{rows}</dl><p>Made by {source}</p></details>"
        "</header>"
    )


@cache
def _player() -> Player:
    modules = {name: static.contents(name).decode() for name in static.imported(_ENTRY)}
    styles = "\n".join([_themes(), *(static.contents(name).decode() for name in ("offline.css", *SHEETS))])
    return Player(_ENTRY, modules, static.contents(static.PLOTLY).decode(), styles)


@cache
def _themes() -> str:
    """The colours of the site's two themes as the variables that Streamlit makes of them."""
    theme = tomllib.loads((_ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    fonts = f"--st-font: {theme['font']}; --st-heading-font: {theme['headingFont']};"

    def colours(name: str) -> str:
        return " ".join(f"{variable}: {theme[name][key]};" for key, variable in _COLOURS.items())

    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {colours('dark')} }} }}"
    return f":root {{ {fonts} {colours('light')} }}\n{dark}"
