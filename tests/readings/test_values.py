"""What runs say in words, in notes and in schemas: all of it is in the catalogues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from normviz.frames import Recording
from normviz.readings import TEMPLATES
from normviz.ui import static
from normviz.ui.speech import values

RECORDED = sorted(static.FOLDER.glob("recorded_*.bin"))
KNOWN = frozenset(values())
TORCHS = {("batch_size.refusal", "words"), ("forgotten_eval.one_raises", "error")}
"""Places that quote an error of torch, which stays as it is."""


def said(recording: Recording) -> Iterator[str]:
    """Every text in the notes."""
    for k in range(len(recording)):
        for note in recording.frame(k).notes:
            assert TEMPLATES[note.id].format(**note.numbers)
            for name, value in note.numbers.items():
                if isinstance(value, str) and (note.id, name) not in TORCHS:
                    yield value


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_a_run_says_is_names_that_the_browser_has_in_every_language(path: Path) -> None:
    """A name, or names in a row: as ``assets/words.js`` takes a text apart."""
    recording, _ = Recording.from_bytes(path.read_bytes())
    texts = set(said(recording))
    if counted := recording.schema.facts.get("cursor"):
        texts |= {counted["name"], counted["label"]}
    parts = {text for text in texts if text in KNOWN}
    for text in texts - parts:
        parts |= set(re.split(r", | → | \(|\)$", text))
    assert parts <= KNOWN
