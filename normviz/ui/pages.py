"""The pages of the site, in the order of its navigation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
