"""A machine that has its hands full: the page says its visitor's place in line, and goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.visitors import Server, Visitor, serving

pytestmark = pytest.mark.browser

LARGE = "train?norms=none,batch&depth=10&width=128&steps=5000&seeds=5&seed={}"
"""Minutes of work."""
SMALL = "train?norms=none&depth=2&width=16&steps=200&seeds=1&seed={}"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, where one run is computed at once."""
    log = tmp_path_factory.mktemp("busy") / "log"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NORMVIZ_RUNS", "1")
        environment.setenv("NORMVIZ_LEASE", "1")
        with serving(log) as server:
            yield server
    assert "Traceback" not in log.read_text()


def told(visitor: Visitor, sentence: str) -> Locator:
    """What the stage says of its run."""
    return visitor.page.locator(".nv-stage").get_by_text(sentence)


def test_a_page_says_its_place_in_line_and_goes_on_by_itself(chromium: Browser, busy: Server) -> None:
    first, second, third = (Visitor(chromium, busy) for _ in range(3))
    first.open(LARGE.format(1))
    first.page.wait_for_function("() => stage()?.run?.frames > 0")
    second.open(LARGE.format(2))
    second.wait("status", "waiting")
    expect(told(second, "one run is ahead of yours. It starts by itself.")).to_be_visible()
    third.open(SMALL.format(3))
    third.wait("status", "waiting")
    expect(told(third, "2 runs are ahead of yours. It starts by itself.")).to_be_visible()
    for waiting in (second, third):
        assert waiting.page.evaluate("() => stage().run.frames") == 0
        waiting.page.evaluate("() => { window.untouched = true; }")
    first.context.close()
    second.page.wait_for_function("() => stage().run.frames > 0")
    assert second.page.evaluate("() => stage().run.status") == "running"
    expect(told(third, "one run is ahead of yours. It starts by itself.")).to_be_visible()
    second.context.close()
    third.wait("status", "done")
    assert third.page.evaluate("() => untouched")
    third.page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
    assert third.data("loss")
    assert not first.faults + second.faults + third.faults
    third.context.close()
