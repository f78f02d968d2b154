"""Loanwords: what Streamlit itself says on our pages, and can say in English only.

The browser exchanges them where they stand (``assets/loanwords.js``).  They are written here as Streamlit
writes them; a test looks each one up in the Streamlit that is installed.
"""

from __future__ import annotations

from functools import cache

from normviz.ui.words import ENGLISH, spoken

ALONE = (
    # of the page
    "Skip to main content",
    "App pages",
    "View less",
    "Expand sidebar",
    "Collapse sidebar",
    "Link to heading",
    "Close",
    "Page not found",
    "The page that you have requested does not seem to exist. Running the app's main page.",
    # of the state of the server and of the script
    "Connecting",
    "Connecting to Streamlit server",
    "Error",
    "Unable to connect to Streamlit server",
    "Connection error",
    "Connection timed out.",
    "Streamlit server is not responding. Are you connected to the internet?",
    "Is Streamlit still running? If you accidentally stopped Streamlit, just restart it in your terminal:",
    "Running...",
    "Stop",
    "Stopping...",
    "Download failed",
    # of controls
    "Help",
    "Increment",
    "Decrement",
    "Open",
    "Clear all",
    "Clear value",
    "Choose an option",
    "Choose options",
    "Select all",
    "Selected values",
    "Multiselect options",
    "Selectbox options",
    "No results",
    "Press Enter to apply",
    "Press Enter to submit form",
    "Press Ctrl+Enter to apply",
    "Press ⌘+Enter to apply",
    "Show password",
    "Hide password",
    # of code and tables
    "Copy to clipboard",
    "Copied",
    "Scrollable table",
    "Show/hide columns",
    "Download as CSV",
    "Search",
    "Fullscreen",
    "Close fullscreen",
    "empty",
)
"""Whole texts and names of elements."""

WITH_PLACES = (
    "{n} more",
    "View {n} more",
    "Help for {label}",
    "Remove {option}",
    "Select {n} matches",
    "{n} options available.",
    "{n} option available.",
    "Connection failed with status {n}.",
    "Connection failed with status {n}, and response:",
    "You have requested page /{path}, but no corresponding file was found in the app's pages/ directory. "
    "Running the app's main page.",
)
"""The same with something in it: ``{n}`` is a number."""


@cache
def loanwords(code: str) -> dict[str, str]:
    """Each with its translation; none for English."""
    if code == ENGLISH:
        return {}
    return {text: str(spoken(text, code)) for text in (*ALONE, *WITH_PLACES)}
