"""Catalogues: nothing that is read is missing, places survive translation, and what runs is compiled."""

from __future__ import annotations

import ast
import gettext
import string
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from normviz.locale import sources
from normviz.locale.__main__ import bound, catalogues, read

EVERY = pytest.mark.parametrize("path", catalogues(), ids=lambda path: path.parents[1].name)
SPOKEN = {
    "title", "header", "subheader", "markdown", "caption", "warning", "error", "info", "button", "expander",
    "popover", "toggle",
}  # fmt: skip
"""Functions of Streamlit whose first argument is read."""


@cache
def found() -> list[sources.Sentence]:
    return sources.sentences()


def strings(catalogue: Catalog, text: str) -> tuple[str, ...]:
    message = catalogue.get(text)
    if message is None:
        return ()
    return message.string if isinstance(message.string, tuple) else (message.string,)


@EVERY
def test_no_sentence_is_missing(path: Path) -> None:
    """After new text: ``python -m normviz.locale``, then translate what it lists."""
    catalogue = read(path)
    missing = [
        f"{one.place}: {one.text}"
        for one in found()
        if not (said := strings(catalogue, one.text)) or not all(said)
    ]
    assert not missing, "\n".join(["without translation:", *missing])


@EVERY
def test_what_is_read_at_run_time_is_what_is_written(path: Path) -> None:
    compiled = gettext.GNUTranslations(BytesIO(path.with_suffix(".mo").read_bytes()))
    for message in read(path):
        if isinstance(message.id, tuple):
            assert [compiled.ngettext(*message.id, n) for n in (1, 2, 5)] == list(map(bound, message.string))
        elif message.id and message.string:
            assert compiled.gettext(message.id) == bound(message.string)


def test_short_words_of_czech_stay_with_the_next_one() -> None:
    """As its typography asks; a line does not end with “v”.  Code, formulas and tags are left alone."""
    assert bound("V dávce a s ReLU: k `x v y`, $z o u$") == tied("V~dávce a~s~ReLU: k~`x v y`, $z o u$")


def test_per_cent_of_czech_stay_with_their_number() -> None:
    assert bound("do 90 % dávky, {n:.0f} %, `5 % 3`") == tied("do 90~% dávky, {n:.0f}~%, `5 % 3`")


def tied(text: str) -> str:
    return text.replace("~", "\N{NO-BREAK SPACE}")


def places(template: str) -> set[tuple[str, str]]:
    """Names and formats of a template's places."""
    return {(name, form or "") for _, name, form, _ in string.Formatter().parse(template) if name}


@EVERY
def test_translations_keep_the_places(path: Path) -> None:
    """In every form, and with the same formats; only the singular may leave out its number."""
    for message in read(path):
        one = message.id[-1] if isinstance(message.id, tuple) else message.id
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        if "$" in one or "%{" in one.replace("%{{", "") or not places_known(one):
            continue
        for form in said[1:] if len(said) > 1 else said:
            if form:
                assert places(form) == places(one), (one, form)


def places_known(text: str) -> bool:
    try:
        return bool(places(text))
    except ValueError:
        return False


@pytest.mark.parametrize("page", sorted((sources.ROOT / "pages").glob("*.py")), ids=lambda path: path.stem)
def test_pages_say_nothing_past_the_catalogue(page: Path) -> None:
    bare = [
        f"line {node.lineno}: {node.args[0].value!r}"
        for node in ast.walk(ast.parse(page.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SPOKEN
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]
    assert not bare, f"{page.name} says without _(): {bare}"


@pytest.mark.parametrize(
    "module", sorted((sources.ROOT / "normviz" / "figures").glob("*.py")), ids=lambda path: path.stem
)
def test_figures_fill_whole_sentences(module: Path) -> None:
    """An f-string cannot be translated; ``phrase`` can."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    faults = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise | ast.Assert)
        for inner in ast.walk(node)
    }
    bare = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and id(node) not in faults
        if len([word for word in literal(node).split() if word.isalpha() and len(word) > 2]) > 1
    ]
    assert not bare, "\n".join(bare)


def literal(node: ast.JoinedStr) -> str:
    return " ".join(one.value for one in node.values if isinstance(one, ast.Constant))
