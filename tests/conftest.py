"""What holds for every test: torch on one thread, as the engine promises its bit-equality for."""

from __future__ import annotations

from itertools import chain, zip_longest

import hypothesis
import pytest
import torch

torch.set_num_threads(1)

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("normviz", deadline=None)
hypothesis.settings.load_profile("normviz")


@pytest.hookimpl(trylast=True)  # of what was chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long first, those with a browser and those that compute in turn; quick ones last.

    Each of several processes takes the next file: so none of them is left with a long one at the end, and one
    has a browser's waits to fill while the other computes.
    """
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(str(item.path), []).append(item)
    browsing, computing, quick = [], [], []
    for tests in files.values():
        marks = {mark.name for test in tests for mark in test.iter_markers()}
        (browsing if "browser" in marks else computing if "slow" in marks else quick).append(tests)
    long = chain.from_iterable(zip_longest(browsing, computing, fillvalue=[]))
    items[:] = chain.from_iterable([*long, *quick])
