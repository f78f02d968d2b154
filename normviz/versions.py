"""What decides the frames of a run besides its spec: the program's source, torch, and the processor."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SOURCES = ("spec.py", "frames.py", "catalog", "specs", "lab")


@dataclass(frozen=True)
class About:
    """What an engine says about itself (see ``messages.HELLO``)."""

    form: str
    torch: str
    cpu: str
    source: str
    devices: tuple[str, ...]
    """All that were found there, "cpu" and each GPU with its name."""
    device: str = "cpu"
    """The one of them that computes."""
    milliseconds: tuple[tuple[str, float], ...] = ()
    """What a training step of the first race took on which device, if that was measured to choose one."""

    @property
    def version(self) -> str:
        """Two engines of one version give the same frames for one spec."""
        same = f"{self.source} {self.torch} {self.cpu}"
        if self.device == "cpu":
            return same
        kind, _, name = self.device.partition(" ")  # which of two equal GPUs it is makes no difference
        return f"{same} {kind.partition(':')[0]} {name}".rstrip()


def source_hash(modules: Iterable[str]) -> str:
    """Hash of the code and data that decide what a run computes; ``modules`` hold further experiments.

    Raises:
        ModuleNotFoundError: one of the modules is not there.
    """
    package = Path(__file__).parent
    files = [f for name in _SOURCES for f in sorted((package / name).rglob("*"))]
    files += [package / name for name in _SOURCES]
    files += [_file(name) for name in modules]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file() and file.suffix != ".pyc":
            digest.update(json.dumps([file.name, file.stat().st_size]).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _file(module: str) -> Path:
    """Where a module is, without importing it: the web process must not import what only the lab needs."""
    found = importlib.util.find_spec(module)
    if found is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    return Path(found.origin or "")
