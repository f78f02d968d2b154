"""Recordings kept in a folder, made beforehand and served as recorded runs by a player that starts later.

A file holds one finished run, the spec it is of, and the version of the engine that computed it.  One whose
version is not the present engine's, or whose spec reads differently today, is left alone with a line in the
log: it would not be what this server computes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from normviz import specs
from normviz.frames import Recording
from normviz.spec import Spec

logger = logging.getLogger(__name__)

_SUFFIX = ".normviz"


def save(folder: Path, spec: Spec, recording: Recording, version: str) -> Path:
    """Write a finished run; one of the same spec is replaced."""
    path = folder / f"{spec.name}-{spec.key[:16]}{_SUFFIX}"
    recording.save(path, {"spec": spec.to_json(), "version": version})
    return path


def load(folder: Path, version: str) -> Iterator[tuple[Spec, Recording]]:
    """The runs in a folder that this engine would compute in the same way."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            recording, about = Recording.from_bytes(path.read_bytes())
            spec = _spec(about, version)
        except Exception as error:  # whatever is wrong with a file must not keep the server from starting
            logger.warning("the recording %s is not used: %s", path.name, error)
            continue
        yield spec, recording


def _spec(about: dict[str, Any], version: str) -> Spec:
    """The spec of a file that fits.

    Raises:
        ValueError: the file does not fit.
    """
    if about.get("version") != version:
        raise ValueError("it was computed by another version of the program, of torch or of the processor")
    text = str(about.get("spec"))
    spec = specs.from_json(text)
    if spec.to_json() != text:
        raise ValueError("its settings are read differently today")
    return spec
