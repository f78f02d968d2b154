"""The tables for the operator of a server: its settings, and those options of Streamlit's that matter.

They are made from the fields of ``normviz.player.Settings`` and from ``normviz.ui.options``, and stand in
``docs/operating.md`` between two marks, where ``python -m normviz settings --write`` puts them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streamlit import config

from normviz.player import Settings
from normviz.spec import Knob
from normviz.ui.options import FIXED, OPTIONS, Option, shown, variable

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
_FILE = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
_MARKED = re.compile(r"(<!-- settings -->\n).*?(<!-- end of settings -->\n)", re.DOTALL)
_SETTINGS = ("variable", "default", "allowed", "meaning")
_OPTIONS = ("option", "variable", "default", "meaning")
_FIXED = ("option", "must be", "otherwise", "another value")


def settings() -> list[dict[str, str]]:
    """A row for each setting."""
    return [
        {
            "variable": knob.label, "default": _default(default), "allowed": _allowed(knob, default),
            "meaning": knob.help,
        }
        for _, knob, default in Settings.knobs()
    ]  # fmt: skip


def options() -> list[dict[str, str]]:
    """A row for each option of Streamlit's that operators set."""
    return [
        {"option": one.name, "variable": variable(one.name), "default": _preset(one), "meaning": one.meaning}
        for one in OPTIONS
    ]


def fixed() -> list[dict[str, str]]:
    """A row for each option of Streamlit's that must stay as it is."""
    return [
        {
            "option": one.name, "variable": variable(one.name), "must be": shown(one.value),
            "otherwise": one.otherwise, "another value": "is refused" if one.refused else "is logged",
        }
        for one in FIXED
    ]  # fmt: skip


def tables() -> str:
    """All of it in Markdown."""
    return "\n".join(
        [
            _table(_SETTINGS, settings()),
            "Options of Streamlit's (`.streamlit/config.toml`, or the variable):\n",
            _table(_OPTIONS, options()),
            "Options of Streamlit's that must stay as they are:\n",
            _table(_FIXED, fixed()),
        ]
    )


def told() -> dict[str, Any]:
    """All of it as plain values."""
    return {"settings": settings(), "streamlit": {"options": options(), "fixed": fixed()}}


def written(document: str) -> str:
    """A document with the tables between its marks.

    Raises:
        ValueError: it has no such marks.
    """
    made, count = _MARKED.subn(lambda found: f"{found[1]}\n{tables()}\n{found[2]}", document)
    if count != 1:
        raise ValueError("the document has no <!-- settings --> … <!-- end of settings -->")
    return made


def _preset(option: Option) -> str:
    """The value of an option where nobody sets it: our file's, or Streamlit's."""
    section, _, key = option.name.partition(".")
    ours = tomllib.loads(_FILE.read_text(encoding="utf-8")).get(section, {})
    preset = ours.get(key, config.get_config_options()[option.name].default_val)
    return str(preset or option.default)


def _table(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> str:
    lines = [columns, ["---"] * len(columns), *([row[name] for name in columns] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _default(default: Any) -> str:
    if isinstance(default, bool):
        return str(int(default))
    return ",".join(default) if isinstance(default, tuple) else _number(default)


def _allowed(knob: Knob, default: Any) -> str:
    if knob.low is None or isinstance(default, bool):
        return knob.allowed(default).removeprefix("one of ")
    return f"{_number(knob.low)} to {_number(knob.high)} {knob.unit}".rstrip()


def _number(value: Any) -> str:
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e7 else f"{value:g}".replace("e+", "e")
