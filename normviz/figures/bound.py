"""Figure: a Plotly figure whose arrays are references into a recording.

A figure is declared once, in Python, before there is any data.  Wherever Plotly expects an array it may
hold a ``Ref``; the browser resolves these for the frame under the visitor's cursor (``ui/stage.js``), and
``resolve`` does the same here for exports and tests.  A reference is a name, an index, and one of

    now      the array as it stands at the cursor's frame
    history  all its values up to the cursor's frame, time first
    steps    the training steps of that history
    final    its last value in the whole recording, wherever the cursor is

and nothing cleverer: what must be derived is derived in the experiment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from normviz.frames import Recording

When = Literal["now", "history", "steps", "final"]
Index = int | str | None
"""Along one axis: a position, ``None`` for all of it, or the name of a cursor of the stage ("layer")."""


@dataclass(frozen=True)
class Ref:
    """A reference into a recording; ``index`` may be shorter than the array has axes."""

    name: str
    index: tuple[Index, ...] = ()
    when: When = "now"

    def to_plain(self) -> dict[str, Any]:
        """The form in which the browser reads it."""
        return {"ref": self.name, "index": list(self.index), "when": self.when}


def now(name: str, *index: Index) -> Ref:
    """The array as it stands at the cursor."""
    return Ref(name, index)


def history(name: str, *index: Index) -> Ref:
    """All values up to the cursor."""
    return Ref(name, index, "history")


def steps(name: str) -> Ref:
    """The training steps that belong to ``history(name)``."""
    return Ref(name, (), "steps")


def final(name: str, *index: Index) -> Ref:
    """The last value in the whole recording."""
    return Ref(name, index, "final")


@dataclass(frozen=True)
class Door:
    """Where the cells of a figure's maps lead: an address, and what it says of a cell.

    Templates in Python's format language (see ``normviz.readings``).  Known are ``{x}``, ``{y}`` and ``{z}``,
    the cell's coordinates and value as the trace has them, and ``{variant}`` and ``{name}`` of the trace.

    ``to`` is relative to the site ("train?norms={variant}&lr={x}").  ``says`` names the cell, and ``value``
    what is in it; ``nothing`` stands in for ``value`` where that is no number.
    """

    to: str
    says: str
    value: str
    nothing: str


@dataclass(frozen=True)
class Figure:
    """A bound Plotly figure.

    ``roles`` says what an axis measures, so that the stage can mark it: ``{"x": "step"}`` gets the
    cursor's line, ``{"y": "layer"}`` the chosen layer, and a click there chooses.
    ``alt`` is the text alternative; it says what the chart shows, not how it looks.
    ``opens``: a click on a cell of a map, or Enter on the one that is chosen by the arrow keys, leads there.
    """

    key: str
    title: str
    traces: tuple[Mapping[str, Any], ...]
    layout: Mapping[str, Any]
    alt: str
    roles: Mapping[str, Literal["step", "layer"]] = field(default_factory=dict)
    expert: bool = False
    opens: Door | None = None

    def to_plain(self) -> dict[str, Any]:
        """Plain JSON values, references included: what the browser is sent."""
        return {
            "key": self.key,
            "title": self.title,
            "data": [_plain(trace) for trace in self.traces],
            "layout": _plain(self.layout),
            "alt": self.alt,
            "roles": dict(self.roles),
            "expert": self.expert,
            "opens": None if self.opens is None else asdict(self.opens),
        }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):  # most of a figure, and quickly known
        return value
    if isinstance(value, Ref):
        return value.to_plain()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def resolve(
    figure: Figure, recording: Recording, frame: int = -1, cursors: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The Plotly figure (``{"data", "layout"}``) at one frame; an array that is not there yet is empty."""
    return {
        "data": [_resolved(trace, recording, frame, cursors or {}) for trace in figure.traces],
        "layout": _resolved(figure.layout, recording, frame, cursors or {}),
    }


def _resolved(value: Any, recording: Recording, frame: int, cursors: Mapping[str, int]) -> Any:
    if isinstance(value, Ref):
        return lookup(value, recording, frame, cursors)
    if isinstance(value, Mapping):
        return {key: _resolved(one, recording, frame, cursors) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(one, recording, frame, cursors) for one in value]
    return value


def lookup(ref: Ref, recording: Recording, frame: int, cursors: Mapping[str, int]) -> NDArray[Any]:
    """The array that a reference names, at one frame."""
    if ref.when == "steps":
        return recording.history(ref.name, frame)[0]
    at = _slices(ref.index, cursors)
    if ref.when == "history":
        return recording.history(ref.name, frame)[1][(slice(None), *at)]
    try:
        value: NDArray[Any] = recording.at(ref.name, -1 if ref.when == "final" else frame)[at]
        return value
    except KeyError:
        recording.schema[ref.name]  # an unknown name is a fault; a value that is not there yet is not
        return np.empty(0)


def _slices(index: Sequence[Index], cursors: Mapping[str, int]) -> tuple[Any, ...]:
    def one(i: Index) -> Any:
        if i is None:
            return slice(None)
        return cursors.get(i, 0) if isinstance(i, str) else i

    return tuple(one(i) for i in index)
