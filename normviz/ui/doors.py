"""Doors: links from one page to another, with the settings that the other page is to open with."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from normviz.spec import Spec
from normviz.ui.pages import Page, shown
from normviz.ui.words import _, spoken


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
            LookupError: this server shows no such page.
        """
        found = page_at(self.path)
        if found is None:
            raise LookupError(f"no page is shown at the address {self.path!r}")
        return found

    def draw(self) -> None:
        """Show the link; where this server does not show the page, say so."""
        if page_at(self.path) is None:
            st.caption(_("{door} (not shown on this server)", door=spoken(self.words)))
            return
        page = self.page
        st.page_link(
            page.file, label=spoken(self.words), icon=f":material/{page.icon}:",
            query_params=self.spec.to_query() if self.spec else None,
        )  # fmt: skip


def page_at(path: str) -> Page | None:
    """The page at an address; None if this server shows none there."""
    return next((page for page in shown() if page.url_path == path), None)


def leads(address: str) -> bool:
    """Whether an address relative to the site ("train?lr=1") is that of a page that this server shows."""
    return page_at(address.partition("?")[0]) is not None
