"""The site's pages under AppTest: with a player that computes nothing, and the stage's data kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from normviz.player import Settings
from normviz.spec import Spec
from normviz.specs import EXPERIMENTS
from normviz.ui import visitors
from normviz.ui.controls import expert


class IdlePlayer:
    """Takes every run and never begins one."""

    running = False
    about = None

    def __init__(self) -> None:
        self.opened: list[Spec] = []
        self.settings = Settings()

    def open(self, spec: Spec, visitor: str = "") -> str:
        self.opened.append(spec)
        return f"token-{spec.key[:8]}"

    def run(self, token: str) -> None:
        return None


class Sent(list[dict[str, Any]]):
    """What the browser was told, component by component."""

    def mount(self, key: str, data: dict[str, Any], **_: Any) -> SimpleNamespace:
        self.append({"key": key, **data})
        return SimpleNamespace(here=None)


def _site(path: str) -> None:
    """The script under test: the site, with the page at ``path`` as the one that is open."""
    import streamlit as st

    from normviz.ui import strip
    from normviz.ui.pages import BESIDE, PAGES

    pages = {
        page.url_path: st.Page(
            page.file, title=page.title, url_path=page.url_path or "start", default=page.url_path == path
        )
        for page in (*PAGES, *BESIDE)
    }
    chosen = st.navigation(list(pages.values()))
    here = (*PAGES, *BESIDE)[list(pages.values()).index(chosen)]
    strip.head(here)
    chosen.run()
    strip.foot()


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who visits under AppTest, where no browser has cookies."""
    monkeypatch.setattr(visitors, "of_page", lambda: "somebody")


def visit(path: str, **query: Any) -> AppTest:
    """Open a page of the site, with all its controls."""
    app = AppTest.from_function(_site, kwargs={"path": path}, default_timeout=60)
    app.query_params.update(query)
    return run(unfolded(app))


def unfolded(app: AppTest) -> AppTest:
    """The same, with Expert open on every page."""
    for kind in EXPERIMENTS.values():
        app.session_state[expert(kind)] = True
    return app


def run(app: AppTest) -> AppTest:
    """Run the page again."""
    app.run()
    assert not app.exception, app.exception
    return app


def query_of(app: AppTest) -> dict[str, str]:
    """The address, without the page."""
    return {name: value if isinstance(value, str) else value[-1] for name, value in app.query_params.items()}
