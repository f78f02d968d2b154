"""Folding: leave out of a piece of source what the settings of one spec make unreachable.

A piece is written for all specs; ``if DROPOUT:`` or ``a if FORM == "mlp" else b`` says which lines belong to
which.  Folding decides what the settings decide, keeps the rest as it is written, and never reorders.

Known are the settings by name, and for each *choice* (``norm``) the values that it takes in this run:
``norm == "batch"`` is false where no variant has batch norm, true where all have it, else open.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

LINE = 110
"""Characters of a line, at most."""


@dataclass(frozen=True)
class Known:
    """What is known of a run while its script is written."""

    settings: Mapping[str, Any]
    choices: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """For each name of a variable the values that it takes."""


class _OpenError(Exception):
    """An expression whose value the settings do not decide."""


def fold(source: str, known: Known) -> str:
    """``source`` (one top-level definition) without the branches that are never taken."""
    while True:
        edit = next(_edits(source, known), None)
        if edit is None:
            return _with_short_heads(source)
        start, stop, replacement = edit
        raw = source.encode()
        source = (raw[:start] + replacement.encode() + raw[stop:]).decode()


def _with_short_heads(source: str) -> str:
    """Heads of functions in one line, where they have become so short."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno - node.lineno > 1:
            head = slice(node.lineno - 1, node.body[0].lineno - 1)
            joined = " ".join(line.strip() for line in lines[head])
            for long, short in (("( ", "("), (", )", ")"), (" )", ")")):
                joined = joined.replace(long, short)
            if node.col_offset + len(joined) <= LINE:
                lines[head] = [" " * node.col_offset + joined + "\n"]
                return _with_short_heads("".join(lines))
    return source


_Edit = tuple[int, int, str]
"""Bytes from, to, and what takes their place."""


def _edits(source: str, known: Known) -> Iterator[_Edit]:
    """What can be folded; only the first is valid, since it moves what follows."""
    lines = _Lines(source)
    for node in ast.walk(ast.parse(source)):
        for name in ("body", "orelse"):
            statements = getattr(node, name, None)
            if isinstance(statements, list):
                yield from _folded_statements(lines, statements, known)
                yield from _returned_at_once(lines, statements)
        if isinstance(node, ast.IfExp):
            taken = _decided(node.test, known)
            if taken is not None:
                yield (*lines.span(node), lines.text(node.body if taken else node.orelse))
        if isinstance(node, ast.BoolOp):
            # A number stands for itself in ``size or 1024``; only what is named can be known.
            left = [
                part
                for part in node.values
                if isinstance(part, ast.Constant) or _decided(part, known) is None
            ]
            if 0 < len(left) < len(node.values):
                word = " or " if isinstance(node.op, ast.Or) else " and "
                yield (*lines.span(node), word.join(map(lines.text, left)))
        if isinstance(node, ast.Call):
            yield from _passed_on(lines, node, known)
        if isinstance(node, ast.FunctionDef):
            yield from _always_default(lines, node, known)
            yield from _unused_parameters(lines, node)


def _folded_statements(lines: _Lines, statements: list[ast.stmt], known: Known) -> Iterator[_Edit]:
    for statement in statements:
        if not isinstance(statement, ast.If):
            continue
        taken = _decided(statement.test, known)
        if taken is None:
            continue
        if lines.is_elif(statement):
            yield (*lines.whole(statement), lines.rest_of_elif(statement, taken))
            return
        kept = statement.body if taken else statement.orelse
        start, stop = lines.whole(statement)
        if kept and isinstance(kept[-1], ast.Return | ast.Raise | ast.Continue):
            stop = lines.whole(statements[-1])[1]  # what follows is never reached
        if not kept and len(statements) == 1:
            raise ValueError(f"folding line {statement.lineno} would leave a block without statements")
        yield start, stop, lines.dedented(kept, statement.col_offset) if kept else ""
        return


def _returned_at_once(lines: _Lines, statements: list[ast.stmt]) -> Iterator[_Edit]:
    """``y: Tensor = f(x)`` before ``return y``: only a type checker needs the name."""
    for told, after in pairwise(statements):
        match told, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()),
                ast.Return(value=ast.Name(id=same)),
            ) if name == same:
                start, stop = lines.span(told)[0], lines.whole(after)[1]
                kept = lines.raw[lines.span(told.annotation)[1] : lines.starts[after.lineno - 1]]
                yield start, stop, "return " + kept.decode().removeprefix(" = ")
            case _:
                pass


def _always_default(lines: _Lines, function: ast.FunctionDef, known: Known) -> Iterator[_Edit]:
    """Parameters that are choices of a single value, and so never given: their default takes their place."""
    arguments = function.args.args
    defaults = function.args.defaults
    for argument, default in zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True):
        if len(known.choices.get(argument.arg, ())) == 1 and isinstance(default, ast.Name):
            passed_on = [one.value for one in ast.walk(function) if isinstance(one, ast.keyword)]
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and node.id == argument.arg and node not in passed_on:
                    yield (*lines.span(node), default.id)


def _unused_parameters(lines: _Lines, function: ast.FunctionDef) -> Iterator[_Edit]:
    """Parameters with a default of which nothing is left in the body; callers never give these."""
    named = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    arguments = function.args.args
    defaulted = arguments[len(arguments) - len(function.args.defaults) :]
    for argument, default in zip(defaulted, function.args.defaults, strict=True):
        if argument.arg in named:
            continue
        before = arguments[arguments.index(argument) - 1]
        ends = dict(zip(defaulted, function.args.defaults, strict=True))
        previous: ast.AST = ends.get(before, before)
        yield lines.span(previous)[1], lines.span(default)[1], ""


def _passed_on(lines: _Lines, call: ast.Call, known: Known) -> Iterator[_Edit]:
    """Choices that take a single value and are only passed on, as in ``f(x, gain=gain)``."""
    given: list[ast.AST] = [*call.args, *(keyword.value for keyword in call.keywords)]
    for keyword in call.keywords:
        value = keyword.value
        named = isinstance(value, ast.Name) and value.id == keyword.arg
        if named and len(known.choices.get(str(keyword.arg), ())) == 1:
            before = given[given.index(value) - 1]
            yield lines.span(before)[1], lines.span(value)[1], ""


class _Lines:
    """Where the nodes of a source lie, in bytes."""

    def __init__(self, source: str) -> None:
        self.raw = source.encode()
        self.starts = [0]
        for line in self.raw.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: Any) -> tuple[int, int]:
        """From the first byte of a node to the one behind its last."""
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def whole(self, node: ast.stmt) -> tuple[int, int]:
        """The lines of a statement, with the comments directly above it."""
        first = node.lineno - 1
        while first and self._line(first - 1).lstrip().startswith(b"#"):
            first -= 1
        return self.starts[first], self.starts[(node.end_lineno or node.lineno)]

    def text(self, node: ast.expr) -> str:
        """The source of an expression."""
        start, stop = self.span(node)
        return self.raw[start:stop].decode()

    def dedented(self, statements: list[ast.stmt], columns: int) -> str:
        """The lines of statements, moved to a column."""
        start, stop = self.whole(statements[0])[0], self.whole(statements[-1])[1]
        by = statements[0].col_offset - columns
        moved = [line[by:] if line[:by].isspace() else line for line in self._between(start, stop)]
        text = b"".join(moved).decode()
        return text.replace("elif", "if", 1) if self.is_elif(statements[0]) else text

    def is_elif(self, node: ast.stmt) -> bool:
        """Whether a statement is the second or a later branch of another one."""
        return self.raw[self.span(node)[0] :].startswith(b"elif")

    def rest_of_elif(self, node: ast.If, taken: bool) -> str:
        """What stays of an ``elif`` whose test is decided, with the branches behind it."""
        if taken:
            start, stop = self.whole(node.body[0])[0], self.whole(node.body[-1])[1]
            return " " * node.col_offset + "else:\n" + self.raw[start:stop].decode()
        if not node.orelse:
            return ""
        start, stop = self.whole(node.body[-1])[1], self.whole(node)[1]
        return self.raw[start:stop].decode()

    def _line(self, number: int) -> bytes:
        return self.raw[self.starts[number] : self.starts[number + 1]]

    def _between(self, start: int, stop: int) -> list[bytes]:
        return self.raw[start:stop].splitlines(keepends=True)


def _decided(test: ast.expr, known: Known) -> bool | None:
    """The value of a test, if the settings decide it."""
    if isinstance(test, ast.Name) and test.id in known.choices:
        verdicts = {bool(one) for one in known.choices[test.id]}
        return verdicts.pop() if len(verdicts) == 1 else None
    try:
        return bool(_value(test, known))
    except _OpenError:
        return None


def _value(node: ast.expr, known: Known) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name() if node.id in known.settings:
            return known.settings[node.id]
        case ast.Tuple():
            return tuple(_value(one, known) for one in node.elts)
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, known)
        case ast.BoolOp():
            return _joined(node, known)
        case ast.Compare() if len(node.ops) == 1:
            return _compared(node, known)
    raise _OpenError


def _joined(node: ast.BoolOp, known: Known) -> bool:
    """``and`` and ``or``, decided as soon as one part decides them."""
    decisive = isinstance(node.op, ast.Or)
    parts = [_decided(part, known) for part in node.values]
    if decisive in parts:
        return decisive
    if None in parts:
        raise _OpenError
    return not decisive


def _compared(node: ast.Compare, known: Known) -> bool:
    operator, right = node.ops[0], _value(node.comparators[0], known)
    if isinstance(node.left, ast.Name) and node.left.id in known.choices:
        verdicts = {_holds(operator, one, right) for one in known.choices[node.left.id]}
        if len(verdicts) != 1:
            raise _OpenError
        return verdicts.pop()
    return _holds(operator, _value(node.left, known), right)


def _holds(operator: ast.cmpop, left: Any, right: Any) -> bool:
    match operator:
        case ast.Eq():
            return bool(left == right)
        case ast.Is():
            return left is right
        case ast.IsNot():
            return left is not right
        case ast.NotEq():
            return bool(left != right)
        case ast.In():
            return left in right
        case ast.NotIn():
            return left not in right
        case ast.Gt():
            return bool(left > right)
        case ast.Lt():
            return bool(left < right)
    raise _OpenError
