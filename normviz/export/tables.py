"""The numbers of a figure as CSV, one row a point; ui/assets/tables.js does the same in the browser.

The columns, of which those that would be empty are left out:

    the cursor's name   where the frame stands ("Training step"), for what is shown frame by frame
    panel               title of the panel, where a figure has several
    series              name of the trace
    quantity            name of the recorded array behind the values
    variant, seed …     the axes of that array at which it is held fixed, by their labels
    x: …, y: …, z       the values, with the axes' titles (which carry the units)
    error, text         half the length of an error bar, and what is written at a point

A curve over time is written once, as far as it goes; what a figure shows of a single moment is written for
every frame at which it is new, or for one frame alone.  Points without a place are left out.  Counts in a
unit 1/N are written as shares.  An empty cell is no number (a network that has diverged).
"""

from __future__ import annotations

import csv as files
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz.figures.bound import Figure, Ref, lookup
from normviz.frames import Recording, Schema

Row = dict[str, str]

_SHARE = re.compile(r"1/(\d+)")
_VALUES = ("z", "y", "x")


def csv(
    figure: Figure, recording: Recording, frame: int | None = None, cursors: Mapping[str, int] | None = None
) -> str:
    """The numbers of a figure: at one frame as it is on screen, or (None) at all of them.

    ``cursors`` say which layer is chosen.
    """
    table = _Table(figure, recording, cursors or {})
    rows = [row for trace in figure.traces for row in table.rows(trace, frame)]
    columns = [name for name in table.columns() if any(row.get(name) for row in rows)]
    out = io.StringIO()
    writer = files.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return out.getvalue()


class _Table:
    def __init__(self, figure: Figure, recording: Recording, cursors: Mapping[str, int]) -> None:
        self.figure, self.recording, self.cursors = figure, recording, cursors
        self.schema = recording.schema
        counted = self.schema.facts.get("cursor")
        self.when = counted["name"] if counted else "Training step"
        self.places: list[float] = list(counted["values"]) if counted else []
        self.heads = {letter: self._head(letter) for letter in "xyz"}
        self.panels = _panels(figure.layout)

    def columns(self) -> list[str]:
        axes = dict.fromkeys(axis for array in self.schema.arrays for axis in array.axes)
        first = [self.when, "panel", "series", "quantity", *axes]
        return list(dict.fromkeys([*first, *self.heads.values(), "error", "text"]))

    def rows(self, trace: Mapping[str, Any], frame: int | None) -> Iterator[Row]:
        refs = [value for value in _parts(trace).values() if isinstance(value, Ref)]
        whens = {ref.when for ref in refs}
        momentary = "now" in whens and not whens & {"history", "steps"}
        last = len(self.recording) - 1
        if frame is not None or not momentary:
            frames = [last if frame is None else frame]
        else:
            names = {ref.name for ref in refs if ref.when == "now"}
            frames = sorted({k for name in names for k in _held(self.recording, name)})
        for k in frames:
            when = {self.when: _text(self._place(k))} if momentary else {}
            yield from ({**when, **row} for row in self._at(trace, k))

    def _at(self, trace: Mapping[str, Any], k: int) -> Iterator[Row]:
        found = {name: self._values(value, k) for name, value in _parts(trace).items()}
        fixed = self._fixed(trace)
        z = found.get("z")
        if z is not None:
            if trace.get("transpose"):
                z = [list(column) for column in zip(*z, strict=True)]
            if z and not isinstance(z[0], list):
                z = [z]
            x, y, texts = found.get("x"), found.get("y"), found.get("text")
            for j, row in enumerate(z):
                for i, value in enumerate(row):
                    point = {"x": _item(x, i, i), "y": _item(y, j, j), "z": value}
                    told = {"text": _text(_item(_item(texts, j, []), i, ""))} if texts else {}
                    yield {**fixed, **self._named(point), **told}
            return
        x, y = found.get("x"), found.get("y")
        n = min(len(some) for some in (x, y) if some is not None) if x is not None or y is not None else 0
        for i in range(n):
            point = {"x": _item(x, i, i), "y": _item(y, i, i)}
            if point["x"] == "":  # nowhere: such a point is not drawn
                continue
            more = {name: _text(_item(found[name], i, "")) for name in ("error", "text") if found.get(name)}
            yield {**fixed, **self._named(point), **more}

    def _named(self, point: Mapping[str, Any]) -> Row:
        return {self.heads[name]: _text(value) for name, value in point.items()}

    def _values(self, value: Any, k: int) -> list[Any]:
        """Plain values of a trace's array, as text where they are recorded; shares for counts."""
        if not isinstance(value, Ref):
            return list(value)
        found = np.atleast_1d(lookup(value, self.recording, k, self.cursors))
        share = _SHARE.fullmatch(self.schema[value.name].unit)
        if share and value.when != "steps":
            found = found / int(share[1])
        texts: list[Any] = _texts(found)
        return texts

    def _fixed(self, trace: Mapping[str, Any]) -> Row:
        """Panel, series, quantity, and where on its axes the array is held."""
        told = {"panel": self.panels.get(str(trace.get("xaxis", "x")), "")}
        told["series"] = _plain(str(trace.get("name") or ""))
        ref = _valued(trace)
        if ref is not None:
            told["quantity"] = ref.name
            for axis, at in zip(self.schema[ref.name].axes, ref.index, strict=False):
                if at is not None:
                    told[axis] = self._label(ref.name, axis, at)
        return told

    def _label(self, name: str, axis: str, at: int | str) -> str:
        labels = self.schema.labels.get(axis, ())
        i = self.cursors.get(at, 0) if isinstance(at, str) else at
        extent = self.schema[name].shape[self.schema[name].axes.index(axis)]
        i = i + extent if i < 0 else i
        return _text(labels[i]) if i < len(labels) else str(i + 1 if axis == "layer" else i)

    def _place(self, k: int) -> float:
        step = self.recording.frame(k).step
        return self.places[step] if self.places else step

    def _head(self, letter: str) -> str:
        """Column of x, y or z: the titles of its axes, or the unit of what is recorded."""
        axes = [part for name, part in self.figure.layout.items() if re.fullmatch(rf"{letter}axis\d*", name)]
        titles = [_plain((axis.get("title") or {}).get("text") or "") for axis in axes]
        told = " / ".join(dict.fromkeys(title for title in titles if title))
        if not told:
            units = dict.fromkeys(_unit(self.schema, trace.get(letter)) for trace in self.figure.traces)
            told = " / ".join(unit for unit in units if unit)
        return f"{letter}: {told}" if told else letter


def _parts(trace: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a trace that make its points."""
    found = {name: trace[name] for name in ("x", "y", "z", "text") if _is_array(trace.get(name))}
    for name in ("error_y", "error_x"):
        bars = trace.get(name) or {}
        if _is_array(bars.get("array")):
            found["error"] = bars["array"]
    return found


def _is_array(value: Any) -> bool:
    return isinstance(value, Ref | list | tuple | np.ndarray)


def _valued(trace: Mapping[str, Any]) -> Ref | None:
    """The reference to what a trace shows: its values rather than their places."""
    refs = [trace[name] for name in _VALUES if isinstance(trace.get(name), Ref)]
    return next((ref for ref in refs if ref.when != "steps"), None)


def _held(recording: Recording, name: str) -> Iterator[int]:
    return (k for k in range(len(recording)) if name in recording.frame(k).arrays)


def _panels(layout: Mapping[str, Any]) -> dict[str, str]:
    """Titles of the panels by the names of their x axes, in the order in which figures put them."""
    axes = [name.replace("xaxis", "x") for name in layout if re.fullmatch(r"xaxis\d*", name)]
    titles = [str(one.get("text", "")) for one in layout.get("annotations", ()) if one.get("xref") == "paper"]
    return {axis: _plain(title) for axis, title in zip(axes, titles, strict=False)} if len(axes) > 1 else {}


def _unit(schema: Schema, value: Any) -> str:
    if not isinstance(value, Ref) or value.when == "steps":
        return ""
    unit = schema[value.name].unit
    return "share" if _SHARE.fullmatch(unit) else unit


def _item(values: Any, i: int, otherwise: Any) -> Any:
    return values[i] if values is not None and i < len(values) else otherwise


def _plain(text: str) -> str:
    """Words of a title without its marks."""
    return re.sub(r"<[^>]*>", " ", text).replace("  ", " ").strip()


def _texts(values: NDArray[Any]) -> Any:
    """Numbers as the shortest texts that say the same in their own precision."""
    if values.ndim > 1:
        return [_texts(row) for row in values]
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return _number(value)
    return _plain(value) if isinstance(value, str) else str(value)


def _number(value: Any) -> str:
    if not np.isfinite(value):
        return "" if np.isnan(value) else ("inf" if value > 0 else "-inf")
    if value == 0 or 1e-4 <= abs(value) < 1e15:
        return str(np.format_float_positional(value, trim="-"))
    return str(np.format_float_scientific(value, trim="-", exp_digits=2))
