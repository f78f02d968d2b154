"""Fixtures of the browser tests: the real server, and a real Chromium that visits it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.visitors import ARGUMENTS, MISSING, Server, Visitor, installed, serving

# How long a page takes says nothing on a busy machine; Playwright itself would wait for five seconds.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, for all tests."""
    with serving(tmp_path_factory.mktemp("server") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the browser is.  Without one the tests fail: what they check would be unknown."""
    path = installed()
    if path is None:
        pytest.fail(MISSING, pytrace=False)
    return path


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """One browser for a module's tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def known(chromium: Browser) -> dict[str, list[BrowserContext]]:
    """Browsers of visitors who have been here and are gone, by their settings."""
    return {}


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, chromium: Browser, server: Server, known: dict[str, list[BrowserContext]]
) -> Iterator[Callable[..., Visitor]]:
    """Make visitors; what went wrong in their windows fails the test.

    In a module marked ``returning`` they have been here before where that is possible: a quarter of what it
    costs to open a page is to fetch and compile what a browser keeps.  Two who are here at once are never the
    same.
    """
    returning = request.node.get_closest_marker("returning") is not None
    visitors: list[tuple[str, Visitor]] = []

    def enter(**context: Any) -> Visitor:
        settings = repr(sorted(context.items()))
        left = known.get(settings, []) if returning else []
        visitor = Visitor(chromium, server, left.pop() if left else None, **context)
        visitors.append((settings, visitor))
        return visitor

    yield enter
    faults = [fault for _, visitor in visitors for fault in visitor.faults]
    for settings, visitor in visitors:
        if returning and visitor.context.pages:  # a test may have closed it
            for page in visitor.context.pages:
                page.close()
            known.setdefault(settings, []).append(visitor.context)
        else:
            visitor.context.close()
    assert not faults, faults
