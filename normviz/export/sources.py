"""Sources: the definitions of the pieces, read as text; nothing of them is imported.

A piece is an ordinary module that torch runs and tests import.  Its docstring is the heading and the comment
of its part of a script.  What it imports from other pieces is in their parts; what it imports from the lab
stands in its own part, taken from there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

PACKAGE = "normviz.export.pieces"
_OWN, _LAB = "normviz", "normviz.lab."


@dataclass(frozen=True)
class Definition:
    """A top-level class, function or constant, with the comments above it."""

    name: str
    source: str

    @property
    def names(self) -> frozenset[str]:
        """Every name that it uses."""
        return names_in(self.source)


@dataclass(frozen=True)
class Import:
    """One name that a piece imports from elsewhere."""

    name: str
    """What the piece calls it."""
    module: str
    imported: str = ""
    """What is imported from the module; empty: the module itself."""


@dataclass(frozen=True)
class Piece:
    """One module: heading, comment, definitions in their order, imports from outside."""

    title: str
    comment: str
    definitions: tuple[Definition, ...]
    imports: tuple[Import, ...]
    lab: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Modules of the lab, and the names that it takes from each."""


@cache
def piece(module: str) -> Piece:
    """The piece of this name, a module of `PACKAGE`, with what it takes from the lab."""
    own = read(_text_of(f"{PACKAGE}.{module}"))
    taken = [_only(names, read(_text_of(lab))) for lab, names in own.lab]
    return Piece(
        own.title,
        own.comment,
        (*(one for part in taken for one in part.definitions), *own.definitions),
        (*(one for part in taken for one in part.imports), *own.imports),
        own.lab,
    )


def _only(names: Sequence[str], module: Piece) -> Piece:
    """What is imported from a module, and whatever of it that needs."""
    needed = set(names)
    while True:
        found = [one for one in module.definitions if one.name in needed]
        more = needed.union(*(one.names for one in found))
        if more == needed:
            return replace(module, definitions=tuple(found))
        needed = more


def _text_of(module: str) -> str:
    *folders, name = module.split(".")[1:]
    return files(_OWN).joinpath(*folders, f"{name}.py").read_text("utf-8")


_FOR_TOOLS = re.compile(r"  # (?:type: ignore|noqa).*")


def read(source: str) -> Piece:
    """Take a module apart."""
    tree = ast.parse(source)
    title, _, comment = (ast.get_docstring(tree) or "").partition("\n\n")
    lines = _FOR_TOOLS.sub("", source).splitlines(keepends=True)
    definitions: list[Definition] = []
    imports: list[Import] = []
    lab: list[tuple[str, tuple[str, ...]]] = []
    for node in tree.body:
        match node:
            case ast.Import():
                imports += [Import(one.asname or one.name, one.name) for one in node.names]
            case ast.ImportFrom(module=str(name)) if name.startswith(_LAB):
                lab.append((name, tuple(one.name for one in node.names)))
            case ast.ImportFrom() if node.module and node.module.split(".")[0] != _OWN:
                imports += [Import(one.asname or one.name, node.module, one.name) for one in node.names]
            case ast.ClassDef() | ast.FunctionDef():
                definitions.append(Definition(node.name, _text(node, lines)))
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                pass
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                definitions.append(Definition(name, _text(node, lines)))
            case ast.Expr() if definitions:
                last = definitions.pop()  # the docstring of a constant
                definitions.append(Definition(last.name, last.source + _text(node, lines)))
    return Piece(title.rstrip("."), comment, tuple(definitions), tuple(imports), tuple(lab))


def names_in(source: str) -> frozenset[str]:
    """Every name that a source uses."""
    return frozenset(node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))


def _text(node: ast.stmt, lines: list[str]) -> str:
    first = node.lineno - 1
    if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.decorator_list:
        first = node.decorator_list[0].lineno - 1
    while first and re.match(r"#(?! ---)", lines[first - 1]):
        first -= 1
    return "".join(lines[first : node.end_lineno])
