"""Recipes: which pieces and settings make the script of a spec.  One module an experiment, free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class ExportError(ValueError):
    """A spec of which there is no script; the message is a sentence for a visitor."""


@dataclass(frozen=True)
class Code:
    """A setting that is written as code: the class of an activation, a dtype."""

    text: str


@dataclass(frozen=True)
class Recipe:
    """What the script of a spec is made of."""

    shows: str
    """What it shows: the text at the head of the script, after the title."""
    expects: str
    """What its numbers are to be compared with, and how well they agree."""
    pieces: tuple[str, ...]
    """Names of the pieces in the order of the script; of a name that several define, the last counts."""
    settings: Mapping[str, Any]
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Names of variables, each with the values that it takes in this run (see `folding`)."""
