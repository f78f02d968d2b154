"""Player: specs in, shared recordings out; the only part that knows processes and machines."""

from __future__ import annotations

from normviz.player.engines import Engine
from normviz.player.hosts import EngineError
from normviz.player.player import Player
from normviz.player.runs import Run, State, Watch
from normviz.player.settings import Settings

__all__ = [
    "Engine", "EngineError", "NotRunningError", "Player", "Run", "Settings", "State", "Watch", "current",
    "here", "set_current", "set_here",
]  # fmt: skip

_current: Player | None = None
_here: Player | None = None


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


def here() -> Player:
    """The player of this process for its operator, who may see it while it still looks for what computes.

    Raises:
        NotRunningError: there is none.
    """
    found = _current or _here
    if found is None:
        raise NotRunningError("there is no player in this process; the web server's lifespan makes it")
    return found


def set_here(player: Player | None) -> None:
    """Let the operator see a player before it is the one of this process."""
    global _here
    _here = player
