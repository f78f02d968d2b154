"""Frame and Recording: what a run shows, as named arrays.

A run sends one ``Schema`` and then ``Frame``s.  A frame holds a step and *some* of the schema's arrays
(those that are new at this step), so a loss curve may come every step and a histogram every fifth, and
a constant such as the edges of the bins comes once.  What an array is at frame k is therefore its latest
value at or before k.

On the wire (little endian; the browser reads the same bytes):

    frame   = step i32, length of mask u16, length of notes u16, mask, notes (JSON, UTF-8), arrays
    mask    = bit i is set if array i of the schema is present
    arrays  = the present arrays in the schema's order, C order, no padding
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normviz import files

_HEAD = struct.Struct("<iHH")
_LENGTH = struct.Struct("<I")
_MAGIC = b"NORMVIZ1"

DTYPES = {"u1": 1, "u2": 2, "u4": 4, "i4": 4, "f4": 4, "f8": 8}
"""Element types of arrays and their size in bytes; all little endian."""


@dataclass(frozen=True)
class Array:
    """One named array of a schema.

    ``axes`` names its dimensions ("variant", "seed", "layer", "bin" …), one for each of ``shape``.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    axes: tuple[str, ...] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"array {self.name}: dtype {self.dtype!r} is not one of {', '.join(DTYPES)}")
        if len(self.axes) != len(self.shape):
            raise ValueError(f"array {self.name}: {len(self.axes)} axes named for shape {self.shape}")

    @property
    def nbytes(self) -> int:
        """Size on the wire."""
        return int(np.prod(self.shape, dtype=np.int64)) * DTYPES[self.dtype]


@lru_cache(maxsize=4096)
def _array(name: str, shape: tuple[int, ...], dtype: str, axes: tuple[str, ...], unit: str) -> Array:
    return Array(name, shape, dtype, axes, unit)


@dataclass(frozen=True)
class Note:
    """Something to look for: the id of a message template and the numbers that fill it."""

    id: str
    numbers: Mapping[str, float | int | str]


@dataclass(frozen=True)
class Frame:
    """Arrays at one training step.  An array that is absent keeps its last value."""

    step: int
    arrays: Mapping[str, NDArray[Any]]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Schema:
    """What the frames of a run hold, sent once before them.

    ``labels`` gives the coordinates along a named axis (the norms along "variant", the seeds along
    "seed"); ``facts`` are plain JSON values for titles and axes (last step, number of classes …).
    """

    arrays: tuple[Array, ...]
    labels: Mapping[str, tuple[str | int | float, ...]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [array.name for array in self.arrays]
        if len(set(names)) != len(names):
            raise ValueError("a schema names each array once")

    def __getitem__(self, name: str) -> Array:
        for array in self.arrays:
            if array.name == name:
                return array
        raise KeyError(f"no array {name!r}; there are {', '.join(a.name for a in self.arrays)}")

    def to_json(self) -> str:
        """The schema as JSON, the form in which it travels."""
        arrays = [
            {"name": a.name, "shape": a.shape, "dtype": a.dtype, "axes": a.axes, "unit": a.unit}
            for a in self.arrays
        ]
        return json.dumps({"arrays": arrays, "labels": dict(self.labels), "facts": dict(self.facts)})

    @classmethod
    def from_json(cls, text: str | bytes) -> Schema:
        """Read what ``to_json`` wrote.

        Schemas that describe an array alike share the description: kept by itself, each schema would be
        larger than many a frame.
        """
        told = json.loads(text)
        arrays = tuple(
            _array(a["name"], tuple(a["shape"]), a["dtype"], tuple(a["axes"]), a["unit"])
            for a in told["arrays"]
        )
        return cls(arrays, {k: tuple(v) for k, v in told["labels"].items()}, told["facts"])

    def encode(self, frame: Frame) -> bytes:
        """A frame as bytes.

        Raises:
            ValueError: an array is unknown, or not of the schema's shape and dtype.  A cast would be
                silent (a count that wraps), so none is made.
        """
        mask = bytearray((len(self.arrays) + 7) // 8)
        parts: list[bytes] = []
        for i, array in enumerate(self.arrays):
            value = frame.arrays.get(array.name)
            if value is None:
                continue
            if value.shape != array.shape or value.dtype != np.dtype("<" + array.dtype):
                raise ValueError(
                    f"array {array.name}: got {value.dtype} {value.shape}, "
                    f"the schema says {array.dtype} {array.shape}"
                )
            mask[i >> 3] |= 1 << (i & 7)
            parts.append(value.tobytes())
        if len(parts) != len(frame.arrays):
            known = {array.name for array in self.arrays}
            raise ValueError(f"not in the schema: {', '.join(sorted(set(frame.arrays) - known))}")
        notes = b""
        if frame.notes:
            notes = json.dumps([[note.id, dict(note.numbers)] for note in frame.notes]).encode()
        return b"".join([_HEAD.pack(frame.step, len(mask), len(notes)), bytes(mask), notes, *parts])

    def decode(self, data: bytes) -> Frame:
        """The frame that ``encode`` wrote; its arrays are read-only views of ``data``.

        Raises:
            ValueError: the bytes are not a frame of this schema.
        """
        try:
            step, n_mask, n_notes = _HEAD.unpack_from(data)
            mask = data[_HEAD.size : _HEAD.size + n_mask]
            at = _HEAD.size + n_mask + n_notes
            told = json.loads(data[_HEAD.size + n_mask : at]) if n_notes else []
            notes = tuple(Note(id_, numbers) for id_, numbers in told)
            arrays: dict[str, NDArray[Any]] = {}
            for i, array in enumerate(self.arrays):
                if mask[i >> 3] >> (i & 7) & 1:
                    count = int(np.prod(array.shape, dtype=np.int64))
                    flat = np.frombuffer(data, "<" + array.dtype, count, at)
                    arrays[array.name] = flat.reshape(array.shape)
                    at += array.nbytes
        except (struct.error, IndexError, TypeError, ValueError) as error:
            raise ValueError(f"not a frame of this schema: {error}") from error
        if at != len(data):
            raise ValueError(f"not a frame of this schema: {len(data) - at} bytes too many")
        return Frame(step, arrays, notes)


class Recording:
    """The frames of one run so far, kept as the bytes that travel."""

    def __init__(self, schema: Schema, frames: Iterable[bytes] = ()) -> None:
        self.schema = schema
        self._data: list[bytes] = []
        self._nbytes = 0
        for frame in frames:
            self.append(frame)

    def __len__(self) -> int:
        return len(self._data)

    @property
    def nbytes(self) -> int:
        """Bytes of all frames."""
        return self._nbytes

    def append(self, data: bytes) -> None:
        """Add one encoded frame."""
        _, n_mask, _ = _HEAD.unpack_from(data)
        if not len(self.schema.arrays) <= 8 * n_mask <= 8 * (len(data) - _HEAD.size):
            raise ValueError("not a frame of this schema: its mask is too short")
        self._data.append(data)
        self._nbytes += len(data)

    def data(self, k: int) -> bytes:
        """Frame k as bytes."""
        return self._data[k]

    def frame(self, k: int) -> Frame:
        """Frame k, decoded; k may be negative as in a list."""
        return self.schema.decode(self._data[k])

    def at(self, name: str, k: int = -1) -> NDArray[Any]:
        """Array ``name`` as it stands at frame k: its latest value at or before k.

        Raises:
            KeyError: no frame up to k holds it.
        """
        k = range(len(self))[k] if len(self) else -1
        held = [i for i in self._held(name) if i <= k]
        if not held:
            raise KeyError(f"no frame up to {k} holds {name!r}")
        return self.frame(held[-1]).arrays[name]

    def history(self, name: str, k: int = -1) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Steps and values of array ``name`` in all frames up to k that hold it.

        Shapes: [T] and [T, *shape].
        """
        k = range(len(self))[k] if len(self) else -1
        held = [i for i in self._held(name) if i <= k]
        array = self.schema[name]
        steps = np.array([_HEAD.unpack_from(self._data[i])[0] for i in held], np.int32)
        if not held:
            return steps, np.empty((0, *array.shape), "<" + array.dtype)
        return steps, np.stack([self.frame(i).arrays[name] for i in held])

    def _held(self, name: str) -> list[int]:
        """The frames that hold an array.  Their masks tell: a server keeps many recordings and asks few."""
        i = self.schema.arrays.index(self.schema[name])
        at, bit = _HEAD.size + (i >> 3), 1 << (i & 7)
        return [k for k, data in enumerate(self._data) if data[at] & bit]

    # --- file form --------------------------------------------------------------------------------

    def to_bytes(self, about: Mapping[str, Any] | None = None) -> bytes:
        """The whole recording as one block of bytes; ``about`` (plain JSON) travels with it."""
        head = json.dumps({"schema": json.loads(self.schema.to_json()), "about": dict(about or {})}).encode()
        parts = [_MAGIC, _LENGTH.pack(len(head)), head]
        for data in self._data:
            parts += [_LENGTH.pack(len(data)), data]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> tuple[Recording, dict[str, Any]]:
        """The recording that ``to_bytes`` wrote, and what it says about itself.

        Raises:
            ValueError: the bytes are not a recording.
        """
        if not data.startswith(_MAGIC):
            raise ValueError("not a NormViz recording")
        head, *frames = _blocks(data, len(_MAGIC))
        try:
            told = json.loads(head)
            about = dict(told["about"])
            recording = cls(Schema.from_json(json.dumps(told["schema"])), frames)
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError, struct.error) as error:
            raise ValueError(f"not a NormViz recording: {error}") from error
        return recording, about

    def save(self, path: Path, about: Mapping[str, Any] | None = None) -> None:
        """Write the recording to a file.

        Raises:
            OSError: it cannot be written; there is no half of it.
        """
        files.write(path, self.to_bytes(about))


def _blocks(data: bytes, at: int) -> list[bytes]:
    """What stands in ``data`` from ``at`` on, each block behind its length; at least one."""
    blocks: list[bytes] = []
    while at < len(data) or not blocks:
        end = at + _LENGTH.size
        if end <= len(data):
            end += _LENGTH.unpack_from(data, at)[0]
        if end > len(data):
            raise ValueError("the recording ends in the middle of a frame")
        blocks.append(data[at + _LENGTH.size : end])
        at = end
    return blocks
