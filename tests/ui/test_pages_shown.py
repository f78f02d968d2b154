"""NORMVIZ_PAGES: what a server does not show is nowhere, and nothing leads there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from normviz.figures.lr_init import figures
from normviz.spec import SpecError
from normviz.specs.lr_init import LrInit
from normviz.specs.signal import Signal
from normviz.ui import ahead, claims, playable, shelf, site, tour
from normviz.ui.choices import REASONS
from normviz.ui.doors import Door
from normviz.ui.entries import LessonError
from normviz.ui.exhibits import first_spec
from normviz.ui.lesson_texts import step_of
from normviz.ui.pages import ALL, chosen, shown
from tests.ui.sites import IdlePlayer, Sent

LESSON = {"title": "x", "steps": [{"page": "signal"}, {"page": "train"}]}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that shows three pages."""
    monkeypatch.setenv("NORMVIZ_PAGES", "/signal, diagnose")
    # A server shows the same pages for life, and keeps what it has made for them.
    kept = (ahead.head, shelf._inline, shelf._read, playable._played)
    for one in kept:
        one.cache_clear()
    yield
    for one in kept:
        one.cache_clear()


def open_site(path: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(str(site.SCRIPT), default_timeout=60)
    app.query_params.update(query)
    app.run()
    if path:
        app.switch_page(str(next(page.file for page in ALL if page.url_path == path))).run()
    assert not app.exception, [one.stack_trace for one in app.exception]
    return app


def links(app: AppTest) -> list[str]:
    """Where the links of a page lead, by their scripts."""
    return [one.proto.page for one in app.get("page_link")]


def texts(app: AppTest) -> str:
    return "\n".join(str(one.value) for kind in ("markdown", "caption", "warning") for one in app.get(kind))


def test_all_are_shown_unless_some_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NORMVIZ_PAGES", raising=False)
    assert shown() == ALL
    monkeypatch.setenv("NORMVIZ_PAGES", "train,anatomy")
    assert [page.url_path for page in shown()] == ["", "anatomy", "train"], "the site's order"


@pytest.mark.parametrize(
    ("named", "remedy"), [("sginal", "Did you mean signal?"), ("xyz", "Pages are forgotten-eval, anatomy")]
)
def test_an_unknown_page_is_refused(named: str, remedy: str) -> None:
    with pytest.raises(SpecError, match="NORMVIZ_PAGES") as refused:
        chosen(("train", named))
    assert remedy in refused.value.sentence


@pytest.mark.usefixtures("few", "idle", "sent")
class TestOnPages:
    """The site with the front door, Signal, and Diagnose and choose."""

    def test_navigation_doors_tour_and_footer_follow(self) -> None:
        app = open_site()
        scripts = set(links(app))
        assert scripts == {"signal", "diagnose"}
        assert "**The tour, stop 1 of 3" in texts(app)
        assert not [button for button in app.button if "lesson" in button.label], "there is no builder here"
        assert [stop.path for stop in tour.stops()] == ["", "signal", "diagnose"]

    def test_a_door_to_a_hidden_page_says_so(self) -> None:
        app = open_site("diagnose", symptom="flat")
        assert "See it: five sigmoid layers, with and without batch norm (not shown on this server)" in texts(
            app
        )
        assert "train" not in links(app)
        assert all(reason.door in reason.doors for reason in REASONS.values())

    def test_an_open_door_still_leads(self) -> None:
        def script() -> None:

            Door("", "In").draw()

        app = AppTest.from_function(script).run()
        assert "not shown" not in texts(app)

    def test_a_lesson_that_needs_a_hidden_page_is_not_given(self) -> None:
        app = open_site("signal", lesson=shelf.encode(LESSON))
        (warning,) = app.warning
        assert "step 2: Page: “train” does not work; allowed is one of signal, diagnose." in warning.value
        assert "This server does not show that page. The page is shown without a lesson." in warning.value


@pytest.mark.usefixtures("few")
def test_a_lesson_within_the_pages_is_given_and_ends_without_a_way_to_others(
    idle: IdlePlayer, sent: Sent
) -> None:
    app = open_site("signal", lesson=shelf.encode({"title": "x", "steps": [{"page": "signal"}]}))
    assert not app.warning
    assert "lesson" not in links(app)
    with pytest.raises(LessonError, match="This server does not show that page"):
        shelf.find("broken-networks")  # its cases stand on the page Lessons
    with pytest.raises(SpecError, match="This server does not show that page"):
        step_of("https://lab.example.org/train?lr=0.1")
    assert step_of("https://lab.example.org/signal")["page"] == "signal"


@pytest.mark.usefixtures("few")
def test_cells_and_cards_do_not_lead_to_hidden_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = LrInit()

    def opens() -> list[Any]:
        return [figure["opens"] for figure in playable.playable(spec, figures(spec))["figures"]]

    def cards() -> set[str]:
        return {card["see"].partition("?")[0] for card in map(claims.card, claims.CLAIMS.values())} - {""}

    assert not any(opens())
    assert cards() == {"signal"}
    monkeypatch.setenv("NORMVIZ_PAGES", "train")
    assert any(opens())
    assert cards() == {"train"}


@pytest.mark.usefixtures("few")
def test_a_hidden_page_is_not_fetched_ahead() -> None:
    assert first_spec("signal", {}) == Signal()
    assert first_spec("train", {}) is None, "its run is begun by nobody"
    """Its address is that of no page: what a browser gets there is the front door."""
    assert ahead.head("train") == ahead.head("no-such-page")
    assert ahead.head("signal") != ahead.head("no-such-page")


def test_the_front_door_alone_has_no_tour(
    monkeypatch: pytest.MonkeyPatch, idle: IdlePlayer, sent: Sent
) -> None:
    monkeypatch.setenv("NORMVIZ_PAGES", "/")
    app = open_site()
    assert links(app) == []
    assert "tour" not in texts(app)
    assert not app.header
