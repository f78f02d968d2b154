"""The settings of this server, from the environment in which it was started."""

from __future__ import annotations

import sys

from normviz.player import Settings
from normviz.spec import SpecError


def settings() -> Settings:
    """Read them.  Ends the process with a sentence if one is wrong."""
    try:
        return Settings.from_environment()
    except SpecError as error:
        sys.exit(error.sentence)
