"""Entries of a lesson's file: known, of the right type and length; else a sentence says which, and where."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from normviz.spec import quoted

LONGEST = 4000
"""Characters of one text."""


class LessonError(ValueError):
    """A lesson that cannot be given, with the sentence that says where and why."""

    def __init__(self, where: str, why: str) -> None:
        self.sentence = f"{where}: {why}"
        super().__init__(self.sentence)


def checked(told: Any, allowed: Mapping[str, type], where: str) -> dict[str, Any]:
    """A table whose entries are known and of the right type, and whose texts are not too long.

    Raises:
        LessonError: they are not.
    """
    if not isinstance(told, Mapping):
        raise LessonError(where, "this must be a table of entries.")
    for key, value in told.items():
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise LessonError(where, f"“{quoted(key)}” is not known; allowed is {', '.join(allowed)}.{hint}")
        if not isinstance(value, allowed[key]) or (allowed[key] is int and isinstance(value, bool)):
            kind = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}
            words = kind.get(allowed[key], "a table")
            raise LessonError(where, f"{key}: “{quoted(value)}” does not work; allowed is {words}.")
        if isinstance(value, str) and len(value) > LONGEST:
            raise LessonError(where, f"{key} has {len(value)} characters; allowed are {LONGEST}.")
        if isinstance(value, str) and "![" in value:
            raise LessonError(where, f"{key} holds a picture; allowed is text without pictures.")
    return dict(told)
