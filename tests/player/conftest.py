"""Players with real engine hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

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


@pytest.fixture
def standing() -> Iterator[Callable[..., Stand]]:
    """Make a player with settings of one's own."""
    made: list[Stand] = []

    def make(**settings: Any) -> Stand:
        made.append(Stand(Settings(experiments=EXPERIMENTS, **settings)))
        return made[-1]

    yield make
    for one in made:
        one.close()
