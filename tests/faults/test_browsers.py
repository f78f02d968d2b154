"""What a visitor's browser makes of it: the page goes on by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.apps import App
from tests.browser.conftest import chromium, chromium_path
from tests.browser.visitors import Server, Visitor
from tests.faults.networks import Network
from tests.faults.scenes import hosts, runs
from tests.player.processes import alive, until

pytestmark = pytest.mark.browser

__all__ = ["chromium", "chromium_path"]  # fixtures
ERRORS = '[data-testid="stException"], [data-testid="stAlertContentError"], [role="dialog"]'
LONG = "norms=none,batch&depth=4&width=32&steps=2000&seeds=3&every=20&seed={}"
SEEN = """() => {
  const { run } = stage();
  const steps = Array.from({ length: run.frames }, (_, k) => run.recording.before(k).step);
  return { settings: run.settings, steps, complete: run.recording.complete, generation: run.generation };
}"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app that may be killed."""
    log = tmp_path_factory.mktemp("own") / "log"
    with App(
        log, ready="lab/ready", NORMVIZ_ENGINE="fork", NORMVIZ_LEASE="1",
        STREAMLIT_SERVER_WEBSOCKET_PING_INTERVAL="2",
    ) as running:  # fmt: skip
        yield running
    assert "Traceback" not in log.read_text()


def begin(chromium: Browser, url: str, app: App, seed: int) -> tuple[Visitor, Any]:
    """Open a run and see its first frames; the visitor, and the settings of the run."""
    visitor = Visitor(chromium, Server(url, app.pid, Path(app.log)))
    visitor.open("train?" + LONG.format(seed))
    visitor.page.wait_for_function("() => stage()?.run?.frames > 5")
    visitor.page.evaluate("() => { window.untouched = true; }")
    return visitor, visitor.page.evaluate(SEEN)["settings"]


def check_end(visitor: Visitor, settings: Any) -> None:
    """The run is whole and of the settings that were chosen; the page was loaded once and shows no error."""
    visitor.wait("status", "done")
    seen = visitor.page.evaluate(SEEN)
    assert seen["steps"] == [*range(0, 2001, 20)]
    assert seen["complete"] == 101
    assert seen["settings"] == settings
    assert visitor.page.evaluate("() => window.untouched")
    expect(visitor.page.locator(ERRORS)).to_have_count(0)
    visitor.page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
    visitor.settled()
    assert visitor.data("loss")


def test_a_page_goes_on_after_its_server_was_killed(chromium: Browser, own: App) -> None:
    visitor, settings = begin(chromium, own.url, own, 1)
    address = visitor.page.url
    started = hosts(own) | runs(own)
    assert len(started) == 2
    own.end(signal.SIGKILL)
    until(lambda: not any(map(alive, started)))
    visitor.wait("status", "reconnecting")
    own.start()
    check_end(visitor, settings)
    assert visitor.page.url == address
    visitor.context.close()


def test_a_page_notices_that_its_network_went_away_without_a_word(chromium: Browser, own: App) -> None:
    """Nothing closes the connection; only its silence tells."""
    with Network(own.address) as network:
        visitor, settings = begin(chromium, f"http://{network.address}/", own, 2)
        network.lose()
        visitor.wait("status", "reconnecting")
        assert not runs(own)
        network.restore()
        check_end(visitor, settings)
        visitor.context.close()
