"""Streamlit's own words: each is one of the Streamlit that is installed, and has a translation."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import streamlit

from normviz.ui.loanwords import ALONE, WITH_PLACES, loanwords

PLACE = re.compile(r"\{\w+\}")
COMPOSED = {
    "Press Enter to apply": "`Press Enter to ${e}`",
    "Press Enter to submit form": "`submit form`",
    "Press Ctrl+Enter to apply": "+Enter to ${e}`",
    "Press ⌘+Enter to apply": "`⌘`",
    "Help for {label}": "`Help for ${",
    "Connection failed with status {n}.": "`Connection failed with status ${",
    "Connection failed with status {n}, and response:": "`, and response:`",
    "The page that you have requested does not seem to exist. Running the app's main page.": (
        "`The page that you have requested does not seem to exist`"
    ),
    "{n} options available.": " options`})} available.`",
    "{n} option available.": " option`,other:()=>",
    WITH_PLACES[-1]: "but no corresponding file was found in the app's pages/ directory`",
}
"""What Streamlit puts together from parts, by one that would not be there without the rest."""


@cache
def sources() -> str:
    """Everything that Streamlit's browser side says, and the rest of it."""
    folder = Path(streamlit.__file__).parent / "static" / "static" / "js"
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js")))


@pytest.mark.parametrize("text", [*ALONE, *WITH_PLACES])
def test_streamlit_says_it(text: str) -> None:
    if text in COMPOSED:
        assert COMPOSED[text] in sources()
        return
    said = r"\$\{[^`{}]*(?:\(`[^`]*`\)|\([^`]*\))?[^`{}]*\}".join(map(re.escape, PLACE.split(text)))
    assert re.search(f"[`\"']{said}[`\"']", sources())


def test_each_has_a_translation_and_english_needs_none() -> None:
    said = loanwords("cs")
    assert set(said) == {*ALONE, *WITH_PLACES}
    assert not [text for text, translated in said.items() if text == translated]
    for text, translated in said.items():
        assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(translated))
    assert loanwords("en") == {}
