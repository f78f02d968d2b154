"""The site: page configuration and navigation.  Streamlit runs this file at every visit."""

from pathlib import Path

import streamlit as st

from normviz.ui.pages import PAGES

SCRIPT = Path(__file__).resolve()


def show() -> None:
    """Draw the navigation and run the page that the URL names."""
    st.set_page_config(page_title="NormViz", layout="wide", initial_sidebar_state="collapsed")
    pages = [
        st.Page(
            page.file,
            title=page.title,
            url_path=page.url_path,
            icon=f":material/{page.icon}:" if page.icon else None,
            default=not page.url_path,
        )
        for page in PAGES
    ]
    st.navigation(pages, position="top").run()


if __name__ == "__main__":
    show()
