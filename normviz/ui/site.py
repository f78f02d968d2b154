"""The site: page configuration, navigation, tour or lesson.  Streamlit runs this file at every visit."""

from pathlib import Path

import streamlit as st

from normviz.ui import builder, operations, presenter, share, static, strip, tour
from normviz.ui.doors import page_at
from normviz.ui.gate import in_turn
from normviz.ui.languages import switch
from normviz.ui.pages import BESIDE, PAGES, shown
from normviz.ui.words import settled, spoken

SCRIPT = Path(__file__).resolve()


def show() -> None:
    """Draw the navigation, run the page that the URL names, and close with the way on."""
    st.set_page_config(page_title="NormViz", page_icon=static.FOLDER / "icon.svg", layout="wide")
    # No icons here: Streamlit would make them the favicon and fetch that from the internet.
    known = (*shown(), *operations.pages())
    pages = [
        st.Page(
            page.file, title=spoken(page.title), url_path=page.url_path, default=not page.url_path,
            visibility="visible" if page in PAGES else "hidden",
        )
        for page in known
    ]  # fmt: skip
    chosen = st.navigation(pages, position="top")
    page = known[pages.index(chosen)]
    presenter.dress()
    strip.head(page)
    share.told()
    chosen.run()
    if not strip.foot() and page in PAGES:
        tour.strip(page)
    if page in (*PAGES, *BESIDE):
        footer()
    switch()


def footer() -> None:
    """What is for teachers, under every page."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="footer"):
        for page in BESIDE:
            if page in shown():
                st.page_link(page.file, label=spoken(page.title), icon=f":material/{page.icon}:")
        if page_at(builder.PATH):
            builder.add_here()
        presenter.switch()


if __name__ == "__main__":
    with in_turn(), settled():
        show()
