"""What the commands share: refusals, and how results and files are written."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from normviz import files
from normviz.spec import Spec, SpecError
from normviz.specs import EXPERIMENTS, experiment

RAW = argparse.RawDescriptionHelpFormatter
"""Help pages are laid out by hand."""
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class RefusedError(Exception):
    """A request that cannot be met, with the sentence that says why."""


class _Help(argparse.Action):
    """``--help``; after the name of an experiment with the fields of this one alone."""

    def __init__(
        self, *, option_strings: Sequence[str], dest: str, beside: Mapping[str, type[Spec]], **_: Any
    ) -> None:
        self._beside = beside
        super().__init__(
            option_strings, dest, nargs=0, default=argparse.SUPPRESS, help="show this page and exit"
        )

    def __call__(self, parser: argparse.ArgumentParser, asked: argparse.Namespace, *_: Any) -> None:
        if name := getattr(asked, "experiment", None):
            try:
                parser.epilog = f"its fields:\n\n{_fields(kind_of(name, self._beside))}"
            except SpecError as refusal:
                parser.exit(2, f"normviz: {refusal}\n")
        parser.print_help()
        parser.exit()


def experiment_and_fields(
    parser: argparse.ArgumentParser, about: str, beside: Mapping[str, type[Spec]] = MappingProxyType({})
) -> None:
    """Declare the experiment, its ``--set`` and a ``--help`` that knows its fields (``add_help=False``).

    ``beside``: by their names, what this command takes like an experiment.
    """
    parser.add_argument("experiment", help="one of " + ", ".join((*beside, *EXPERIMENTS)))
    parser.add_argument("-h", "--help", action=_Help, beside=beside)
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help=about)


def kind_of(name: str, beside: Mapping[str, type[Spec]] = MappingProxyType({})) -> type[Spec]:
    """The kind of spec of this name, an experiment's or one of those ``beside`` them.

    Raises:
        SpecError: there is none.
    """
    return beside.get(name) or experiment(name)


def every_field() -> str:
    """The fields of all experiments, as a help page lists them."""
    return "experiments and their fields:\n\n" + "\n\n".join(map(_fields, EXPERIMENTS.values()))


def _fields(kind: type[Spec]) -> str:
    lines = [f"{kind.name}: {kind.title}"]
    for name, knob, default in kind.knobs():
        shown = ",".join(default) if isinstance(default, tuple) else default
        lines.append(f"  {name:18}{knob.allowed(default)} (default {'empty' if shown == '' else shown})")
    return "\n".join(lines)


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


def writable(folder: Path) -> None:
    """Make a folder and see that files can be written there, before minutes are spent on what they hold.

    Raises:
        RefusedError: the system does not let us.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RefusedError(f"cannot write to {folder}: {error.strerror}") from error
