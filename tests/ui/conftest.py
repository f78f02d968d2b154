"""Fixtures of the pages under AppTest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from normviz import player
from normviz.ui import anatomy, stage, tiles
from tests.ui.operated import Operated
from tests.ui.sites import IdlePlayer, Sent, somebody

__all__ = ["somebody"]


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> IdlePlayer:
    """The player of the pages under test."""
    idle = IdlePlayer()
    monkeypatch.setattr(player, "_current", idle)
    return idle


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What stages and boards were sent."""
    sent = Sent()
    for module in (stage, tiles, anatomy):
        monkeypatch.setattr(module, "_mount", sent.mount)
    return sent


@pytest.fixture(scope="session")
def operated() -> Iterator[Operated]:
    """A server with its operator's doors open, after visitors did what `Operated` says."""
    operated = Operated()
    yield operated
    operated.server.close()
