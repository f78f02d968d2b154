"""Files, written whole or not at all: a full disk leaves no half file, and no reader meets one."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Write a file; what was there before is replaced at once, when everything is on the disk.

    Raises:
        OSError: it cannot be written.  What was there before is still there, and nothing else.
    """
    if path.exists() and not path.is_file():  # a device or a pipe: nothing to replace
        path.write_bytes(data)
        return
    target = Path(os.path.realpath(path))  # of a link what it leads to
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # some file systems notice here that the disk is full
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
