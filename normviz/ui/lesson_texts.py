"""Lessons as texts: a step from the link of a page, and a lesson as TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from normviz.spec import Spec, SpecError, quoted
from normviz.ui.doors import page_at
from normviz.ui.exhibits import kinds
from normviz.ui.pages import ALL

_PASSED_OVER = ("lesson", "step", "presenter", "lang", "version", "time")
"""Of a link: what is not of the page's experiment."""
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def step_of(link: str) -> dict[str, Any]:
    """The step that a page's link describes: page, settings, hide, predict.

    Raises:
        SpecError: it is not a link of this site, or a value in it does not work.
    """
    parts = urlsplit(link.strip())
    path = parts.path.rstrip("/").rpartition("/")[2]
    if not parts.query and not parts.scheme and "/" not in link:
        raise SpecError(
            "Link", link, "the address of a page of this site", "Copy it from Share.", field="link"
        )
    page = page_at(path) or page_at("")  # behind a base path the front door has that path
    assert page is not None
    if page_at(path) is None and parts.scheme == "":
        raise SpecError(
            "Link", link, "the address of a page of this site", "Copy it from Share.", field="link"
        )
    if page_at(path) is None and any(page.url_path == path for page in ALL):
        raise SpecError(
            "Link", link, "the address of a page of this site", "This server does not show that page.",
            field="link",
        )  # fmt: skip
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    question = query.pop("question", "")
    step: dict[str, Any] = {"page": page.url_path}
    settings: dict[str, Any] = {"question": question} if question else {}
    hide = [name.strip() for name in query.pop("hide", "").split(",") if name.strip()]
    if query.pop("predict", "1") == "0":
        step["predict"] = False
    shown = kinds(page.url_path, question)
    for kind in shown:
        settings |= _settings(kind, query)
    known = [name for kind in shown for name, _, _ in kind.knobs()]
    for name, text in query.items():
        if name not in known and name not in _PASSED_OVER:
            raise SpecError(
                "Field", name, f"one of {', '.join(known)}", f"It is “{quoted(text)}” here.", field=name
            )
    return step | ({"settings": settings} if settings else {}) | ({"hide": hide} if hide else {})


def _settings(kind: type[Spec], query: Mapping[str, str]) -> dict[str, Any]:
    """The fields of one experiment that differ from their defaults, typed."""
    values: dict[str, Any] = {
        name: knob.read(name, query[name], default) for name, knob, default in kind.knobs() if name in query
    }
    spec = kind.from_values(values)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in spec.values().items()
        if name in spec.to_query()
    }


def to_toml(told: Mapping[str, Any]) -> str:
    """A lesson as a TOML file."""
    head = [f"{_key(name)} = {_value(value)}" for name, value in told.items() if name != "steps"]
    steps = [
        "\n".join(["[[steps]]", *(f"{_key(name)} = {_value(value)}" for name, value in step.items())])
        for step in told.get("steps", [])
    ]
    return "\n\n".join(["\n".join(head), *steps]) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _key(name: str) -> str:
    return name if name and set(name) <= _BARE else _value(name)
