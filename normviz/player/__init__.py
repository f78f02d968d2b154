"""Player: specs in, shared recordings out; the only part that knows processes and machines."""

from __future__ import annotations

from normviz.player.engines import Engine
from normviz.player.hosts import EngineError
from normviz.player.player import Player
from normviz.player.runs import Run, State, Watch
from normviz.player.settings import Settings

__all__ = [
    "Engine", "EngineError", "NotRunningError", "Player", "Run", "Settings", "State", "Watch", "current",
    "set_current",
]  # fmt: skip

_current: Player | None = None


class NotRunningError(RuntimeError):
    """This process has no player: the server is starting, is ending, or has found no workers yet."""


def current() -> Player:
    """The player of this process, which the server starts (``normviz.ui.stream.lifespan``).

    Raises:
        NotRunningError: none is running.
    """
    if _current is None:
        raise NotRunningError("no player is running in this process; the web server's lifespan starts it")
    return _current


def set_current(player: Player | None) -> None:
    """Make a player the one of this process."""
    global _current
    _current = player
