"""The look of what surrounds the stage: one style sheet for the whole site.

The theme (colours, fonts, sizes) is Streamlit's own, in ``.streamlit/config.toml``; here stands what it has
no setting for.
"""

from __future__ import annotations

import streamlit as st

from normviz.ui import static


def dress() -> None:
    """Give the page its style sheet; it takes no place on it."""
    st.html(static.FOLDER / "site.css")
