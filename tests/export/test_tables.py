"""CSV: every number of a figure, where it belongs."""

from __future__ import annotations

import csv
import io

import numpy as np

from normviz.export import tables
from normviz.figures.bound import Figure, history, now, steps
from normviz.frames import Array, Frame, Recording, Schema

LOSS = np.array([[0.1, 2.5], [1e-7, 3e20], [np.nan, np.inf]], "<f4")
COUNTS = np.arange(8, dtype="<u2").reshape(2, 4)


def recording() -> Recording:
    schema = Schema(
        (
            Array("loss", (2,), "f4", ("seed",), "nats"),
            Array("hist", (2, 4), "u2", ("layer", "bin"), "1/8"),
            Array("bins", (4,), "f4", ("bin",)),
        ),
        {"seed": (7, 8), "layer": ("first", "second")},
    )
    frames = [{"loss": LOSS[0], "hist": COUNTS, "bins": np.arange(4, dtype="<f4")}, {"loss": LOSS[1]}]
    frames += [{"loss": LOSS[2], "hist": COUNTS + np.uint16(1)}]
    return Recording(schema, [schema.encode(Frame(10 * k, one)) for k, one in enumerate(frames)])


def figure(*traces: dict[str, object], x: str = "", y: str = "") -> Figure:
    return Figure("f", "F", traces, {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}, "alt")


def rows(made: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made)))


def test_a_curve_is_written_once_as_numbers_that_say_the_same() -> None:
    curve = {"type": "scatter", "name": "Loss, <b>seed</b> 8", "x": steps("loss"), "y": history("loss", 1)}
    found = rows(tables.csv(figure(curve, x="Training step", y="Loss (nats)"), recording()))
    assert [row["x: Training step"] for row in found] == ["0", "10", "20"]
    assert [np.float32(row["y: Loss (nats)"]) for row in found] == [*LOSS[:, 1]]
    assert [row["y: Loss (nats)"] for row in found] == ["2.5", "3e+20", "inf"]
    assert {(row["series"], row["quantity"], row["seed"]) for row in found} == {("Loss, seed 8", "loss", "8")}
    other = {**curve, "y": history("loss", 0)}
    assert [row["y: nats"] for row in rows(tables.csv(figure(other), recording()))] == ["0.1", "1e-07", ""]


def test_a_map_is_written_for_every_frame_that_is_new_or_for_one() -> None:
    shown = {"type": "heatmap", "name": "map", "x": now("bins"), "y": [1, 2], "z": now("hist")}
    found = rows(tables.csv(figure(shown), recording()))
    assert [row["Training step"] for row in found] == ["0"] * 8 + ["20"] * 8
    values = [float(row["z: share"]) for row in found]
    assert values == [*(COUNTS / 8).ravel(), *((COUNTS + 1) / 8).ravel()]
    assert [(row["x"], row["y"]) for row in found[:5]] == [
        ("0", "1"),
        ("1", "1"),
        ("2", "1"),
        ("3", "1"),
        ("0", "2"),
    ]
    one = rows(tables.csv(figure(shown), recording(), 1))
    assert {row["Training step"] for row in one} == {"10"}
    assert [float(row["z: share"]) for row in one] == values[:8]


def test_the_chosen_layer_is_named() -> None:
    shown = {"type": "scatter", "x": now("bins"), "y": now("hist", "layer")}
    found = rows(tables.csv(figure(shown), recording(), 2, {"layer": 1}))
    assert {row["layer"] for row in found} == {"second"}
    assert [float(row["y: share"]) for row in found] == [*((COUNTS[1] + 1) / 8)]
