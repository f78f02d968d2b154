"""Settings in words, as visitors read them."""

from __future__ import annotations

import shlex
from typing import Any

from normviz.spec import Knob, Spec, Value
from normviz.ui.words import _, numeral, spoken


def settings(spec: Spec) -> list[dict[str, Any]]:
    """Name, label and value in words of every field; of several values also each by itself ("parts")."""
    told: list[dict[str, Any]] = []
    for name, knob, _default in spec.knobs():
        value = getattr(spec, name)
        told.append({"name": name, "label": spoken(knob.label), "text": in_words(knob, value)})
        if isinstance(value, tuple):
            told[-1]["parts"] = [spoken(knob.name_of(one)) for one in value]
    return told


def in_words(knob: Knob, value: Value) -> str:
    """A value as it is shown."""
    if isinstance(value, tuple):
        return ", ".join(spoken(knob.name_of(one)) for one in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if knob.words:
        text = spoken(knob.words(str(value)))
    elif knob.choices:
        text = spoken(knob.name_of(value)) if knob.names else numeral(knob.name_of(value))
    else:
        text = number(value) if isinstance(value, int | float) else str(value)
    return f"{text} {spoken(knob.unit)}" if knob.unit else text


def number(value: float) -> str:
    """A number without needless digits: 0.3, 64, 10⁻⁵."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    return numeral(f"{value:.4g}")


def command(spec: Spec, does: str = "run") -> str:
    """The command that runs a spec, or that does something else with it."""
    words = [f"{name}={value}" for name, value in spec.to_query().items()]
    return " ".join(
        [f"python -m normviz {does}", spec.name, *(f"--set {shlex.quote(word)}" for word in words)]
    )
