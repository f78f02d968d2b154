"""The fast histograms against slow references that count value by value in exact arithmetic."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from normviz.lab.engine.histograms import BINS, linear_counts, linear_edges, symlog_counts, symlog_edges

SPECIAL = [
    0.0, -0.0, 1e-45, -1e-45, 1e-38, -1e-38, 2.0**-31, -(2.0**-31), 1.0, -1.0, 0.5, -0.5, 2.0, -2.0,
    3e38, -3e38, math.inf, -math.inf, math.nan, 4.0, -4.0, 3.9999998, -3.9999998, 0.125, -0.125, -1e-9, 1e-9,
    float(np.nextafter(np.float32(0.5), np.float32(0))),
    float(np.nextafter(np.float32(-0.125), np.float32(-1))),
    float(np.nextafter(np.float32(2.0**-31), np.float32(0))),
]  # fmt: skip
FLOATS = st.one_of(st.floats(width=32), st.sampled_from([float(np.float32(one)) for one in SPECIAL]))


def linear_by_hand(values: list[float], low: float, high: float) -> list[int]:
    counts = [0] * BINS
    for value in values:
        if math.isnan(value):
            place = 0
        elif math.isinf(value):
            place = 0 if value < 0 else BINS - 1
        else:
            place = math.floor((Fraction(value) - Fraction(low)) * BINS / (Fraction(high) - Fraction(low)))
        counts[min(max(place, 0), BINS - 1)] += 1
    return counts


def symlog_by_hand(values: list[float]) -> list[int]:
    """From the documented bounds, with integers: sign and exponent are read from the bits one by one."""
    counts = [0] * BINS
    for value in values:
        bits = struct.unpack(">I", struct.pack(">f", value))[0]
        negative, exponent = bits >> 31 == 1, (bits >> 23 & 255) - 127
        if exponent < -31:
            counts[31] += 1
        elif negative:
            counts[max(31 - (exponent + 32), 0)] += 1
        else:
            counts[min(32 + exponent + 31, 63)] += 1
    return counts


@settings(max_examples=150, deadline=None)
@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 40)), elements=FLOATS))
def test_symlog_counts(values: np.ndarray) -> None:
    counted = symlog_counts(torch.from_numpy(values))
    assert counted.tolist() == [symlog_by_hand(row) for row in values.tolist()]


@pytest.mark.parametrize(("low", "high"), [(-4.0, 4.0), (-1.0, 1.0), (0.0, 1.0)])
@settings(max_examples=150, deadline=None)
@given(values=arrays.arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 40)), elements=FLOATS))
def test_linear_counts(low: float, high: float, values: np.ndarray) -> None:
    counted = linear_counts(torch.from_numpy(values), low, high)
    assert counted.tolist() == [linear_by_hand(row, low, high) for row in values.tolist()]


def test_special_values_one_by_one() -> None:
    values = torch.tensor(SPECIAL)
    assert symlog_counts(values[None]).tolist() == [symlog_by_hand(values.tolist())]
    assert linear_counts(values[None], -4.0, 4.0).tolist() == [linear_by_hand(values.tolist(), -4.0, 4.0)]


def test_the_values_are_left_alone() -> None:
    values = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    before = values.clone()
    linear_counts(values, -4.0, 4.0)
    symlog_counts(values)
    assert torch.equal(values, before)


def test_every_value_is_counted() -> None:
    values = torch.randn(3, 10_000, generator=torch.Generator().manual_seed(0)) * 3
    for counts in (linear_counts(values, -4.0, 4.0), symlog_counts(values)):
        assert counts.sum(1).tolist() == [10_000] * 3


def test_edges_agree_with_numpy_on_normal_values() -> None:
    values = torch.randn(1, 20_000, generator=torch.Generator().manual_seed(1)).clamp(-3.99, 3.99)
    expected, _ = np.histogram(values.numpy().astype(np.float64), linear_edges(-4.0, 4.0))
    assert linear_counts(values, -4.0, 4.0)[0].tolist() == expected.tolist()
    small = values * 1e-4
    expected, _ = np.histogram(small.numpy().astype(np.float64), symlog_edges())
    assert symlog_counts(small)[0].tolist() == expected.tolist()


def test_edges_rise() -> None:
    for edges in (linear_edges(-4.0, 4.0), symlog_edges()):
        assert edges.shape == (BINS + 1,)
        assert (np.diff(edges) > 0).all()


def test_a_grid_without_exact_edges_is_refused() -> None:
    with pytest.raises(ValueError, match="exact edges"):
        linear_counts(torch.zeros(1, 4), -5.0, 5.0)


def test_float64_values_are_counted_as_float32() -> None:
    values = torch.randn(2, 100, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert symlog_counts(values).tolist() == symlog_counts(values.float()).tolist()
