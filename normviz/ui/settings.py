"""Settings in words, as visitors read them."""

from __future__ import annotations

from typing import Any

from normviz.spec import Knob, Spec, Value


def settings(spec: Spec) -> list[dict[str, Any]]:
    """Name, label and value in words of every field; of several values also each by itself ("parts")."""
    told: list[dict[str, Any]] = []
    for name, knob, _ in spec.knobs():
        value = getattr(spec, name)
        told.append({"name": name, "label": knob.label, "text": in_words(knob, value)})
        if isinstance(value, tuple):
            told[-1]["parts"] = [knob.name_of(one) for one in value]
    return told


def in_words(knob: Knob, value: Value) -> str:
    """A value as it is shown."""
    if isinstance(value, tuple):
        return ", ".join(knob.name_of(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if knob.words:
        text = knob.words(str(value))
    elif knob.choices:
        text = knob.name_of(value)
    else:
        text = number(value) if isinstance(value, int | float) else str(value)
    return f"{text} {knob.unit}" if knob.unit else text


def number(value: float) -> str:
    """A number without needless digits: 0.3, 64, 1e-05."""
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else f"{value:.4g}"
