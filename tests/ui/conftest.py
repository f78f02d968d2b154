"""Fixtures of the pages under AppTest."""

from __future__ import annotations

import pytest

from normviz import player
from normviz.ui import anatomy, stage, tiles
from tests.ui.sites import IdlePlayer, Sent


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
