"""Bring the catalogues up to date: new sentences in, sentences of no use out, everything compiled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from normviz.locale import sources
from normviz.ui.words import DOMAIN, FOLDER

_DATE = datetime(2026, 1, 1, tzinfo=UTC)
"""Of every catalogue: a catalogue changes only with its sentences."""


def catalogues() -> list[Path]:
    """The ``.po`` of every language but English."""
    return sorted(FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read(path: Path) -> Catalog:
    """A catalogue as it stands."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name)


def compiled(catalogue: Catalog) -> bytes:
    """What its ``.mo`` holds: the translations, their lines broken only where the language allows it."""
    tied = deepcopy(catalogue)
    for message in tied if str(catalogue.locale) == "cs" else ():
        if message.id:
            said = message.string
            message.string = bound(said) if isinstance(said, str) else tuple(map(bound, said or ()))
    out = BytesIO()
    write_mo(out, tied)
    return out.getvalue()


_VERBATIM = re.compile(r"(`[^`]*`|\$[^$]*\$|<[^>]*>)")
_PER_CENT = re.compile(r"(?<=[\d}]) (?=%(?![\w{}]))")
_SHORT = re.compile(r"(?<![\w\u00a0.])([AIKOSUVZaikosuvz]) (?=\S|$)")


def bound(text: str) -> str:
    """A Czech text whose words of one letter stay with the next word, and per cent with their number.

    Code, formulas and tags stay as they are.
    """
    parts = _VERBATIM.split(text)
    parts[::2] = [_PER_CENT.sub("\u00a0", _SHORT.sub("\\1\u00a0", part)) for part in parts[::2]]
    return "".join(parts)


def merge(path: Path, found: list[sources.Sentence]) -> list[str]:
    """Write a catalogue anew from the sentences found; returns those that it does not translate."""
    old = read(path)
    new = Catalog(
        locale=old.locale, header_comment=old.header_comment, project="NormViz", version="", fuzzy=False,
        creation_date=_DATE, revision_date=_DATE, last_translator="NormViz", language_team="Czech",
    )  # fmt: skip
    for one in sorted(found, key=lambda one: one.place):
        key = (one.text, one.many) if one.many else one.text
        known = old.get(one.text)
        fits = known is not None and isinstance(known.string, tuple) == bool(one.many)
        new.add(
            key,
            known.string if fits and known else "",
            locations=[(one.place, 0)],
            auto_comments=known.auto_comments if known else (),
            user_comments=known.user_comments if known else (),
        )
    with path.open("wb") as file:
        write_po(file, new, width=110, include_lineno=False, sort_output=False)
    path.with_suffix(".mo").write_bytes(compiled(new))
    return [str(message.id) for message in new if message.id and not _said(message.string)]


def _said(string: str | Sequence[str] | None) -> bool:
    return bool(string) and all(string or ())


def main() -> None:
    """All catalogues."""
    found = sources.sentences()
    for path in catalogues():
        missing = merge(path, found)
        print(f"{path.parents[1].name}: {len(found)} sentences, {len(missing)} without translation")
        for text in missing:
            print(f"  {text}")


if __name__ == "__main__":
    main()
