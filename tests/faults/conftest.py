"""The real app, made to notice everything soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.apps import App

SILENCE = 3
"""Seconds after which a run that gives no sign of life is ended."""


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One app in the fork form for the tests that leave it whole."""
    log = tmp_path_factory.mktemp("faults") / "log"
    with App(
        log, ready="lab/ready", NORMVIZ_ENGINE="fork", NORMVIZ_LEASE="1", NORMVIZ_SILENCE=str(SILENCE),
        STREAMLIT_SERVER_WEBSOCKET_PING_INTERVAL="2",
    ) as running:  # fmt: skip
        yield running
    assert "Traceback" not in log.read_text()
