"""Frames: what goes onto the wire comes back, and nothing else is taken for a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normviz.frames import DTYPES, Array, Frame, Note, Recording, Schema

SCHEMA = Schema(
    (
        Array("edges", (3,), "f4", ("edge",)),
        Array("loss", (2, 3), "f4", ("variant", "seed")),
        Array("counts", (2, 4), "u2", ("variant", "bin")),
        Array("diverged_at", (2,), "i4", ("variant",), unit="step"),
    ),
    labels={"variant": ("none", "batch")},
    facts={"last_step": 10},
)
EDGES = np.array([0, 1, 2], "<f4")


def loss(value: float) -> np.ndarray:
    return np.full((2, 3), value, "<f4")


def recording() -> Recording:
    frames = [
        Frame(0, {"edges": EDGES, "loss": loss(3)}),
        Frame(1, {"loss": loss(2), "counts": np.arange(8, dtype="<u2").reshape(2, 4)}),
        Frame(2, {"loss": loss(np.nan)}, (Note("dead", {"layer": 3, "share": 0.5}),)),
    ]
    return Recording(SCHEMA, map(SCHEMA.encode, frames))


def test_a_frame_comes_back_as_it_was() -> None:
    for k, names in enumerate([{"edges", "loss"}, {"loss", "counts"}, {"loss"}]):
        assert set(recording().frame(k).arrays) == names
    frame = recording().frame(1)
    np.testing.assert_array_equal(frame.arrays["counts"], [[0, 1, 2, 3], [4, 5, 6, 7]])
    assert frame.arrays["counts"].dtype == np.dtype("<u2")
    assert recording().frame(2).notes == (Note("dead", {"layer": 3, "share": 0.5}),)


def test_an_array_is_its_latest_value() -> None:
    run = recording()
    np.testing.assert_array_equal(run.at("edges", 2), EDGES)
    assert run.at("loss", 1)[0, 0] == 2
    assert np.isnan(run.at("loss")).all()
    with pytest.raises(KeyError, match="no frame up to 0"):
        run.at("counts", 0)
    with pytest.raises(KeyError, match="there are edges"):
        run.at("los")


def test_a_history_has_the_frames_that_hold_the_array() -> None:
    steps, values = recording().history("loss", 1)
    np.testing.assert_array_equal(steps, [0, 1])
    np.testing.assert_array_equal(values[:, 0, 0], [3, 2])
    steps, values = recording().history("counts", 0)
    assert values.shape == (0, 2, 4)


def test_a_schema_and_a_recording_travel_as_bytes(tmp_path: Path) -> None:
    assert Schema.from_json(SCHEMA.to_json()) == SCHEMA
    run = recording()
    run.save(tmp_path / "run.nv", {"spec": {"seed": 1}})
    again, about = Recording.from_bytes((tmp_path / "run.nv").read_bytes())
    assert about == {"spec": {"seed": 1}}
    assert again.schema == SCHEMA
    assert [again.data(k) for k in range(3)] == [run.data(k) for k in range(3)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_keeps_its_extremes(dtype: str) -> None:
    kind = np.dtype("<" + dtype)
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    value = np.array([limits.min, 0, limits.max], kind)
    schema = Schema((Array("x", (3,), dtype, ("i",)),))
    np.testing.assert_array_equal(schema.decode(schema.encode(Frame(-1, {"x": value}))).arrays["x"], value)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"loss": np.zeros((2, 3))}, "float64"),
        ({"loss": np.zeros((3, 2), "<f4")}, r"\(3, 2\)"),
        ({"los": np.zeros(3, "<f4")}, "not in the schema: los"),
        ({"counts": np.full((2, 4), 70_000, "<u4")}, "uint32"),
    ],
)
def test_what_the_schema_does_not_say_is_refused(arrays: dict[str, np.ndarray], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        SCHEMA.encode(Frame(0, arrays))


@given(st.binary(max_size=80))
def test_garbage_is_not_a_frame(data: bytes) -> None:
    """Random bytes decode to a frame that encodes to them again, or raise ValueError; nothing else."""
    try:
        frame = SCHEMA.decode(data)
    except ValueError:
        return
    assert set(frame.arrays) <= {array.name for array in SCHEMA.arrays}


def test_a_truncated_recording_is_refused() -> None:
    data = recording().to_bytes()
    with pytest.raises(ValueError, match="middle of a frame"):
        Recording.from_bytes(data[:-3])
    with pytest.raises(ValueError, match="not a NormViz recording"):
        Recording.from_bytes(b"PK" + data)


def test_a_recording_takes_nothing_whose_mask_is_too_short() -> None:
    for data in (bytes(8), bytes([0, 0, 0, 0, 1, 0, 0, 0])):  # of no byte; of one that is not there
        with pytest.raises(ValueError, match="mask is too short"):
            Recording(SCHEMA, [data])


def test_schemas_that_came_by_themselves_share_what_they_say_alike() -> None:
    one, other = (Schema.from_json(SCHEMA.to_json()) for _ in range(2))
    assert one is not other
    assert all(a is b for a, b in zip(one.arrays, other.arrays, strict=True))


def test_a_schema_names_each_array_once() -> None:
    with pytest.raises(ValueError, match="once"):
        Schema((Array("a", (), "f4"), Array("a", (), "f4")))
    with pytest.raises(ValueError, match="dtype"):
        Array("a", (), "f2")
