"""The visitor's language: English text goes in, the same in English or Czech comes out.

The English text is the key (GNU gettext; ``normviz/locale``).  A sentence that a catalogue lacks is said in
English, whole.  Pages and this package write ``_("…")``; what comes from below (labels of knobs, facts,
figures, templates of notes) is English there and is translated where it goes to a visitor, by ``spoken``.

The language is that of the URL (``?lang=cs``), else the one of this visit before, else the browser's.
"""

from __future__ import annotations

import contextlib
import gettext
import re
import string
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit.runtime.scriptrunner import get_script_run_ctx

from normviz.phrases import Phrase
from normviz.spec import SpecError
from normviz.ui.entries import LessonError

FOLDER = Path(__file__).resolve().parents[1] / "locale"
DOMAIN = "normviz"
PARAMETER = "lang"
LANGUAGES = {"en": "English", "cs": "Čeština"}
"""Every language by its code, with its own name."""
ENGLISH = "en"


_settled: ContextVar[str | None] = ContextVar("language", default=None)


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Find out the language once for a whole run of the script: a page asks for it a thousand times."""
    with speaking(language()):
        yield


@contextlib.contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak one language, whoever asks."""
    token = _settled.set(code)
    try:
        yield
    finally:
        _settled.reset(token)


def language() -> str:
    """Code of the language in which this run of the script speaks."""
    return _settled.get() or _found()


def _found() -> str:
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    asked = st.query_params.get(PARAMETER)
    if asked in LANGUAGES:
        st.session_state[PARAMETER] = asked
        return asked
    kept = st.session_state.get(PARAMETER)
    return str(kept) if kept else of_locale(st.context.locale)


def of_locale(locale: str | None) -> str:
    """The language for a browser's locale ("cs-CZ"): only its own, never a related one."""
    code = (locale or ENGLISH).replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else ENGLISH


def of_request(connection: HTTPConnection) -> str:
    """The language for who asks for no page: that of the address, else the browser's first."""
    asked = connection.query_params.get(PARAMETER)
    if asked in LANGUAGES:
        return asked
    return of_locale(connection.headers.get("accept-language", ENGLISH).split(",")[0].split(";")[0].strip())


def _(text: str, /, **places: Any) -> str:
    """A sentence in the visitor's language; ``places`` fill it, in Python's format language."""
    code = language()
    said = _looked_up(text, code)
    return _filled(said, places, code) if places else said


def n_(one: str, many: str, n: int, /, **places: Any) -> str:
    """A sentence about a number of things; ``{n}`` is the number."""
    return _counted(one, many, n, {"n": n, **places}, language())


def spoken(value: Any, code: str | None = None) -> Any:
    """Text in the visitor's language; of mappings, lists and tuples every text in them."""
    code = code or language()
    if isinstance(value, Phrase):
        places = {name: spoken(one, code) for name, one in value.places.items()}
        if value.many is not None:
            return _counted(value.template, value.many, value.n, places, code)
        return _filled(_looked_up(value.template, code), places, code)
    if isinstance(value, str):
        return _looked_up(value, code)
    if isinstance(value, Mapping):
        return {name: spoken(one, code) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(spoken(one, code) for one in value)
    return value


def refusal(problem: SpecError | LessonError) -> str:
    """What is wrong with a value or a lesson, in the visitor's language; Markdown that shows just this."""
    return plain(str(spoken(problem.sentence)))


_MARKUP = re.compile(r"[\\`*_{}\[\]<>&$~|]")
_MADE_UP = re.compile(r"(?<=:)(?=\S)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
_JOINER = "\u2060"  # joins words and is not seen


def plain(text: str) -> str:
    """Text that quotes a visitor or a link, on one line, as Markdown that shows it and does nothing else.

    Links are also made of bare addresses, icons and emoji of names between colons, and both from the finished
    text, where escapes are gone.  A word joiner in them keeps them from being taken for any.
    """
    return _MADE_UP.sub(_JOINER, _MARKUP.sub(r"\\\g<0>", " ".join(text.split())))


_LINKING = re.compile(r"(?<=\])(?=[(\[:])|(?<=<)(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)


def unlinked(text: str) -> str:
    """Markdown in which nothing becomes a link; the rest of its markup stays."""
    return _LINKING.sub(_JOINER, text)


def numeral(text: str, code: str | None = None) -> str:
    """A number, written as in English, as the visitor's language writes it."""
    return _numeral(text, code or language())


def _counted(one: str, many: str, n: int, places: Mapping[str, Any], code: str) -> str:
    if code == ENGLISH:
        return _filled(one if n == 1 else many, places, code)
    return _filled(_catalogue(code).ngettext(one, many, n), places, code)


def plural_forms(one: str, many: str, code: str) -> list[str]:
    """A sentence for 1, for 2 and for 5 things, as far as the language tells them apart."""
    return [_catalogue(code).ngettext(one, many, n) for n in (1, 2, 5)]


def _looked_up(text: str, code: str) -> str:
    # The catalogue's own facts stand under the empty text.
    return _catalogue(code).gettext(text) if text and code != ENGLISH else str(text)


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, FOLDER, [code], fallback=True)


def _filled(template: str, places: Mapping[str, Any], code: str) -> str:
    return _Numbers(code).vformat(template, (), places)


class _Numbers(string.Formatter):
    """Fills templates, with numbers as a language writes them."""

    def __init__(self, code: str) -> None:
        self._code = code

    def format_field(self, value: Any, format_spec: str) -> str:
        """One place."""
        text = str(format(value, format_spec))
        return _numeral(text, self._code) if isinstance(value, int | float) else text


_CZECH = str.maketrans({".": ",", ",": "\u202f"})
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NUMBER = re.compile(r"([+-]?)([0-9][0-9.,]*)(?:e([+-]?[0-9]+))?(.*)", re.DOTALL)


def _numeral(text: str, code: str) -> str:
    set_ = _typeset(text)
    return set_.translate(_CZECH).replace("%", "\u00a0%") if code == "cs" else set_


def _typeset(text: str) -> str:
    """A number as it is printed: -0.5 with a true minus sign, 1.3e-07 as 1.3·10⁻⁷, and no zero below zero."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return text
    sign, digits, power, rest = found.groups()
    if sign == "-":
        sign = "−" if digits.strip("0.,") else ""
    if power:
        digits = ("" if digits == "1" else f"{digits}·") + "10" + str(int(power)).translate(_RAISED)
    return f"{sign}{digits}{rest}"
