"""Where HTML is written at all: the few places that do write their own words and numbers."""

from __future__ import annotations

import re
from pathlib import Path

from normviz.ui import static

ROOT = Path(__file__).parents[2]
WRITERS = {
    "anatomy.js", "anatomy_board.js", "anatomy_controls.js", "anatomy_sliders.js", "board.js", "formulas.js",
    "inspector.js", "tiles.js",
}  # fmt: skip
"""Their settings are choices and numbers that a spec has checked, their words come from the catalogues."""


def test_modules_of_the_browser_that_write_html_are_known() -> None:
    writing = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|srcdoc"
    )
    modules = [path for path in static.FOLDER.glob("*.js") if ".min." not in path.name]
    assert {path.name for path in modules if writing.search(path.read_text())} == WRITERS


def test_pages_write_no_html_but_their_styles() -> None:
    sources = [*(ROOT / "normviz").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    told = {path.name: path.read_text() for path in sources}
    assert not [name for name, text in told.items() if "unsafe_allow_html" in text]
    assert {name for name, text in told.items() if "st.html(" in text} == {"presenter.py"}
