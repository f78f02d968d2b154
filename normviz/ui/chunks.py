"""Streamlit's own files for the elements on our pages, found in the manifest that its build left behind.

Streamlit's browser part asks for the code of an element when the first one of its kind arrives, then for what
that code imports, and only then draws.  Named in the page's HTML they come together with everything else.
A version of Streamlit without a manifest, or with other names in it, is simply not helped.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

EVERYWHERE = ("BidiComponent", "PageLink", "Button", "Checkbox")
"""On every page: what our own modules are mounted in, and what stands at the foot."""
CONTROLS = ("ButtonGroup", "Selectbox", "Slider", "NumberInput", "TextInput")
"""The elements of which ``ui/widgets.py`` makes controls."""
FORMULAS = "rehype-katex"
"""What draws formulas in Markdown."""
TABLE = "Table"
LATER = ("DownloadButton", "Progress", "Html")
"""Asked for after a click, in lessons, or by the presenter's style sheet."""

_ENTRY = "index.html"


@cache
def files(*elements: str) -> tuple[str, ...]:
    """Addresses, relative to the site's base path, of the code of some elements and of all that it imports.

    What the HTML names itself is left out.
    """
    known = set(_closure(_ENTRY))
    return tuple(_manifest()[one]["file"] for one in _closures(elements) if one not in known)


@cache
def all_files() -> tuple[str, ...]:
    """The same of all that our pages ask for, with what the HTML names, its style sheets and its fonts."""
    manifest = _manifest()
    entry = manifest.get(_ENTRY, {})
    fonts = (one for one in entry.get("assets", []) if one.endswith(".woff2"))
    needed = (*EVERYWHERE, *CONTROLS, FORMULAS, TABLE, *LATER)
    code = (manifest[one]["file"] for one in [*_closure(_ENTRY), *_closures(needed)])
    return tuple(dict.fromkeys([*code, *entry.get("css", []), *fonts]))


def folder() -> Path | None:
    """Where Streamlit's files lie; None if that cannot be told."""
    package = find_spec("streamlit")
    return Path(package.origin).parent / "static" if package and package.origin else None


def _closures(elements: tuple[str, ...]) -> list[str]:
    """The entries of some elements, or packages, and all that they import, each once."""
    ends = [(f"/{name}/{name}.tsx", f"/node_modules/{name}/index.js") for name in elements]
    wanted = [key for end in ends for key in _manifest() if key.endswith(end)]
    return list(dict.fromkeys(one for key in wanted for one in _closure(key)))


def _closure(key: str) -> list[str]:
    """An entry and all that it imports statically, directly or not."""
    manifest = _manifest()
    keys = [key] if key in manifest else []
    for one in keys:
        imports = manifest[one].get("imports", [])
        keys += [other for other in imports if other in manifest and other not in keys]
    return keys


@cache
def _manifest() -> dict[str, dict[str, Any]]:
    place = folder()
    if place is None:
        return {}
    try:
        told = json.loads((place / "manifest.json").read_text("utf-8"))
        return {key: entry for key, entry in told.items() if isinstance(entry.get("file"), str)}
    except (OSError, ValueError, AttributeError):
        return {}
