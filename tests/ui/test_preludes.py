"""The shipped recordings: of the present defaults, small, and what a fresh run gives."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from normviz.frames import Array, Frame, Recording, Schema
from normviz.lab.host import cpu_type
from normviz.lab.runs import runner
from normviz.spec import Spec
from normviz.specs import experiment
from normviz.specs.train import Train
from normviz.ui import preludes, static
from normviz.ui.exhibits import STAGED


@dataclass(frozen=True)
class Tolerance:
    """How far a fresh run may be from a recording; differences are parts of an array's largest value, in the
    mean."""

    first: int
    """Frames that are compared closely."""
    alike: float
    """Greatest difference of any array, a median over all frames."""
    mostly: float
    """The same for half of the arrays at least."""
    unlike: float
    """Share of a frame's values, at most, that are finite in one of both alone: a network has diverged."""


CLOSE = 2e-3
"""Greatest difference of any array in the first frames."""
HERE = Tolerance(first=5, alike=0.1, mostly=0.02, unlike=0.1)
ELSEWHERE = Tolerance(first=2, alike=0.4, mostly=0.05, unlike=0.4)
"""On another type of processor: training is chaotic, and rounding soon leads a network elsewhere."""
ALL_TOGETHER = 500_000
"""Compressed bytes of all recordings."""


def recorded(name: str) -> tuple[Recording, dict[str, Any]]:
    return Recording.from_bytes((static.FOLDER / preludes.name(name)).read_bytes())


def test_every_default_that_is_played_has_a_recording_and_nothing_else_has() -> None:
    files = {path.name for path in static.FOLDER.glob(preludes.name("*"))}
    assert files == {preludes.name(name) for name in STAGED}


@pytest.mark.parametrize("name", sorted(STAGED))
def test_a_recording_is_of_the_present_default(name: str) -> None:
    """If not: ``python -m normviz recordings`` makes it again."""
    default = experiment(name)()
    _, about = recorded(name)
    assert about["key"] == default.key
    assert about["torch"]
    assert about["cpu"]
    assert preludes.address(default) == static.address(preludes.name(name))


def test_other_settings_begin_without_a_recording() -> None:
    assert preludes.address(Train(seed=5)) is None


def test_recordings_are_small() -> None:
    sizes = [len(gzip.compress((static.FOLDER / preludes.name(name)).read_bytes())) for name in STAGED]
    assert max(sizes) < preludes.LARGEST + 1000
    assert sum(sizes) < ALL_TOGETHER


@pytest.mark.parametrize("name", sorted(STAGED))
def test_a_recording_begins_as_a_fresh_run_does(name: str) -> None:
    schema, frames = fresh(experiment(name)())
    assert recorded(name)[0].schema.to_json() == schema.to_json()
    assert_begins(name, frames, tolerance(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(STAGED - {"claims"}))  # its run is that of test_claims.py
def test_a_recording_is_like_a_fresh_run_to_its_end(name: str) -> None:
    _, frames = fresh(experiment(name)())
    assert_alike(name, frames)


@pytest.mark.parametrize("allowed", [HERE, ELSEWHERE])
def test_another_run_is_told_from_the_recording(allowed: Tolerance) -> None:
    def other(**changes: Any) -> Iterator[Frame]:
        return fresh(experiment("train")(**changes))[1]

    assert_begins("train", other(), allowed)
    with pytest.raises(AssertionError):
        assert_begins("train", other(seed=1), allowed)
    with pytest.raises(AssertionError):
        assert_begins("train", other(lr=0.1), allowed)
    assert_alike("train", other(), allowed)
    with pytest.raises(AssertionError):
        assert_alike("train", other(changes="20:lr=0.01"), allowed)


def tolerance(name: str) -> Tolerance:
    """What may differ here from the recording of an experiment."""
    return HERE if recorded(name)[1]["cpu"] == cpu_type() else ELSEWHERE


def assert_begins(name: str, frames: Iterable[Frame], allowed: Tolerance) -> None:
    """The first frames of the shipped recording are these."""
    for k, frame in enumerate(islice(frames, allowed.first)):
        for array, difference in differences(recorded(name)[0], k, frame, allowed):
            assert difference <= CLOSE, (k, array)


def assert_alike(name: str, frames: Iterable[Frame], allowed: Tolerance | None = None) -> None:
    """The shipped recording is what these frames of its default are, within the tolerance."""
    recording, _ = recorded(name)
    allowed = allowed or tolerance(name)
    found: dict[str, list[float]] = {}
    k = -1
    for k, frame in enumerate(frames):
        for array, difference in differences(recording, k, frame, allowed):
            found.setdefault(array, []).append(difference)
    assert k + 1 == len(recording)
    assert set(found) >= {array.name for array in recording.schema.arrays if array.nbytes <= preludes.SMALL}
    medians = {array: float(np.median(all_)) for array, all_ in found.items()}
    assert {array: median for array, median in medians.items() if median > allowed.alike} == {}
    assert np.median(list(medians.values())) <= allowed.mostly


def fresh(spec: Spec) -> tuple[Schema, Iterator[Frame]]:
    run = runner(spec)(spec)
    schema = next(run)
    assert isinstance(schema, Schema)
    return schema, run  # type: ignore[return-value]


def differences(
    recording: Recording, k: int, frame: Frame, allowed: Tolerance
) -> Iterator[tuple[str, float]]:
    """Mean difference of each array in frame k, in parts of its largest value."""
    found = recording.frame(k)
    assert found.step == frame.step
    assert [note.id for note in found.notes] == [note.id for note in frame.notes] or k >= allowed.first
    assert set(found.arrays) <= set(frame.arrays)
    small = {name for name, value in frame.arrays.items() if value.nbytes <= preludes.SMALL}
    assert small <= set(found.arrays)
    for name, value in found.arrays.items():
        yield name, difference(np.float64(value), np.float64(frame.arrays[name]), allowed.unlike)


def difference(one: NDArray[Any], other: NDArray[Any], unlike: float) -> float:
    known = np.isfinite(one) & np.isfinite(other)
    assert (np.isfinite(one) == np.isfinite(other)).mean() > 1 - unlike
    scale = np.abs(other[known]).max(initial=0.0)
    return float(np.abs(one[known] - other[known]).mean() / scale) if scale else 0.0


def test_large_arrays_come_ever_more_rarely_and_small_ones_always() -> None:
    schema = Schema((Array("small", (2,), "f4", ("i",)), Array("large", (50,), "f8", ("i",))))
    whole = Recording(schema)
    for k in range(30):
        arrays = {"small": np.full(2, k, "<f4"), "large": np.full(50, k, "<f8")}
        if k == 1:
            del arrays["large"]
        whole.append(schema.encode(Frame(10 * k, arrays)))
    thin = preludes.thinned(whole, 3.0)
    assert len(thin) == 30
    having = [k for k in range(30) if "large" in thin.frame(k).arrays]
    assert having == [0, 2, 6, 18]
    assert all(thin.frame(k).arrays["large"][0] == k for k in having)
    assert all(thin.frame(k).arrays["small"][0] == k for k in range(30))
    assert preludes.thinned(whole, 1.0).to_bytes() == whole.to_bytes()


def test_what_cannot_be_made_small_is_refused() -> None:
    schema = Schema((Array("noise", (16,), "f4", ("i",)),))
    rng = np.random.default_rng(0)
    frames = [schema.encode(Frame(k, {"noise": rng.random(16, np.float32)})) for k in range(2000)]
    with pytest.raises(ValueError, match="larger than"):
        preludes.contents(Train(), Recording(schema, frames), "2", "a processor")
