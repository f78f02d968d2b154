"""Pictures of every page: ``make screenshots``.

Light, dark and phone into ``build/pictures``; those of the README into ``docs``.  With ``--before`` and a
folder of earlier pictures, each is also put beside the one of the same name there, into ``compared``.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

from normviz.ui.pages import PAGES
from tests.browser.visitors import ARGUMENTS, MISSING, ROOT, SETTLED, Server, Visitor, installed, serving

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
"""How each page is seen."""

README = {"start": "", "train": "train", "forgotten-eval": "forgotten-eval"}
"""Pictures of the README and the pages that they show."""

_PATIENCE = 300_000  # milliseconds; a run takes seconds on an idle machine
_TALLEST = 6000  # pixels; a page that is taller has gone wrong
_STAGED = ".nv-stage"
_ALIVE = f"{_STAGED}, [class^=nvt-], [class^=nva-]"  # what each page has of ours: a stage, tiles, anatomy
_HEIGHT = "() => document.querySelector('[data-testid=stMain]').scrollHeight"


def main(arguments: Sequence[str] | None = None) -> int:
    """Take all the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "pictures")
    parser.add_argument("--pages", help="only these, by their addresses: start,train")
    parser.add_argument("--before", type=Path, help="earlier pictures, to put the new ones beside")
    parser.add_argument("--readme", type=Path, help="also make the README's pictures, into this folder")
    asked = parser.parse_args(arguments)
    chromium = installed()
    if chromium is None:
        print(MISSING, file=sys.stderr)
        return 1
    asked.out.mkdir(parents=True, exist_ok=True)
    chosen = [
        page for page in PAGES if not asked.pages or (page.url_path or "start") in asked.pages.split(",")
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "log") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for page in chosen:
            for look in LOOKS:
                name = f"{page.url_path or 'start'}-{look}.png"
                _take(browser, server, page.url_path, look, asked.out / name)
                if asked.before and (asked.before / name).exists():
                    _compare(browser, asked.before / name, asked.out / name, asked.out / "compared" / name)
        if asked.readme:
            asked.readme.mkdir(parents=True, exist_ok=True)
            for name, path in README.items():
                _take(browser, server, path, "light", asked.readme / f"{name}.png", whole=False)
        browser.close()
    return 0


def _take(browser: Browser, server: Server, path: str, look: str, file: Path, *, whole: bool = True) -> None:
    """One page, once its run is over and its picture stands still."""
    visitor = Visitor(browser, server, reduced_motion="reduce", **LOOKS[look])
    visitor.page.set_default_timeout(_PATIENCE)
    page = visitor.open(path)
    page.wait_for_selector(_ALIVE)
    page.wait_for_load_state("networkidle")
    if page.locator(_STAGED).count():
        visitor.wait("status", "done")
        page.evaluate(
            "() => { const s = document.querySelector('.nv-stage').normviz; s.seek(1e9); s.pause(); }"
        )
    if whole:
        _fit(page)
    if page.locator(_STAGED).count():
        page.wait_for_function(SETTLED)
    page.wait_for_timeout(500)  # fonts and fades
    page.screenshot(path=file)
    print(file, *visitor.faults, file=sys.stderr)
    visitor.context.close()


def _compare(browser: Browser, before: Path, after: Path, file: Path) -> None:
    """Two pictures side by side, the earlier one on the left."""
    file.parent.mkdir(parents=True, exist_ok=True)
    coded = [base64.b64encode(one.read_bytes()).decode() for one in (before, after)]
    page = browser.new_page(viewport={"width": 2600, "height": 900})
    images = "".join(f'<img src="data:image/png;base64,{one}" style="vertical-align:top">' for one in coded)
    page.set_content(f'<body style="margin:0;background:#888;white-space:nowrap;width:max-content">{images}')
    page.locator("body").screenshot(path=file)
    page.close()


def _fit(page: Page) -> None:
    """Make the window as tall as the page, which scrolls inside it."""
    try:
        height = int(page.evaluate(_HEIGHT))
    except Error:
        return
    size = page.viewport_size or {"width": 1280, "height": 900}
    page.set_viewport_size(
        {"width": size["width"], "height": min(max(height + 80, size["height"]), _TALLEST)}
    )


if __name__ == "__main__":
    sys.exit(main())
