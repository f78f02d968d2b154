"""The operator's page in a real browser: hidden, closed, true without a reload, and able to end a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visitors import Server, Visitor, serving

pytestmark = pytest.mark.browser

Visit = Callable[..., Visitor]
TOKEN = "the-operators-own-token"
SLOW = "train?norms=none,batch&depth=10&width=128&steps=5000&seeds=5"


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with an operator's token."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NORMVIZ_OPERATOR_TOKEN", TOKEN)
        with serving(tmp_path_factory.mktemp("operated") / "log") as server:
            yield server


def enter(page: Page, token: str) -> None:
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Enter", exact=True).click()


def test_without_a_token_it_is_an_unknown_page_like_any_other(visit: Visit) -> None:
    visitor = visit()
    page, told = visitor.page, []
    for path in ("operator", "unheard-of"):
        page.goto(visitor.server.address + path)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        told.append(dialog.inner_text().replace(path, "…"))
    assert told[0] == told[1]
    assert "not found" in told[0]
    # Streamlit says so in the console as well.
    visitor.faults[:] = [one for one in visitor.faults if "does not seem to exist" not in one]


def test_the_operator_enters_and_ends_a_run(chromium: Browser, operated: Server) -> None:
    visitor, operator = Visitor(chromium, operated), Visitor(chromium, operated)
    page = operator.page
    page.goto(operated.address + "operator")
    expect(page.get_by_test_id("stTopNavLink").filter(has_text="Train")).to_have_count(1)
    expect(page.get_by_test_id("stTopNavLink").filter(has_text="Operator")).to_have_count(0)
    enter(page, "a wrong token, typed in vain")
    expect(page.get_by_text("This is not the operator's token.")).to_be_visible()
    expect(page.get_by_test_id("stMetric")).to_have_count(0)
    enter(page, TOKEN)
    expect(page.get_by_text("Runs in progress (0)")).to_be_visible()
    expect(page.locator(".stMarkdownBadge")).to_contain_text("ready")
    assert page.url == operated.address + "operator"
    visitor.open(SLOW)
    visitor.page.wait_for_function("() => stage()?.run?.frames > 0")
    expect(page.get_by_text("Runs in progress (1)")).to_be_visible(timeout=60_000)  # it looks again by itself
    page.get_by_role("button", name="End", exact=True).click()
    visitor.wait("status", "failed")
    expect(visitor.page.get_by_text("The operator of this server has ended this run.")).to_be_visible()
    assert not visitor.faults + operator.faults
    assert TOKEN not in Path(operated.log).read_text()
    for one in (visitor, operator):
        one.context.close()
