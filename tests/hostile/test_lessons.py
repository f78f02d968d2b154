"""Lessons and recordings from any bytes: what they say, or a sentence."""

from __future__ import annotations

import base64
import contextlib
import json
import tomllib
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from normviz.frames import Recording
from normviz.spec import SpecError
from normviz.ui import shelf
from normviz.ui.entries import LessonError
from normviz.ui.exhibits import QUESTIONS, SPECS
from normviz.ui.lesson_texts import step_of, to_toml
from normviz.ui.lessons import Lesson, lesson_of, read
from normviz.ui.words import plain, unlinked
from tests.hostile.test_specs import JSON
from tests.hostile.texts import ANY, queries, tried

PATHS = [*SPECS, *QUESTIONS]
ENTRIES = st.sampled_from(
    ["title", "for", "minutes", "faults", "steps", "page", "settings", "hide", "predict", "case", "text",
     "task", "question", "answer", "experiment", "charts", "titles", "fault", "told", "repairs", "words",
     "works"]
)  # fmt: skip
STEPS = st.fixed_dictionaries(
    {},
    optional={
        "page": st.sampled_from(PATHS) | ANY,
        "settings": st.dictionaries(
            st.sampled_from(["lr", "depth", "seed", "question", "norms"]) | ANY, JSON, max_size=2
        ),
        "hide": st.lists(ANY, max_size=2) | JSON,
        "text": ANY,
        "case": st.dictionaries(ENTRIES, JSON, max_size=4) | JSON,
        "predict": JSON,
    },
)
LESSONS = st.fixed_dictionaries(
    {"title": ANY | st.just("x"), "steps": st.lists(STEPS, min_size=1, max_size=3) | JSON},
    optional={"minutes": JSON, "for": ANY, "faults": st.dictionaries(ANY, ANY, max_size=2) | JSON},
)


def given_or_told(make: Any, *arguments: Any) -> Lesson | None:
    """The lesson, or a sentence in its place."""
    lesson, said = None, ""
    try:
        lesson = make(*arguments)
    except (LessonError, SpecError) as error:
        said = error.sentence
    assert isinstance(lesson, Lesson) != bool(said)
    assert lesson is None or 1 <= len(lesson.steps) <= 40
    assert len(said) < 2000
    return lesson


def packed(data: bytes) -> str:
    return shelf.INLINE + base64.urlsafe_b64encode(zlib.compress(data)).decode().rstrip("=")


@tried(120)
@given(LESSONS | st.dictionaries(ENTRIES | ANY, JSON, max_size=4) | JSON)
def test_a_lesson_in_a_link_is_one_or_a_sentence(told: Any) -> None:
    given_or_told(shelf.find, packed(json.dumps(told).encode()))
    given_or_told(lesson_of, told, "x", "x")


@tried(60)
@given(st.binary(max_size=200) | st.text().map(str.encode), st.integers(0, 30))
def test_a_link_that_holds_no_lesson_is_told(data: bytes, cut: int) -> None:
    code = packed(data)
    for one in (code, code[: len(code) - cut], shelf.INLINE + data.decode("latin-1"), data.decode("latin-1")):
        assert given_or_told(shelf.find, one) is None


@pytest.mark.parametrize(
    "data",
    [b"[" * 60_000, b'{"title":' * 3000, b'{"title":"x","steps":' + b"[" * 400 + b"]" * 400 + b"}",
     b'{"title":"x","minutes":' + b"9" * 5000 + b"}", b'{"title":"\\ud800","steps":[{"page":"train"}]}',
     b" " * 60_000, b'{"title":"x","steps":[' + b'{"page":"train"},' * 50 + b"{}]}"],
    ids=range(7),
)  # fmt: skip
def test_lessons_made_to_break_their_reader_do_not(data: bytes) -> None:
    given_or_told(shelf.find, packed(data))


@tried(60)
@given(st.binary(max_size=100) | LESSONS.map(lambda told: to_text(told).encode("utf-8", "replace")))
def test_a_file_is_a_lesson_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.toml"
    path.write_bytes(data)
    given_or_told(read, path)


def to_text(told: Any) -> str:
    """A lesson as TOML as far as it can be written, else as JSON."""
    try:
        return to_toml(told)
    except (TypeError, AttributeError):
        return json.dumps(told)


@pytest.mark.parametrize(
    "text",
    ["x = " + "9" * 5000, "x = " + "[" * 5000, "x = 1\nx = 2", "[a]\n[a]", "x = 2026-99-99", "\x00",
     "x = nan"],
)  # fmt: skip
def test_files_made_to_break_their_reader_do_not(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hostile.toml"
    path.write_text(text)
    assert given_or_told(read, path) is None


@tried(60)
@given(st.sampled_from(PATHS), st.data())
def test_a_line_of_the_builder_is_a_step_or_a_sentence(path: str, data: st.DataObject) -> None:
    kinds = [one.spec for one in QUESTIONS[path]] if path in QUESTIONS else list(SPECS[path])
    query = data.draw(queries(data.draw(st.sampled_from(kinds)))) | data.draw(
        st.dictionaries(ANY, ANY, max_size=1)
    )
    shown = "&".join(f"{quote(name)}={quote(text)}" for name, text in query.items())
    for link in (f"https://x.org/{path}?{shown}", data.draw(ANY), f"http://[{data.draw(ANY)}"):
        try:
            step = step_of(link)
        except (SpecError, ValueError):
            continue
        told = {"title": "x", "steps": [step]}
        assert given_or_told(lesson_of, told, "x", "x")
        assert tomllib.loads(to_toml(told)) == told


@tried(100)
@given(st.text() | ANY | st.text("\\`*_[]()<>:/@w.!$&~|# \n", max_size=40))
def test_what_is_shown_plainly_is_what_was_said(text: str) -> None:
    """A reader of Markdown takes escapes away; what is left are the words, and joiners that nobody sees."""
    shown = plain(text)
    assert "\n" not in shown
    read = []
    signs = iter(shown)
    for sign in signs:
        read.append(next(signs) if sign == "\\" else sign)
    assert "".join(read).replace("\u2060", "") == " ".join(text.split()).replace("\u2060", "")


@pytest.mark.parametrize(
    "text",
    ["[x](https://evil.example)", "\\[x](https://evil.example)", "[x][y]\n\n[y]: https://evil.example",
     "<https://evil.example>", "https://evil.example", "WWW.evil.example", "a@evil.example",
     "[x]\\(//evil.example)"],
)  # fmt: skip
def test_a_shared_lesson_has_no_links(text: str) -> None:
    """By another reader of Markdown; bare addresses are tried in a browser."""
    markdown = MarkdownIt("commonmark")
    assert "<a" not in markdown.render(unlinked(text))


# --- recordings ---------------------------------------------------------------------------------------


@tried(100)
@given(st.data())
def test_bytes_are_a_recording_or_an_error_that_says_so(data: st.DataObject) -> None:
    whole = WALK
    at = data.draw(st.integers(0, len(whole) - 1))
    bent = data.draw(
        st.one_of(
            st.just(whole[:at]),
            st.binary(min_size=1, max_size=8).map(lambda put: whole[:at] + put + whole[at + len(put) :]),
            st.binary(max_size=60).map(lambda rest: whole[:8] + rest),
            JSON.map(lambda told: headed(told) + whole[-20:]),
        )
    )
    with contextlib.suppress(ValueError):  # and no other error
        recording, _ = Recording.from_bytes(bent)
        for k in range(len(recording)):
            recording.frame(k)


def headed(told: Any) -> bytes:
    head = json.dumps({"schema": told, "about": {}}).encode()
    return b"NORMVIZ1" + len(head).to_bytes(4, "little") + head


def _walk() -> bytes:
    from tests.player.small_experiments import SCHEMA, Walk, walk
    from tests.player.stands import frames_of

    return Recording(SCHEMA, frames_of(Walk(seed=1, steps=3), walk)).to_bytes({"a": 1})


WALK = _walk()
