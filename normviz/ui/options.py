"""Streamlit's own options: those that an operator may want to set, and those that must stay as they are.

They stand in ``.streamlit/config.toml`` beside ``app.py``.  A variable (``STREAMLIT_SERVER_PORT``)
or an argument (``--server.port``) of ``streamlit run`` overrules that file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streamlit import config

from normviz.player import Settings
from normviz.spec import SpecError
from normviz.ui import pages


@dataclass(frozen=True)
class Option:
    """An option that operators set."""

    name: str
    meaning: str
    default: str = ""
    """Where neither our file nor Streamlit's description of the option has one."""


@dataclass(frozen=True)
class Fixed:
    """An option on whose value the site depends.

    ``otherwise`` is what another value brings about; ``refused``: with one the server does not start.
    """

    name: str
    value: Any
    otherwise: str
    refused: bool = False


OPTIONS = (
    Option("server.port", "where the server listens"),
    Option("server.address", "the address on which it listens (127.0.0.1 behind a proxy); empty: all"),
    Option("server.baseUrlPath", "the path under which the site is, such as `lab/normviz`"),
    Option("server.allowedHosts", "the names by which the server may be called; empty: any"),
    Option(
        "server.corsAllowedOrigins",
        "other sites (`https://name`) whose pages may connect, besides the one that the header Host names",
    ),
    Option("server.maxMessageSize", "megabytes of one message on a websocket"),
    Option(
        "server.websocketPingInterval",
        "seconds between two signs of life on a websocket; a proxy must wait longer before it cuts a line",
        "30",
    ),
    Option("server.disconnectedSessionTTL", "seconds for which the page of a lost visitor is kept"),
    Option("logger.level", "how much Streamlit logs: `error`, `warning`, `info` or `debug`", "info"),
)

FIXED = (
    Fixed("runner.postScriptGC", False, "each script run is followed by a collection ten times as long"),
    Fixed("runner.magicEnabled", False, "pages show values that are not meant to be shown", True),
    Fixed("client.showErrorDetails", "none", "visitors see tracebacks", True),
    Fixed("server.fileWatcherType", "none", "a watcher, meant for development, runs pages again"),
    Fixed("server.enableCORS", True, "any site may connect to this one in its visitors' name"),
    Fixed("server.enableXsrfProtection", True, "any site may send requests in its visitors' name"),
    Fixed("browser.gatherUsageStats", False, "visitors' browsers report to a server elsewhere"),
)  # fmt: skip


def variable(name: str) -> str:
    """The environment variable of an option: server.baseUrlPath is STREAMLIT_SERVER_BASE_URL_PATH."""
    return "STREAMLIT_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace(".", "_").upper()


def shown(value: object) -> str:
    """A value as it is written in a setting."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def checked() -> Settings:
    """What the operator has set, if all of it works.

    Raises:
        SpecError: something does not work.
    """
    settings = Settings.from_environment()
    settings.find_experiments()
    pages.chosen(settings.pages)
    for _ in departures():  # what is only unwise is told at the start
        pass
    return settings


def departures() -> Iterator[str]:
    """A sentence for each fixed option that has another value here.

    Raises:
        SpecError: one of them keeps the server from starting.
    """
    for one in FIXED:
        value = config.get_option(one.name)
        if value == one.value:
            continue
        remedy = (
            f"Otherwise {one.otherwise}. It is set by {variable(one.name)}, or in .streamlit/config.toml."
        )
        wrong = SpecError(one.name, shown(value), shown(one.value), remedy, field=one.name)
        if one.refused:
            raise wrong
        yield wrong.sentence
