"""Lines in the log that an attack must not multiply."""

from __future__ import annotations

import logging
import time

EVERY = 60.0
"""Seconds between two lines about the same."""


class Complaint:
    """A warning that is logged now and then, however often it is raised."""

    def __init__(self, logger: logging.Logger, text: str) -> None:
        self._logger, self._text = logger, text
        self._told = -EVERY

    def tell(self, *values: object) -> None:
        """Log it with ``values``, if it was not logged lately."""
        now = time.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            self._logger.warning(self._text, *values)
