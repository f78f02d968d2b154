"""What Start says of the device that computes."""

from __future__ import annotations

import pytest

from normviz.ui.tour import computing
from normviz.versions import About

CPU = About("fork", "2.13.0", "A processor", "abc", ("cpu",))
TIMES = (("cpu", 1.25), ("cuda:0", 3.0))
FOUND = ("cpu", "cuda:0 Test")


@pytest.mark.parametrize(
    ("about", "said", "not_said"),
    [
        (CPU, ("on the processor (A processor)", "No GPU was found."), ("NORMVIZ_DEVICE", "took", "beside")),
        (
            About("fork", "2.13.0", "A processor", "abc", FOUND, "cpu", TIMES),
            ("on the processor", "Found beside it: cuda:0 Test.", "cpu 1.25 ms, cuda:0 3.00 ms"),
            ("on the GPU", "No GPU"),
        ),
        (
            About("fork", "2.13.0", "A processor", "abc", FOUND),
            ("on the processor", "Found beside it: cuda:0 Test.", "NORMVIZ_DEVICE"),
            ("took",),
        ),
        (
            About("persistent", "2.13.0", "A processor", "abc", FOUND, "cuda:0 Test", TIMES[::-1]),
            ("on the GPU cuda:0 Test by PyTorch 2.13.0", "cuda:0 3.00 ms, cpu 1.25 ms", "NORMVIZ_DEVICE"),
            ("on the processor", "No GPU", "beside"),
        ),
    ],
)  # fmt: skip
def test_it_says_where_runs_are_computed_and_why(
    about: About, said: tuple[str, ...], not_said: tuple[str, ...]
) -> None:
    told = " ".join(computing(about))
    assert all(one in told for one in said)
    assert not any(one in told for one in not_said)
