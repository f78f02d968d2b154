"""A run as one file that opens without this site: the stage's own modules, and the colours of its themes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from normviz import __version__
from normviz.export.html import Player, html
from normviz.frames import Recording
from normviz.phrases import phrase
from normviz.spec import Spec
from normviz.ui import static
from normviz.ui.playable import SHEETS
from normviz.ui.words import spoken

_ROOT = Path(__file__).resolve().parents[2]
_ENTRY = "offline.js"
_MADE = "One run, recorded by NormViz {version}. It plays here without a server."
_PART = "Taken along at step {step}, before the run was over."
_MORE = "Settings and origin"
_COLOURS = {
    "primaryColor": "--st-primary-color",
    "backgroundColor": "--st-background-color",
    "secondaryBackgroundColor": "--st-secondary-background-color",
    "textColor": "--st-text-color",
    "linkColor": "--st-link-color",
    "borderColor": "--st-border-color",
}


def offline(
    spec: Spec, played: Mapping[str, Any], recording: Recording, *, origin: str, whole: bool = True
) -> str:
    """The run as an HTML document.

    ``played`` is what the stage is sent (``normviz.ui.playable``); the file speaks the same language.
    ``origin`` is the link or the command that makes the run again; a recording that is not ``whole`` says so.
    Cells of maps lead nowhere: the pages that they would open are not in the file.
    """
    closed = {
        "figures": [{**figure, "opens": None} for figure in played["figures"]],
        "cards": [{**card, "see": None} for card in played["cards"]],
    }
    code = played["speech"]["language"]
    head = _head(spec, played, recording, origin, whole)
    title = f"{spoken(spec.title, code)} · NormViz"
    return html(_player(), {**played, **closed}, recording, head, title, code)


def _head(spec: Spec, played: Mapping[str, Any], recording: Recording, origin: str, whole: bool) -> str:
    """Title, origin and every setting in words."""

    def say(text: str) -> str:
        return escape(str(spoken(text, played["speech"]["language"])))

    rows = "".join(
        f"<div><dt>{escape(one['label'])}</dt><dd>{escape(one['text'])}</dd></div>"
        for one in played["settings"]
    )
    told = escape(origin)
    linked = origin.startswith(("http://", "https://"))
    source = f'<a href="{told}" rel="noreferrer">{told}</a>' if linked else f"<code>{told}</code>"
    part = "" if whole else f"<p>{say(phrase(_PART, step=recording.frame(-1).step))}</p>"
    return (
        f'<header class="nv-about"><h1>{say(spec.title)}</h1>{part}'
        f"<p>{say(phrase(_MADE, version=__version__))}</p>"
        f"<details><summary>{say(_MORE)}</summary><dl>{rows}</dl><p>{source}</p></details></header>"
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
