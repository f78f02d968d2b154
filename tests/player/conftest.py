"""Players with real engine hosts, and one with real workers behind a real Redis."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from normviz.player import Settings
from tests.cluster.services import WORKERS, Cluster, ClusterStand, RedisServer
from tests.player.stands import EXPERIMENTS, Stand


@pytest.fixture(scope="session", params=["fork", "persistent", "redis"])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One player in each form, for all tests that can share it."""
    with contextlib.ExitStack() as opened:
        if request.param == "redis":
            folder = tmp_path_factory.mktemp("cluster")
            cluster = opened.enter_context(Cluster(RedisServer(folder), WORKERS, log=folder / "workers.log"))
            yield opened.enter_context(contextlib.closing(ClusterStand(cluster, lease=1.0)))
        else:
            settings = Settings(engine=request.param, processes=2, lease=1.0, experiments=EXPERIMENTS)
            yield opened.enter_context(contextlib.closing(Stand(settings)))


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
