"""A whole run as one HTML file that opens without a server and scrubs.

The file holds the browser's own modules, the drawing library, the recording and the words, and asks nobody
for anything: its content security policy forbids every request.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)
_PREFIX = "normviz/"
_IMPORT = re.compile(r'^((?:import|export)\b[^;"]*?|\}\s*from\s*)"\./([^"]+)"', re.MULTILINE)
_SQUEEZE = 1  # of gzip: counts and curves shrink by half, and it takes a tenth of the time of the default


@dataclass(frozen=True)
class Player:
    """What plays a run in a browser.

    ``modules`` are ES modules by their names, which import each other as ``"./name"``; ``entry`` is the one
    that begins, ``library`` a script that all of them may lean on (or nothing).
    """

    entry: str
    modules: Mapping[str, str]
    library: str
    styles: str


def html(
    player: Player, played: Mapping[str, Any], recording: bytes, head: str, title: str, language: str
) -> str:
    """The document.

    ``played`` is what the page would send to the browser, without an address of a stream; ``recording`` are
    the bytes that it would fetch; ``head`` is HTML that stands above the charts.
    """
    squeezed = base64.b64encode(gzip.compress(recording, _SQUEEZE, mtime=0)).decode()
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{escape(language)}">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(title)}</title>",
            f"<style>{_kept(player.styles, 'style')}</style>",
            _held("importmap", "importmap", json.dumps({"imports": _imports(player.modules)})),
            "</head>",
            "<body>",
            head,
            '<div id="stage"></div>',
            _held("played", "application/json", json.dumps(played)),
            _held("recording", "application/octet-stream", squeezed),
            f"<script>{_kept(player.library, 'script')}</script>",
            f'<script type="module">import "{_PREFIX}{player.entry}";</script>',
            "</body>",
            "</html>",
            "",
        ]
    )


def _imports(modules: Mapping[str, str]) -> dict[str, str]:
    """Each module as an address that holds its text.

    Such an address has no folder, so what a module calls ``"./other.js"`` becomes a name of the import map.
    """
    return {_PREFIX + name: _address(_renamed(text)) for name, text in modules.items()}


def _renamed(text: str) -> str:
    return _IMPORT.sub(rf'\1"{_PREFIX}\2"', text)


def _address(text: str) -> str:
    return "data:text/javascript;base64," + base64.b64encode(text.encode()).decode()


def _held(name: str, kind: str, text: str) -> str:
    """A script element that holds data: in JSON the sign that could end it may be written otherwise."""
    return f'<script id="{name}" type="{kind}">{text.replace("<", chr(92) + "u003c")}</script>'


def _kept(text: str, element: str) -> str:
    """Text of a script or a style, in which nothing may end the element; ``<\\/`` means the same in both."""
    return re.sub(f"</(?={element})", r"<\\/", text, flags=re.I)
