"""A server whose operator looks on: JSON log, metrics, a token, and visitors who did what is counted here."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed

from normviz.spec import Spec
from tests.player.processes import until
from tests.player.small_experiments import Fault, Walk
from tests.ui.streams import Client, Server

TOKEN = "the-operators-own-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Operated:
    """The server, and what its visitors did: their numbers are the truth for log and metrics."""

    def __init__(self) -> None:
        self.server = Server(
            NORMVIZ_LOG="json", NORMVIZ_METRICS="1", NORMVIZ_OPERATOR_TOKEN=TOKEN, NORMVIZ_LEASE="60",
            NORMVIZ_ENGINE="fork",
        )  # fmt: skip
        self.walks = [Walk(seed=seed, steps=100, pause=5) for seed in range(3)]
        clients = [Client(self.server, self.server.open(spec)) for spec in self.walks]
        self.frames_received = self.frame_bytes = 0
        for client in clients:
            self._follow(client)
        self.raised, self.exited = Fault(how="raises"), Fault(how="exits")
        for spec in (self.raised, self.exited):
            self._follow(Client(self.server, self.server.open(spec)))
        self._be_refused()
        self._lose_the_host()

    def _follow(self, client: Client) -> None:
        while client.end is None:
            before = client.nbytes
            if client.read() == "F":
                self.frame_bytes += client.nbytes - before
                client.acknowledge()
        self.frames_received += client.received
        client.close()

    def _be_refused(self) -> None:
        for _ in range(2):
            client = Client(self.server, "no-such-token")
            with pytest.raises(ConnectionClosed):
                client.read()
            client.close()
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.server.open(Walk(steps=100_000, effort=10**9))
        refused.value.close()

    def _lose_the_host(self) -> None:
        client = Client(self.server, self.server.open(Walk(seed=9, steps=5000, pause=20)))
        while not client.received:
            client.read()
        [host] = self.server.get("/report")["engine"]["hosts"]
        os.kill(host["pid"], signal.SIGKILL)
        until(lambda: client.read() == "F" and client.received > 20 and self.ready())
        self.live = client

    def ready(self) -> bool:
        """What /lab/ready says."""
        return self.ask("/lab/ready")[0] == 200

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        """Status and body."""
        request = urllib.request.Request(
            f"http://{self.server.address}{path}", method=method, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """All metrics, by name and labels, as Prometheus' own parser reads them."""
        status, text = self.ask("/lab/metrics", **BEARER)
        assert status == 200
        families = text_string_to_metric_families(text.decode())
        return {
            (one.name, frozenset(one.labels.items())): one.value
            for family in families
            for one in family.samples
        }

    def lines(self, **facts: Any) -> list[dict[str, Any]]:
        """Lines of the log with these facts."""
        lines = [json.loads(line) for line in self.server.log]
        return [one for one in lines if facts.items() <= one.items()]


def short(spec: Spec) -> str:
    """How the log names a run."""
    return spec.key[:8]
