"""The site: page configuration, navigation and the tour's strip.  Streamlit runs this file at every visit."""

from pathlib import Path

import streamlit as st

from normviz.ui import look, static, tour
from normviz.ui.pages import PAGES

SCRIPT = Path(__file__).resolve()


def show() -> None:
    """Draw the navigation, run the page that the URL names, and close with the way on."""
    st.set_page_config(page_title="NormViz", page_icon=static.FOLDER / "icon.svg", layout="wide")
    look.dress()
    # No icons here: Streamlit would make them the favicon and fetch that from the internet.
    pages = [
        st.Page(page.file, title=page.title, url_path=page.url_path, default=not page.url_path)
        for page in PAGES
    ]
    chosen = st.navigation(pages, position="top")
    chosen.run()
    tour.strip(PAGES[pages.index(chosen)])


if __name__ == "__main__":
    show()
