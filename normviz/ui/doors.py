"""Doors: links from one page to another, with the settings that the other page is to open with."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from normviz.spec import Spec
from normviz.ui.pages import BESIDE, PAGES, Page
from normviz.ui.words import spoken


@dataclass(frozen=True)
class Door:
    """A link to a page, on which ``spec`` is set."""

    path: str
    words: str
    spec: Spec | None = None

    @property
    def page(self) -> Page:
        """Where it leads.

        Raises:
            LookupError: the site has no such page.
        """
        found = page_at(self.path)
        if found is None:
            raise LookupError(f"no page has the address {self.path!r}")
        return found

    def draw(self) -> None:
        """Show the link."""
        page = self.page
        st.page_link(
            page.file, label=spoken(self.words), icon=f":material/{page.icon}:",
            query_params=self.spec.to_query() if self.spec else None,
        )  # fmt: skip


def page_at(path: str) -> Page | None:
    """The page at an address; None if the site has none there."""
    return next((page for page in (*PAGES, *BESIDE) if page.url_path == path), None)
