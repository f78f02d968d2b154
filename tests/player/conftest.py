"""Players with real engine hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from normviz.player import Settings
from tests.player.stands import EXPERIMENTS, Stand


@pytest.fixture(scope="session", params=["fork", "persistent"])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    """One player in each form, for all tests that can share it."""
    settings = Settings(engine=request.param, processes=2, lease=1.0, experiments=EXPERIMENTS)
    standing = Stand(settings)
    yield standing
    standing.close()


@pytest.fixture(scope="session")
def tight() -> Iterator[Stand]:
    """A player with narrow limits."""
    settings = Settings(
        engine="fork", runs=1, lease=0.5, largest_run=1e8, largest_recording=1, recordings=1, run_memory=500,
        run_seconds=2, experiments=EXPERIMENTS,
    )  # fmt: skip
    standing = Stand(settings)
    yield standing
    standing.close()
