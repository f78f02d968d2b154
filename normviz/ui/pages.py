"""The pages of the site, in the order of its navigation, and those of them that this server shows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from normviz.player.settings import Settings, pages_named

_FOLDER = Path(__file__).resolve().parents[2] / "pages"


@dataclass(frozen=True)
class Page:
    """One page: its title, its place in the URL ("" is the front door) and its script."""

    title: str
    url_path: str
    script: str
    icon: str = ""
    """Name of a Material symbol."""
    module: str = "stage.js"
    """Of the browser's modules the one that the page mounts."""

    @property
    def file(self) -> Path:
        """Absolute path of the script; a relative one would resolve against the site's script."""
        return _FOLDER / self.script


PAGES = (
    Page("Start", "", "start.py", "play_circle", "tiles.js"),
    Page("Forgot eval()", "forgotten-eval", "forgotten_eval.py", "warning"),
    Page("Anatomy", "anatomy", "anatomy.py", "grid_on", "anatomy.js"),
    Page("Batch size", "batch-size", "batch_size.py", "stacks"),
    Page("Signal", "signal", "signal.py", "waves"),
    Page("Train", "train", "train.py", "show_chart"),
    Page("Why it works", "why", "why.py", "lightbulb"),
    Page("Sequences", "sequences", "sequences.py", "linear_scale"),
    Page("Claims", "claims", "claims.py", "gavel"),
    Page("Diagnose and choose", "diagnose", "diagnose.py", "troubleshoot"),
)
"""To add a page, write its script and add its line here."""

BESIDE = (
    Page("Lessons", "lesson", "lesson.py", "school"),
    Page("Make a lesson", "lesson-builder", "lesson_builder.py", "edit_note"),
)
"""Pages that the navigation does not list."""

ALL = (*PAGES, *BESIDE)


def shown() -> tuple[Page, ...]:
    """The pages that the operator wants to be shown (NORMVIZ_PAGES), in their order.

    Raises:
        SpecError: one of them does not exist.
    """
    return chosen(pages_named())


@lru_cache(maxsize=8)
def chosen(paths: tuple[str, ...]) -> tuple[Page, ...]:
    """The pages of these addresses and the front door; all if there are none.

    Raises:
        SpecError: there is no page of such an address.
    """
    known = {page.url_path: page for page in ALL}
    asked = {path.strip("/") for path in paths}
    if wrong := sorted(asked - set(known)):
        raise Settings.refused("pages", wrong[0], _remedy(wrong[0], filter(None, known)))
    return tuple(page for path, page in known.items() if not paths or path in asked | {""})


def _remedy(wrong: str, known: Iterable[str]) -> str:
    paths = list(known)
    near = difflib.get_close_matches(wrong, paths, 1)
    return f"Did you mean {near[0]}?" if near else f"Pages are {', '.join(paths)}."
