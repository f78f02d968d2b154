"""Recipes: which pieces and settings make a script.  One module an experiment, free of torch.

What a page shows may be more than a short script holds; its experiment then has a script for each *chapter*.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from normviz.spec import Spec


class ExportError(ValueError):
    """A spec of which there is no script; the message is a sentence for a visitor."""


def near(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that refuses a word: which one may be meant; empty if none is near."""
    found = difflib.get_close_matches(word, list(known), 1)
    return f" Did you mean {found[0]}?" if found else ""


@dataclass(frozen=True)
class Code:
    """A setting that is written as code: the class of an activation, a dtype."""

    text: str


@dataclass(frozen=True)
class Recipe:
    """What one script of a spec is made of."""

    spec: Spec
    """Whose script it is; its link stands in the script."""
    shows: str
    """What it shows: the text at the head of the script, after the title."""
    expects: str
    """What its numbers are to be compared with, and how well they agree."""
    pieces: tuple[str, ...]
    """Names of the pieces in the order of the script; of a name that several define, the last counts."""
    settings: Mapping[str, Any]
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Names of variables, each with the values that it takes in this run (see `folding`)."""
    chapter: str = ""
    """Name of the chapter of the page, where it has several; what `--chapter` takes."""
    label: str = ""
    """The same in words for a visitor."""
    lacks: str = ""
    """What the page shows and no script measures: the end of a sentence."""
