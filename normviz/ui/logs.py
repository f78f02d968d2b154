"""The log: one stream on standard error, in lines to read or as one JSON object a line.

Streamlit, uvicorn and every library write through the same handler; the engine's log comes through
``normviz.player.hosts``.  A line whose arguments are a mapping has these as typed fields in the JSON form:

    {"time": "2026-03-01T12:00:00.123Z", "level": "info", "logger": "normviz.player.events",
     "message": "run 1f0c9a2b of train is done …", "event": "run_done", "run": "1f0c9a2b", "frames": 101, …}

Nothing personal is in it: no addresses, no links (they hold a visitor's settings, or the token of a stream),
nothing of browsers.  What uvicorn writes about single requests and connections is therefore left out
altogether, and that one was no HTTP is said now and then: who sends thousands does not write the log.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter
from streamlit import logger as streamlit_logger

from normviz.player import Settings
from normviz.ui.complaints import EVERY

logger = logging.getLogger(__name__)

_SINGLE = ("connection ", "HTTP response sent ")
"""What the library of websockets says of each, in uvicorn's name."""
_OFTEN = ("Invalid HTTP request received.", "Unsupported upgrade request.")
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def set_up(settings: Settings) -> None:
    """Have this process log as the operator chose.  To be called before anything is served."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Objects() if settings.log == "json" else _Lines())
    handler.addFilter(impersonal)
    handler.addFilter(Seldom())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    handler.setLevel(level)
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    logging.getLogger("normviz").setLevel(level)
    # Streamlit gives a handler of its own to each of its loggers, also to those that come later.
    streamlit_logger.setup_formatter = _give_up_handlers
    for one in list(logging.root.manager.loggerDict.values()):
        if isinstance(one, logging.Logger) and (one.handlers or not one.propagate):
            _give_up_handlers(one)
    logging.captureWarnings(True)
    sys.excepthook = _tell
    threading.excepthook = lambda told: _tell(told.exc_type, told.exc_value, told.exc_traceback)


def impersonal(record: logging.LogRecord) -> bool:
    """Whether a line may be logged: uvicorn's on single requests hold addresses and whole links."""
    text = str(record.msg)
    single = record.name == "uvicorn.error" and record.levelno <= logging.INFO and text.startswith(_SINGLE)
    return not single and record.name != "uvicorn.access" and '"WebSocket %s"' not in text


class Seldom:
    """Lets a line that any client can have written pass once in a while."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one passes."""
        text = str(record.msg)
        if text not in _OFTEN:
            return True
        if record.created - self._last.get(text, -EVERY) < EVERY:
            return False
        self._last[text] = record.created
        return True


class _Lines(logging.Formatter):
    """Lines to read, with the time in UTC."""

    converter = time.gmtime  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(_TEXT, "%Y-%m-%dT%H:%M:%SZ")


class _Objects(JsonFormatter):
    """JSON objects."""

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Fill the object of one line: what every line has, then its facts."""
        facts = record.args if isinstance(record.args, Mapping) else {}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        every = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        log_data |= {**every, **facts, **message_dict, **every}


def _give_up_handlers(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True


def _tell(
    kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:  # fmt: skip
    """Log what nobody caught."""
    if error is None or issubclass(kind, SystemExit):
        return
    logger.critical("an error that nobody caught", exc_info=(kind, error, traceback))
