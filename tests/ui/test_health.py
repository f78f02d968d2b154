"""The routes by which a container or a proxy learns how the server is."""

from __future__ import annotations

import json
import os
import signal
import urllib.error

from tests.player.processes import until
from tests.ui.streams import Server


def is_ready(server: Server) -> bool:
    refused = None
    try:
        told = server.get("/lab/ready")
    except urllib.error.HTTPError as refusal:
        refused, told = refusal.code, json.load(refusal)
    assert told["ready"] is (refused is None)
    assert refused in (None, 503)
    return refused is None


def test_ready_follows_the_engine_and_live_does_not() -> None:
    """While the only engine host is dead nobody should be sent here; the web process need not be replaced."""
    server = Server(NORMVIZ_ENGINE="fork")
    try:
        until(lambda: is_ready(server))
        [host] = server.get("/report")["engine"]["hosts"]
        os.kill(host["pid"], signal.SIGKILL)
        until(lambda: not is_ready(server))
        assert server.get("/lab/live") == {"live": True}
        until(lambda: is_ready(server))
    finally:
        server.close()
