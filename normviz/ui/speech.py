"""Words that leave for the browser: figures, questions, and what the modules of ``ui/assets`` say themselves.

Below this package all of it is English; here it becomes the visitor's language.  The browser's modules write
``t("…")`` (``assets/words.js``) and get a catalogue of just these sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

from normviz.catalog.norms import NORMS
from normviz.figures.mathml import reworded
from normviz.figures.theme import STYLES
from normviz.readings import VALUES
from normviz.ui import static
from normviz.ui.words import ENGLISH, language, numeral, plural_forms, spoken

SAID = frozenset(
    {
        "title", "alt", "name", "text", "hovertext", "hovertemplate", "texttemplate", "ticktext", "x", "y",
        "option", "place", "says", "value", "nothing", "question", "choices", "said", "answer", "words",
        "label", "over", "categoryarray",
    }
)  # fmt: skip
"""Of a figure's or a question's parts those that are read."""
SEPARATORS = {"cs": ",\u202f"}
"""Decimal mark and thousands separator of Plotly's numbers, where they are not English."""
_NUMERAL = re.compile(r"[+-]?\d[\d.,]*%?")
_PER_CENT = re.compile(r"(?<=[\d}])%(?![{}])")
_SHARE = re.compile(r"(%\{[\w.]+:[+-]?)(?=[^{}:$]*%\})")


def drawn(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A figure (``Figure.to_plain()``) in the visitor's language."""
    code = language()
    if code == ENGLISH:
        return dict(plain)
    figure: dict[str, Any] = _said(plain, code, partial(_printed, code))
    if code in SEPARATORS:
        figure["layout"]["separators"] = SEPARATORS[code]
    return figure


def _printed(code: str, text: str) -> str:
    """A text of a figure with its numbers as in Czech: "0,05", and "97 %" on one line.

    Plotly writes a share such as ``%{y:.0%}`` without that space, whatever the language.  With "$" it ends as
    the language's currency does, and that is ours to say (``locale`` in ``assets/words.js``).
    """
    if _NUMERAL.fullmatch(text):
        return numeral(text, code)
    return _PER_CENT.sub("\u00a0%", _SHARE.sub(r"\1$", text))


def asked(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A question or a comparison (``to_plain()``) in the visitor's language."""
    code = language()
    return dict(plain if code == ENGLISH else _said(plain, code))


def written(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A formula (``Formula.to_plain()``) with its words in the visitor's language."""
    code = language()
    parts = [reworded(part, lambda text: spoken(text, code)) for part in plain["parts"]]
    return {**asked(plain), "parts": parts}


def _said(value: Any, code: str, printed: Callable[[str], str] = str, name: str = "") -> Any:
    """What is read of a value called ``name``, and its formats of numbers, as ``printed`` has them."""
    if isinstance(value, Mapping):
        return {name: _said(one, code, printed, name) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_said(one, code, printed, name) for one in value]
    if name == "tickformat" and printed is not str:
        return f"${value}" if value.endswith("%") else value
    return printed(spoken(value, code)) if name in SAID and isinstance(value, str) else value


def heard() -> dict[str, Any]:
    """What the browser needs to speak: the language, and its catalogue (none for English)."""
    return _heard(language())


@cache
def _heard(code: str) -> dict[str, Any]:
    if code == ENGLISH:
        return {"language": code, "words": {}}
    words: dict[str, Any] = {text: spoken(text, code) for text in values()}
    for one, many in sentences():
        words[one] = spoken(one, code) if many is None else plural_forms(one, many, code)
    return {"language": code, "words": words}


def values() -> Iterator[str]:
    """Texts that a run puts into the places of its notes."""
    yield from (fact.label for fact in NORMS.values())
    yield from (style.label for style in STYLES.values())
    yield from VALUES


_LITERAL = r'"((?:[^"\\]|\\.)*)"'
_TEXT = rf"{_LITERAL}(?:\s*\+\s*{_LITERAL})*"
_CALL = re.compile(rf"\bt\(\s*({_TEXT})|\btn\(\s*({_TEXT})\s*,\s*({_TEXT})")


@cache
def sentences() -> tuple[tuple[str, str | None], ...]:
    """Every sentence of the browser's modules: in the singular, and the plural where it has one."""
    found: dict[str, str | None] = {}
    for path in sorted(static.FOLDER.glob("[!p]*.js")) + sorted(static.FOLDER.glob("p[!l]*.js")):
        for call in _CALL.finditer(path.read_text(encoding="utf-8")):
            plain, one, many = call.group(1), call.group(4), call.group(7)
            found[_joined(plain or one)] = _joined(many) if many else None
    return tuple(found.items())


def _joined(literals: str) -> str:
    text = "".join(re.findall(_LITERAL, literals))
    return re.sub(r'\\(["\\])', r"\1", text)
