"""Recordings that the stage shows of a page's default until the live run has something to show.

They are made by ``python -m normviz recordings``, and a test compares them with a fresh run.  A recording
holds every frame of the run, so that the live one can take over at any of them.  Where that is too much to
send first, large arrays (histograms) come in fewer of the frames; what is drawn of them stands still between.

A recording is only ever shown for the spec that it was made of: one that no longer is the default is left
aside.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import cache

from normviz.frames import Recording
from normviz.spec import Spec
from normviz.ui import static

LARGEST = 56_000
"""Bytes of a compressed recording."""
SMALL = 64
"""Bytes of an array that comes in every frame: points of curves."""
_SPARSER = (1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 4.0)
"""Between one frame with large arrays and the next, the number of frames grows by such a factor."""


def name(experiment: str) -> str:
    """The file of an experiment's default."""
    return f"recorded_{experiment}.bin"


def address(spec: Spec) -> str | None:
    """Where the recording of a spec is served, relative to the site's base path; None if there is none."""
    made_of = _keys().get(spec.name)
    return static.address(name(spec.name)) if made_of == spec.key else None


def prepare() -> None:
    """Look at all recordings now, so that nobody waits for it later."""
    _keys()


def contents(spec: Spec, recording: Recording, torch: str, cpu: str) -> bytes:
    """The file of a finished run, and by which torch and type of processor it was computed.

    Raises:
        ValueError: it is too large, however few its large arrays.
    """
    about = {"spec": json.loads(spec.to_json()), "key": spec.key, "torch": torch, "cpu": cpu}
    for factor in _SPARSER:
        data = thinned(recording, factor).to_bytes(about)
        if len(gzip.compress(data)) <= LARGEST:
            return data
    raise ValueError(f"the recording of {spec.name} is larger than {LARGEST} bytes")


def thinned(recording: Recording, factor: float) -> Recording:
    """The same frames; arrays larger than SMALL only in some, ever fewer by a factor.  1 leaves all."""
    large = {array.name for array in recording.schema.arrays if array.nbytes > SMALL}
    thin = Recording(recording.schema)
    due: dict[str, float] = {}
    for k in range(len(recording)):
        frame = recording.frame(k)
        arrays = dict(frame.arrays)
        for one in large & set(arrays):
            if k < due.get(one, 0):
                del arrays[one]
            else:
                due[one] = k * factor if k and factor > 1 else k + 1
        thin.append(recording.schema.encode(replace(frame, arrays=arrays)))
    return thin


@cache
def _keys() -> dict[str, str]:
    """Experiment → key of the spec that its recording was made of."""
    found = {}
    for path in static.FOLDER.glob(name("*")):
        _, about = Recording.from_bytes(path.read_bytes())
        found[str(about["spec"]["experiment"])] = str(about["key"])
    return found
