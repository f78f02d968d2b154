"""The settings of this server, from the environment in which it was started."""

from __future__ import annotations

import sys

from normviz.player import Settings
from normviz.spec import SpecError
from normviz.ui import options


def settings() -> Settings:
    """Read them.  Ends the process with a sentence if one is wrong."""
    try:
        return options.checked()
    except SpecError as error:
        sys.exit(error.sentence)
