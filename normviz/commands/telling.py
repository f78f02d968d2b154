"""What the commands share: refusals, and how results and files are written."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, TypeAlias

from normviz import files

RAW = argparse.RawDescriptionHelpFormatter
"""Help pages are laid out by hand."""
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class RefusedError(Exception):
    """A request that cannot be met, with the sentence that says why."""


def json_flag(parser: argparse.ArgumentParser) -> None:
    """Declare ``--json``."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")


def print_tree(value: dict[str, Any], indent: str = "") -> None:
    """Print nested results for a reader; numbers over seeds as mean ± SD."""
    for name, one in value.items():
        if isinstance(one, dict) and set(one) == {"mean", "sd", "seeds"}:
            mean, sd = ("–" if one[key] is None else f"{one[key]:.3g}" for key in ("mean", "sd"))
            print(f"{indent}{name}: {mean} ± {sd} (seeds: {one['seeds']})")
        elif isinstance(one, dict):
            print(f"{indent}{name}")
            print_tree(one, indent + "  ")
        else:
            print(f"{indent}{name}: {one:.4g}" if isinstance(one, float) else f"{indent}{name}: {one}")


def write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all, and its folder.

    Raises:
        RefusedError: the system does not let us.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, data)
    except OSError as error:
        raise RefusedError(f"cannot write {path}: {error.strerror}") from error
