"""One machine that plays a cluster: Redis, two machines' workers, two replicas, a reverse proxy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.browser.conftest import chromium, chromium_path  # noqa: F401 (fixtures)
from tests.cluster.services import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole of it, for the tests of one file: each leaves it whole."""
    with contextlib.closing(Site(tmp_path_factory.mktemp("site"))) as made:
        yield made
