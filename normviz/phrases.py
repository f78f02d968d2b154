"""Phrases: English sentences that remember how they were made, so that they can be said in another language.

A figure, a message or a fact is written in English, as a whole sentence with named places.  ``phrase`` fills
the places and returns ordinary text; what shows it to a visitor (``normviz.ui.words``) finds the template and
the values in it, and fills the sentence of the visitor's language instead.

    phrase("Test error (%), batches of {size}", size=8)

Sentences are never put together from fragments: other languages have another order and other endings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Phrase(str):
    """Filled English text with its template; everywhere else it is the text.

    ``many`` is the template for other numbers than one, and ``n`` the number that decides.
    """

    template: str
    places: dict[str, Any]
    many: str | None
    n: int

    def __new__(cls, template: str, places: dict[str, Any], many: str | None = None, n: int = 1) -> Phrase:
        chosen = template if many is None or n == 1 else many
        made = super().__new__(cls, chosen.format(**places))
        made.template, made.places, made.many, made.n = template, places, many, n
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:  # copied and pickled as it was made
        return self.template, self.places, self.many, self.n


def to_plain(text: Any) -> Any:
    """A phrase as JSON values, so that it is still one on the other side; anything else as it is."""
    if not isinstance(text, Phrase):
        return text
    places = {name: to_plain(one) for name, one in text.places.items()}
    return {"template": text.template, "places": places, "many": text.many, "n": text.n}


def from_plain(value: Any) -> Any:
    """What ``to_plain`` was given."""
    if not isinstance(value, dict) or set(value) != {"template", "places", "many", "n"}:
        return value
    places = {name: from_plain(one) for name, one in value["places"].items()}
    return Phrase(value["template"], places, value["many"], value["n"])


def phrase(template: str, /, **places: Any) -> Phrase:
    """A sentence, with the values of its places in Python's format language."""
    return Phrase(template, places)


def counted(one: str, many: str, n: int, /, **places: Any) -> Phrase:
    """A sentence about a number of things; ``{n}`` is the number in both templates."""
    return Phrase(one, {"n": n, **places}, many, n)


def joined(separator: str, parts: Sequence[str]) -> Phrase:
    """Several phrases in a row, such as a list."""
    names = [f"part{i}" for i in range(len(parts))]
    places = dict(zip(names, parts, strict=True))
    return Phrase(separator.join(f"{{{name}}}" for name in names), places)
