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

COMPONENT = "BidiComponent"
"""The element in which our own modules are mounted; every page has one."""
CONTROLS = ("ButtonGroup", "Selectbox", "Slider", "NumberInput", "Checkbox", "TextInput", "Button")
"""The elements of which ``ui/widgets.py`` makes controls."""


@cache
def files(*elements: str) -> tuple[str, ...]:
    """Addresses, relative to the site's base path, of the code of some elements and of all that it imports.

    What the HTML names itself is left out.
    """
    manifest = _manifest()
    known = set(_closure(manifest, "index.html"))
    wanted = [key for name in elements for key in manifest if key.endswith(f"/{name}/{name}.tsx")]
    found = [one for key in wanted for one in _closure(manifest, key)]
    return tuple(manifest[one]["file"] for one in dict.fromkeys(found) if one not in known)


def _closure(manifest: dict[str, dict[str, Any]], key: str) -> list[str]:
    """An entry and all that it imports statically, directly or not."""
    keys = [key] if key in manifest else []
    for one in keys:
        imports = manifest[one].get("imports", [])
        keys += [other for other in imports if other in manifest and other not in keys]
    return keys


@cache
def _manifest() -> dict[str, dict[str, Any]]:
    package = find_spec("streamlit")
    if package is None or package.origin is None:
        return {}
    try:
        told = json.loads((Path(package.origin).parent / "static" / "manifest.json").read_text("utf-8"))
        return {key: entry for key, entry in told.items() if isinstance(entry.get("file"), str)}
    except (OSError, ValueError, AttributeError):
        return {}
