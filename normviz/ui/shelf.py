"""The shelf: where lessons are found, by the name in a link or in the link itself.

Shipped lessons stand in ``normviz/lessons``; an operator's own in the folder that NORMVIZ_LESSONS names.  A
lesson may also be in the link as a whole: base64url of zlib of its JSON, behind a ``~``.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import logging
import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from normviz.player.settings import lessons_folder
from normviz.spec import SpecError
from normviz.ui.entries import LessonError
from normviz.ui.lessons import Lesson, lesson_of, read
from normviz.ui.words import unlinked

logger = logging.getLogger(__name__)

SHIPPED = Path(__file__).resolve().parents[1] / "lessons"
INLINE = "~"
LARGEST = 4096
"""Characters of an encoded lesson."""
_UNPACKED = 65_536
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


def names() -> list[str]:
    """Lessons that can be asked for by name."""
    return sorted(_files())


def find(asked: str) -> Lesson:
    """The lesson that a link names or holds.

    Raises:
        SpecError: there is none of that name.
        LessonError: it cannot be given as it is written.
    """
    if asked.startswith(INLINE):
        return _inline(asked)
    files = _files()
    if asked not in files:
        near = difflib.get_close_matches(asked, files, 1)
        remedy = f"Did you mean {near[0]}?" if near else ""
        raise SpecError("Lesson", asked, f"one of {', '.join(files)}", remedy, field="lesson")
    path = files[asked]
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise LessonError(path.name, f"it cannot be read ({error.strerror}).") from error


def encode(told: Mapping[str, Any]) -> str:
    """A lesson as it stands in a link.

    Raises:
        SpecError: it is too long for one.
    """
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    code = INLINE + base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")
    if len(code) > LARGEST:
        raise SpecError(
            "Lesson", f"{len(code)} characters", f"at most {LARGEST} in a link",
            "Shorten the texts, or download the file and have it put into the folder of lessons.",
        )  # fmt: skip
    return code


def _files() -> dict[str, Path]:
    own = lessons_folder()
    folders = [SHIPPED, *([own] if own and own.is_dir() else [])]
    found = [path for folder in folders for path in sorted(folder.glob("*.toml"))]
    by_name = {path.stem.replace("_", "-").lower(): path for path in found}
    return {name: path for name, path in by_name.items() if _NAME.fullmatch(name)}


@lru_cache(maxsize=128)
def _read(path: Path, changed: int) -> Lesson:
    try:
        return read(path)
    except LessonError as error:
        logger.warning("%s", error.sentence)
        raise


@lru_cache(maxsize=128)
def _inline(code: str) -> Lesson:
    where = "The lesson in this link"
    if len(code) > LARGEST:
        raise LessonError(where, f"it has {len(code)} characters; allowed are {LARGEST}.")
    try:
        packed = base64.urlsafe_b64decode(code[1:] + "=" * (-len(code[1:]) % 4))
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(packed, _UNPACKED)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise ValueError
        told = _unlinked(json.loads(text))
    except (ValueError, binascii.Error, zlib.error, RecursionError):
        why = "it cannot be read; the link may have been cut off. Copy it again."
        raise LessonError(where, why) from None
    return lesson_of(told, code, where)


def _unlinked(told: Any) -> Any:
    """Texts without links: whoever makes a link must not lead its readers elsewhere under our name."""
    if isinstance(told, str):
        return unlinked(told)
    if isinstance(told, dict):
        return {key: _unlinked(value) for key, value in told.items()}
    return [_unlinked(one) for one in told] if isinstance(told, list) else told
