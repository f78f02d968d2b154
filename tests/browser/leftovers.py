"""English that is left on a page in another language, though the catalogue has it in that language."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

from normviz.locale.__main__ import catalogues, read

_READ = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


@cache
def _english(language: str) -> frozenset[str]:
    """Sentences of the catalogue that read differently in that language, and are none of its own."""
    (path,) = (path for path in catalogues() if path.parents[1].name == language)
    texts: dict[str, str] = {}
    for message in read(path):
        if isinstance(message.id, tuple):
            texts |= dict.fromkeys(message.id, message.string[-1])
        elif message.id:
            texts[message.id] = message.string
    said = set(texts.values())
    return frozenset(text for text, translated in texts.items() if text != translated and text not in said)


def leftovers(page: Page, language: str = "cs") -> list[str]:
    """The sentences, as findings."""
    return [f"in English: {text}" for text in page.evaluate(_READ) if text in _english(language)]
