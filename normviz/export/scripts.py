"""Scripts: a spec as one complete, plain PyTorch file."""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from urllib.parse import urlencode

from normviz.export.experiments import recipe, recipes
from normviz.export.folding import LINE, Known, fold
from normviz.export.recipes import Code, Recipe
from normviz.export.sources import Import, Piece, names_in, piece
from normviz.spec import Spec

_ROOT = "main"
_LAST = f'if __name__ == "__main__":\n    {_ROOT}()\n'


@dataclass(frozen=True)
class Part:
    """A part of a script: its heading, its comment as paragraphs of Markdown, its code."""

    title: str
    comment: str
    code: str


def chapters(spec: Spec) -> dict[str, str]:
    """The chapters of a spec's page that have a script of their own: name and label, in their order.

    Raises:
        ExportError: there is no script for this spec.
    """
    return {name: one.label for name, one in recipes(spec).items()}


def file_name(experiment: str, chapter: str, ending: str) -> str:
    """The name of a script or notebook: one that hides no module of Python, as ``signal.py`` would."""
    return f"normviz-{experiment}{'-' if chapter else ''}{chapter}.{ending}"


def script(spec: Spec, chapter: str = "") -> str:
    """The script of a spec: of one chapter of its page, by default the first.

    Raises:
        ExportError: there is none for this spec, or no such chapter.
    """
    head, imports, *rest = parts(spec, chapter)
    texts = []
    for part in rest:
        comment = _filled(part.comment) + "\n" if part.comment else ""
        gap = "\n\n" if part.code.startswith(("@", "def ", "class ")) else "\n"
        texts.append(f"{_rule(part.title)}{comment}{gap}{part.code}")
    return f'"""{head.title}\n\n{head.comment}\n"""\n\n{imports.code}\n' + "\n\n".join(texts)


def parts(spec: Spec, chapter: str = "") -> list[Part]:
    """The parts of a spec's script: head (no code), imports, settings, the pieces, and the call."""
    made = recipe(spec, chapter)
    pieces = [piece(name) for name in made.pieces]
    settings = piece("settings")
    chosen = _chosen(made, pieces, settings)
    used = {name for definition in chosen.values() for name in names_in(definition)}
    told = _settings(made, settings, used - set(chosen))
    head = Part(spec.title, _head(made, _others(made)), "")
    found = [Part("Imports", "", _imports([*pieces, settings], used | names_in(told), set(chosen)))]
    if told:
        found.append(Part(settings.title, settings.comment, told))
    for one in pieces:
        own = [
            chosen[definition.name]
            for definition in one.definitions
            if definition.name in chosen and _home(definition.name, pieces) is one
        ]
        if own:
            found.append(Part(one.title, one.comment, _apart(own)))
    return [head, *found, Part("Run it", "", _LAST)]


def _chosen(made: Recipe, pieces: list[Piece], settings: Piece) -> dict[str, str]:
    """The folded source of everything that `_ROOT` needs, by name."""
    known = Known(
        {name: value for name, value in made.settings.items() if not isinstance(value, Code)}, made.choices
    )
    available = {one.name: one for part in pieces for one in part.definitions}
    chosen: dict[str, str] = {}
    waiting = [_ROOT]
    while waiting:
        name = waiting.pop()
        if name in chosen or name not in available:
            continue
        chosen[name] = fold(available[name].source, known)
        waiting += names_in(chosen[name])
    return chosen


def _home(name: str, pieces: list[Piece]) -> Piece:
    return next(one for one in reversed(pieces) if any(name == other.name for other in one.definitions))


def _settings(made: Recipe, settings: Piece, used: set[str]) -> str:
    lines = []
    for definition in settings.definitions:
        if definition.name in used:
            value = made.settings[definition.name]
            comment = re.search(r"  # .*", definition.source)
            text = value.text if isinstance(value, Code) else _written(value)
            lines.append(_setting(definition.name, text, comment[0] if comment else ""))
    return "".join(lines)


def _setting(name: str, text: str, comment: str) -> str:
    """One setting; a long one over several lines, with its comment above."""
    line = f"{name} = {text}{comment}\n"
    if len(line) <= LINE:
        return line
    above = f"{comment.strip()}\n" if comment else ""
    if text[0] == "{":
        node = ast.parse(text, mode="eval").body
        assert isinstance(node, ast.Dict)
        keys = [ast.get_source_segment(text, key) for key in node.keys if key is not None]
        values = [ast.get_source_segment(text, value) for value in node.values]
        items = "".join(f"    {key}: {value},\n" for key, value in zip(keys, values, strict=True))
        return f"{above}{name} = {{\n{items}}}\n"
    body = textwrap.indent(textwrap.fill(text[1:-1], LINE - 6), "    ")
    return f"{above}{name} = (\n{body},\n)  # fmt: skip\n"


def _filled(comment: str) -> str:
    """A piece's comment as lines of a script."""
    paragraphs = [textwrap.fill(" ".join(one.split()), LINE - 2) for one in comment.split("\n\n")]
    return textwrap.indent("\n\n".join(paragraphs), "# ", lambda _: True).replace("# \n", "#\n")


def _written(value: object) -> str:
    return repr(value).replace("'", '"')


def _imports(pieces: list[Piece], used: set[str], chosen: set[str]) -> str:
    wanted: dict[str, Import] = {}
    for one in pieces:
        wanted |= {each.name: each for each in one.imports if each.name in used and each.name not in chosen}
    blocks: dict[bool, tuple[list[str], dict[str, list[str]]]] = {True: ([], {}), False: ([], {})}
    for each in wanted.values():
        plain, froms = blocks[each.module.split(".")[0] in sys.stdlib_module_names]
        renamed = f" as {each.name}" if each.name not in (each.imported, each.module) else ""
        if each.imported:
            froms.setdefault(each.module, []).append(each.imported + renamed)
        else:
            plain.append(f"import {each.module}{renamed}")
    texts = ["from __future__ import annotations\n"]
    for plain, froms in (blocks[True], blocks[False]):
        lines = [*sorted(plain)]
        lines += [
            f"from {module} import {', '.join(sorted(froms[module], key=_isorted))}"
            for module in sorted(froms)
        ]
        if lines:
            texts.append("\n".join(lines) + "\n")
    return "\n".join(texts)


def _isorted(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: the order of sorted imports."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2), name


def _apart(sources: list[str]) -> str:
    """Definitions with two empty lines between them; constants stand close together."""
    text = sources[0]
    for before, source in pairwise(sources):
        text += ("" if _is_constant(before) and _is_constant(source) else "\n\n") + source
    return text


def _is_constant(source: str) -> bool:
    return not isinstance(ast.parse(source).body[0], ast.FunctionDef | ast.ClassDef)


def _rule(title: str) -> str:
    return f"# --- {title} ".ljust(LINE - 2, "-") + "\n"


def _head(made: Recipe, others: str) -> str:
    paragraphs = [*made.shows.split("\n\n"), *filter(None, [others]), *made.expects.split("\n\n")]
    filled = "\n\n".join(textwrap.fill(one, LINE - 4) for one in paragraphs)
    link = "\n".join(f"    {line}" for line in _link(made.spec))
    made_by = " ".join(filter(None, ("Made by NormViz", _version("normviz"), "for torch", _version("torch"))))
    return f"{filled}\n\n{made_by} from\n\n{link}"


def _others(made: Recipe) -> str:
    """What else the page shows: where there is a script of it, and what no script measures."""
    told = []
    others = [name for name in recipes(made.spec) if name != made.chapter]
    if others:
        command = f"python -m normviz export {made.spec.name} --format script --chapter {others[0]} …"
        told.append(
            f"This is the script “{made.chapter}”; the page has more: {', '.join(others)} ({command})."
        )
    if made.lacks:
        told.append(f"Of what the page shows too this measures nothing: {made.lacks}.")
    return " ".join(told)


def _link(spec: Spec) -> Iterator[str]:
    """The query of the spec's link, cut at the ends of parameters."""
    line = "?"
    for number, one in enumerate(urlencode(spec.to_query(full=True), safe=",:;=.").split("&")):
        part = ("&" if number else "") + one
        if len(line) + len(part) > LINE - 8:
            yield line
            line = ""
        line += part
    yield line


def _version(package: str) -> str:
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return ""
