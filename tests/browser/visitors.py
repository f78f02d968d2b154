"""A server to visit, and visitors with windows of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page

from normviz.phrases import phrase
from normviz.ui.words import spoken
from tests.apps import ROOT, App

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
"""Software rendering, and nothing that talks to anyone but our server."""

MISSING = (
    "The browser tests drive a real Chromium and found none. Install it from the system's packages "
    "(Debian, Ubuntu: apt install chromium; Fedora: dnf install chromium; macOS: brew install chromium)."
)


_NAMES = ("chromium", "chromium-browser", "google-chrome")


def installed() -> str | None:
    """Where a Chromium is on this machine."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


@dataclass(frozen=True)
class Server:
    """A running app."""

    address: str
    """With a slash at the end."""
    pid: int
    log: Path


@contextmanager
def serving(log: Path, *, app: Path = ROOT / "app.py", base: str = "") -> Iterator[Server]:
    """Run the app on a free port of this machine until the end of the block."""
    with App(log, app=app, base=base) as running:
        yield Server(running.url, running.pid, log)


def printed(template: str, numbers: Mapping[str, Any]) -> str:
    """An English sentence with its numbers, as pages print it."""
    return str(spoken(phrase(template, **numbers), "en"))


def settled_in(chromium: Browser, settings: Mapping[str, Any]) -> BrowserContext:
    """A browser of somebody's own, with its cache and cookies; a desk's, unless settings say otherwise."""
    context = chromium.new_context(**({"viewport": {"width": 1400, "height": 1000}} | dict(settings)))
    context.add_init_script(HELPERS)
    return context


class Visitor:
    """A visitor with a window of their own; remembers what went wrong in it.

    ``known`` is the browser of somebody who has been here, made by `settled_in` with the same settings.
    """

    def __init__(
        self, chromium: Browser, server: Server, known: BrowserContext | None = None, **context: Any
    ) -> None:
        self.server = server
        self.context = known or settled_in(chromium, context)
        self.page: Page = self.context.new_page()
        # Runs have the lowest priority: beside other tests that compute they take several times as long.
        self.page.set_default_timeout(600_000)
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        self.page.on("console", lambda told: self._hear(told.type, told.text))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, kind: str, text: str) -> None:
        # Streamlit looks for its base path by asking in the wrong places first.
        if kind == "error" and "404" not in text:
            self.faults.append(f"console: {text}")

    def open(self, path: str = "", *, predict: bool = False) -> Page:
        """Go to a page of the site; no predictions are asked for there, unless ``predict``."""
        if path and not path.startswith(("?", "anatomy")) and not predict:
            path += ("&" if "?" in path else "?") + "predict=0"
        self.page.goto(self.server.address + path)
        return self.page

    def play(self, path: str) -> Page:
        """Go to a page with a stage and hold at the end of its run."""
        self.open(path)
        self.wait("status", "done")
        self.page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
        return self.settled()

    def wait(self, name: str, value: Any) -> None:
        """Wait until an attribute of the stage has a value."""
        self.page.wait_for_selector(f'.nv-stage[data-{name}="{value}"]', state="attached")

    def settled(self) -> Page:
        """Wait until the picture is the one under the cursor."""
        self.page.wait_for_function(SETTLED)
        return self.page

    def state(self) -> dict[str, Any]:
        """What the stage says of itself."""
        found = self.page.evaluate("() => stage().state()")
        assert isinstance(found, dict)
        return found

    def seek(self, frame: int) -> None:
        """Hold at a frame."""
        self.page.evaluate("frame => { stage().pause(); stage().seek(frame); }", frame)
        self.settled()

    def show(self, figure: str) -> None:
        """Scroll to a figure and wait until it shows the frame under the cursor."""
        self.page.locator(f'.nv-figure[data-key="{figure}"]').evaluate(
            "e => e.scrollIntoView({ block: 'center' })"
        )
        self.page.wait_for_function(SHOWN, arg=figure)

    def data(self, figure: str) -> list[dict[str, Any]]:
        """What Plotly has drawn: type, x, y, z, colour, variant of each trace, ghosts included."""
        self.show(figure)
        found = self.page.evaluate("figure => chartData(figure)", figure)
        assert isinstance(found, list)
        return found


def opened(page: Page, field: str) -> Locator:
    """Open the list of a field, and return the field.

    A list closes where the page is scrolled under it (so it is meant by those who wrote it), and a click
    scrolls to what it clicks on: the scrolling is over first.
    """
    box = page.get_by_role("combobox", name=field, exact=True)
    box.evaluate("box => box.scrollIntoView({ block: 'center' })")  # not below the navigation
    page.evaluate(STILL)
    box.click()
    return box


STILL = """async () => {
  const main = document.querySelector("[data-testid=stMain]");
  const drawn = () => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
  for (let was = null; was !== main.scrollTop; ) {
    was = main.scrollTop;
    await drawn(); // the event of a scroll comes with the next picture
  }
}"""
HELPERS = """
// What the content security policy forbids is a fault.  protobuf.js tries WebAssembly and does without.
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
  if (blockedURI !== "wasm-eval") console.error(`forbidden: ${effectiveDirective} ${blockedURI}`);
});
window.stage = () => document.querySelector(".nv-stage")?.normviz;
window.chart = (key) => document.querySelector(`.nv-figure[data-key="${key}"] .js-plotly-plot`);
window.plain = (value) => {
  if (value && typeof value === "object" && "length" in value) return Array.from(value, plain);
  return Number.isNaN(value) ? null : value;
};
window.chartData = (key) =>
  chart(key).data.map(({ x, y, z, visible, line, meta, type }) => ({
    ...{ type, x: plain(x), y: plain(y), z: plain(z), visible },
    ...{ colour: line?.color, variant: meta?.variant, ghost: meta?.ghost },
  }));
"""
SHOWN = """key => {
  const { visible, chart } = stage().scene.panels.get(key);
  return stage().settled && visible && chart?.at?.k === stage().state().frame;
}"""
SETTLED = """() => {
  const root = document.querySelector(".nv-stage");
  return root?.normviz?.settled && root.dataset.staged === "true" && root.normviz.run.frames > 0;
}"""
