"""A run, or a page that computes in the browser, as one file that opens without this site.

It holds the browser's own modules, and the colours of the site's themes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from normviz import __version__
from normviz.export.html import Player, html
from normviz.frames import Recording
from normviz.phrases import phrase
from normviz.spec import Spec
from normviz.specs.anatomy import Anatomy
from normviz.specs.start import Start
from normviz.ui import anatomy, static, tiles
from normviz.ui.playable import SHEETS
from normviz.ui.settings import settings
from normviz.ui.words import language, spoken

_ROOT = Path(__file__).resolve().parents[2]
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
    part = phrase("Taken along at step {step}, before the run was over.", step=recording.frame(-1).step)
    made = phrase(
        "One run, recorded by NormViz {version}. It plays here without a server.", version=__version__
    )
    head = _head(spec, played["settings"], code, origin, [made] if whole else [part, made])
    player = _player("offline.js", *SHEETS)
    return html(player, {**played, **closed}, recording.to_bytes(), head, _titled(spec, code), code)


def computing(spec: Start | Anatomy, *, origin: str) -> str:
    """A page that computes in the browser as an HTML document, with its settings, in the visitor's language.

    ``origin`` as in `offline`.
    """
    page, name = (tiles, "start.bin") if isinstance(spec, Start) else (anatomy, "anatomy.json")
    player = _player(f"offline_{spec.name}.js", page.SHEET)
    code, told = language(), {**page.told(spec), "defaults": spec.values(), "hidden": []}
    made = phrase(
        "One page of NormViz {version}. It computes here, in the browser, without a server.",
        version=__version__,
    )
    head = _head(spec, settings(spec), code, origin, [made])
    return html(player, told, static.contents(name), head, _titled(spec, code), code)


def _titled(spec: Spec, code: str) -> str:
    return f"{spoken(spec.title, code)} · NormViz"


def _head(
    spec: Spec, settings: Sequence[Mapping[str, str]], code: str, origin: str, sentences: Sequence[str]
) -> str:
    """Title, origin and every setting in words."""

    def say(text: str) -> str:
        return escape(str(spoken(text, code)))

    rows = "".join(
        f"<div><dt>{escape(one['label'])}</dt><dd>{escape(one['text'])}</dd></div>" for one in settings
    )
    told = escape(origin)
    linked = origin.startswith(("http://", "https://"))
    source = f'<a href="{told}" rel="noreferrer">{told}</a>' if linked else f"<code>{told}</code>"
    said = "".join(f"<p>{say(sentence)}</p>" for sentence in sentences)
    more = say(phrase("Settings and origin"))
    return (
        f'<header class="nv-about"><h1>{say(spec.title)}</h1>{said}'
        f"<details><summary>{more}</summary><dl>{rows}</dl><p>{source}</p></details></header>"
    )


@cache
def _player(entry: str, *sheets: str) -> Player:
    """What plays in the browser; only the stage draws with plotly.js."""
    modules = {name: static.contents(name).decode() for name in static.imported(entry)}
    styles = "\n".join([_themes(), *(static.contents(name).decode() for name in ("offline.css", *sheets))])
    library = static.contents(static.PLOTLY).decode() if static.STAGE in modules else ""
    return Player(entry, modules, library, styles)


@cache
def _themes() -> str:
    """The colours of the site's two themes as the variables that Streamlit makes of them."""
    theme = tomllib.loads((_ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    fonts = f"--st-font: {theme['font']}; --st-heading-font: {theme['headingFont']};"
    fonts += f" --st-code-font: {theme['codeFont']};"
    fonts += f" --st-base-radius: {theme['baseRadius']}; --st-button-radius: {theme['baseRadius']};"

    def colours(name: str) -> str:
        return " ".join(f"{variable}: {theme[name][key]};" for key, variable in _COLOURS.items())

    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {colours('dark')} }} }}"
    return f":root {{ {fonts} {colours('light')} }}\n{dark}"
