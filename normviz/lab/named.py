"""Things that the catalog names as "module:name"."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def named(path: str) -> Any:
    """What "module:name" stands for."""
    module, name = path.split(":")
    return getattr(import_module(module), name)
