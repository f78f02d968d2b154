"""What a visitor's browser makes of it: the page goes on by itself."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.apps import App
from tests.browser.conftest import chromium, chromium_path
from tests.browser.visitors import Server, Visitor
from tests.faults.guests import Guest, crowd
from tests.faults.networks import Network
from tests.faults.scenes import hosts, runs
from tests.player.processes import alive, descendants, until

pytestmark = pytest.mark.browser

__all__ = ["chromium", "chromium_path"]  # fixtures
ERRORS = '[data-testid="stException"], [data-testid="stAlertContentError"], [role="dialog"]'
LONG = "norms=none,batch&depth=4&width=32&steps=2000&seeds=3&every=20&seed={}"
SEEN = """() => {
  const { run } = stage();
  const steps = Array.from({ length: run.frames }, (_, k) => run.recording.before(k).step);
  return { settings: run.settings, steps, complete: run.recording.complete, generation: run.generation };
}"""

DIGESTS = """async () => {
  const hex = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");
  const digest = async ({ bytes }) => hex(await crypto.subtle.digest("SHA-256", bytes));
  return Promise.all(stage().run.recording.frames.map(digest));
}"""
WATCH_ARRIVALS = """() => {
  const { recording } = stage().run, { put } = recording;
  window.arrived = [];
  recording.put = (k, bytes) => { arrived.push(k); put.call(recording, k, bytes); };
  return Array.from(recording.frames.keys()).filter((k) => recording.frames[k]);
}"""
LOST = "The connection was lost; trying again …"
ENDING = "The server is ending."
AWAY = 20
"""Seconds without a network: longer than a page takes to notice."""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app as it is shipped: a run goes on for ten seconds when nobody watches it."""
    log = tmp_path_factory.mktemp("shipped") / "log"
    with App(log, ready="lab/ready", NORMVIZ_ENGINE="fork") as running:
        yield running
    assert "Traceback" not in log.read_text()


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


def told(visitor: Visitor, sentence: str) -> Locator:
    """What the stage says of its run."""
    return visitor.page.locator(".nv-stage").get_by_text(sentence, exact=True)


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


def test_a_page_says_so_and_goes_on_when_its_server_was_told_to_end_under_load(
    chromium: Browser, own: App
) -> None:
    guests = [Guest(own.address, "train", LONG.format(30 + n)) for n in range(12)]
    with crowd(guests):
        visitor, settings = begin(chromium, own.url, own, 3)
        until(lambda: all(guest.frames for guest in guests))
        started = descendants(own.pid)
        assert len(started) > 12
        assert own.end(signal.SIGTERM) in (0, -signal.SIGTERM)
        until(lambda: not any(map(alive, started)))
        expect(told(visitor, LOST).or_(told(visitor, ENDING))).to_be_visible()
        own.start()
        frames = visitor.page.evaluate("() => stage().run.frames")
        visitor.page.wait_for_function("n => stage().run.frames > n", arg=frames)
    check_end(visitor, settings)
    visitor.context.close()


@pytest.mark.parametrize("how", ["lose", "cut"])
def test_what_came_while_the_network_was_gone_arrives(chromium: Browser, shipped: App, how: str) -> None:
    """Bit for bit the frames of a run that was not disturbed.

    It went on where another visitor watches it, or it ended and is computed on.
    """
    seed = {"lose": 40, "cut": 41}[how]
    guest = Guest(shipped.address, "train", LONG.format(seed))
    with Network(shipped.address) as network, crowd([guest] if how == "lose" else []):
        visitor, settings = begin(chromium, f"http://{network.address}/", shipped, seed)
        there = visitor.page.evaluate(WATCH_ARRIVALS)
        getattr(network, how)()
        seen = visitor.page.evaluate("() => stage().run.recording.complete")
        assert seen < 80
        time.sleep(AWAY)
        assert visitor.page.evaluate("() => stage().run.recording.complete") <= seen + 1
        until(lambda: len(guest.frames) > seen + 10 if how == "lose" else not runs(shipped))
        expect(told(visitor, LOST)).to_be_visible()
        network.restore()
        check_end(visitor, settings)
        arrived = visitor.page.evaluate("() => arrived")
        # The newest ones first where the run has gone on, then the gap; each once.
        assert sorted(arrived + there) == [*range(101)]
        assert visitor.page.evaluate(DIGESTS) == [
            hashlib.sha256(frame).hexdigest() for frame in guest.undisturbed()
        ]
        visitor.context.close()
