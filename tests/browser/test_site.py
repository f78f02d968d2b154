"""The site as a whole: every page in a real browser, links that lie, small screens, dark ones, base paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from normviz.ui.pages import PAGES
from tests.browser.visitors import Server, Visitor, serving

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
SMALL = {"norms": "none,batch", "depth": "2", "width": "16", "steps": "50", "seeds": "1"}
STAGED = "train?" + urlencode(SMALL)
FAULTS = '[data-testid="stException"], [data-testid="stAlertContentError"]'

MOUNTED = ".nv-stage, .nvt-start[data-ready], .nva-controls"

EVERY_PAGE = pytest.mark.parametrize("path", [page.url_path for page in PAGES])


@EVERY_PAGE
def test_every_page_opens_without_torch_or_the_internet(visit: Visit, server: Server, path: str) -> None:
    """One title, no error, no request to anyone else, and the web process has not loaded torch."""
    visitor = visit()
    page = visitor.open(path)
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator(FAULTS)).to_have_count(0)
    own = urlsplit(server.address).netloc
    foreign = [url for url in visitor.requests if urlsplit(url).netloc not in ("", own)]
    assert not foreign
    assert "libtorch" not in Path(f"/proc/{server.pid}/maps").read_text()


WIDEST = """
window.widest = 0;
const measure = () => {
  const main = document.querySelector('[data-testid="stMain"]');
  window.widest = Math.max(window.widest, main?.scrollWidth ?? 0, document.documentElement?.scrollWidth ?? 0);
  requestAnimationFrame(measure);
};
measure();
"""


@EVERY_PAGE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_from_its_first_moment_on(visit: Visit, path: str, scheme: str) -> None:
    visitor = visit(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, color_scheme=scheme
    )
    visitor.context.add_init_script(WIDEST)
    page = visitor.open(path)
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator(MOUNTED)).to_have_count(1)
    assert page.evaluate("() => widest") == 390


def test_a_phone_shows_one_chart_beside_none(visit: Visit) -> None:
    visitor = visit(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = visitor.play(STAGED)
    boxes = [figure.bounding_box() for figure in page.locator(".nv-grid:not([hidden]) .nv-figure").all()]
    assert len(boxes) > 1
    assert len({round(box["x"]) for box in boxes if box}) == 1
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    visitor.show("loss")
    assert page.evaluate("() => chart('loss')._fullLayout.dragmode") is False, "a finger scrolls the page"


def test_charts_follow_light_and_dark(visit: Visit) -> None:
    """The data keep their colours; text and grid take those of the page, also when the theme changes."""
    seen = {}
    for scheme in ("light", "dark"):
        visitor = visit(color_scheme=scheme)
        visitor.play(STAGED)
        visitor.show("loss")
        seen[scheme] = visitor.page.evaluate(LOOKS)
    assert seen["light"]["line"] == seen["dark"]["line"]
    for scheme, looks in seen.items():
        assert contrast(looks["text"], looks["page"]) > 7, scheme
        assert contrast(looks["tick"], looks["page"]) > 4.5, scheme
    visitor.page.emulate_media(color_scheme="light")
    visitor.page.wait_for_function(
        "text => getComputedStyle(document.querySelector('.nv-stage')).color === text",
        arg=seen["light"]["text"],
    )
    visitor.page.wait_for_function(f"tick => ({LOOKS})().tick === tick", arg=seen["light"]["tick"])


LOOKS = """() => {
  const colour = (node, name) => getComputedStyle(node)[name];
  return {
    text: colour(document.querySelector(".nv-stage"), "color"),
    page: colour(document.querySelector("[data-testid=stApp]"), "backgroundColor"),
    tick: colour(chart("loss").querySelector(".xtick text"), "fill"),
    line: [...chart("loss").querySelectorAll("path.js-line")].map((path) => colour(path, "stroke")),
  };
}"""


def contrast(one: str, other: str) -> float:
    """Contrast of two CSS colours "rgb(r, g, b)" after WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [float(part) / 255 for part in colour.split("(")[1].rstrip(")").split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_lying_link_gets_messages_and_a_run(visit: Visit) -> None:
    lies = {
        "lr": "1e400",
        "depth": "9" * 5000,
        "norms": "bacth",
        "seed": "<script>alert(1)</script>",
        "gain": "nan",
    }
    visitor = visit()
    page = visitor.open("train?" + urlencode({**SMALL, **lies}))
    expect(page.locator('[data-testid="stAlertContentWarning"]')).to_have_count(len(lies))
    expect(page.get_by_text("Did you mean batch?")).to_be_visible()
    expect(page.locator(FAULTS)).to_have_count(0)
    visitor.wait("status", "done")


def test_a_run_that_costs_too_much_is_refused_in_words(visit: Visit) -> None:
    dear = {
        "network": "cnn",
        "channels": "64",
        "depth": "8",
        "batch_size": "256",
        "steps": "2000",
        "seeds": "5",
    }
    visitor = visit()
    page = visitor.open("train?" + urlencode(dear))
    expect(page.locator('[data-testid="stAlertContentError"]')).to_contain_text("times the work")
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def test_it_works_behind_a_base_path(chromium: Browser, tmp_path: Path) -> None:
    """A page with a stage, reached by its address and through the front door."""
    with serving(tmp_path / "log", base="some/where") as server:
        visitor = Visitor(chromium, server)
        visitor.play(STAGED)
        assert visitor.data("loss")
        page = visitor.open("")
        page.get_by_role("link", name="Train", exact=True).first.click()
        visitor.wait("staged", "true")
        visitor.settled()
        assert not visitor.faults, visitor.faults
        visitor.context.close()


def test_a_fault_in_a_page_is_a_sentence_and_a_log(chromium: Browser, tmp_path: Path) -> None:
    site = tmp_path / "site.py"
    site.write_text("import streamlit as st\nst.title('Broken')\nraise KeyError('secret')\n")
    app = tmp_path / "app.py"
    app.write_text(
        "import streamlit as st\nfrom normviz.ui import failures\n"
        f"app = st.App({str(site)!r}, on_script_error=failures.tell)\n"
    )
    with serving(tmp_path / "log", app=app) as server:
        visitor = Visitor(chromium, server)
        page = visitor.open("")
        told = page.locator('[data-testid="stAlertContentError"]')
        expect(told).to_contain_text("a fault in the program")
        reference = told.inner_text().rstrip(".").split()[-1]
        assert "secret" not in page.content()
        assert "Traceback" not in page.content()
        log = server.log.read_text()
        assert reference in log
        assert "KeyError: 'secret'" in log
        visitor.context.close()
