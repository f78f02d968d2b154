"""The end of the web process, kind or not: nothing that it started stays behind."""

from __future__ import annotations

import signal
import socket

import pytest

from tests.player.processes import alive, descendants, until
from tests.player.small_experiments import Fault, Walk
from tests.ui.streams import Client, Server


@pytest.mark.parametrize("form", ["fork", "persistent"])
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_server(form: str, sign: signal.Signals) -> None:
    server = Server(NORMVIZ_ENGINE=form, NORMVIZ_PROCESSES="2")
    hosts = 1 if form == "fork" else 2
    until(lambda: sum(host["ready"] for host in server.get("/report")["engine"]["hosts"]) == hosts)
    specs = [Fault(how="calls"), Fault(how="spins"), Walk(steps=10_000, pause=10)]
    clients = [Client(server, server.open(spec)) for spec in specs]
    try:
        for client in clients[:2]:
            while not client.received:  # each computes by now
                client.read()
        started = descendants(server.process.pid)
        assert len(started) == (4 if form == "fork" else 2)
        server.process.send_signal(sign)
        server.process.wait(60)
        until(lambda: not any(map(alive, started)))
    finally:
        for client in clients:
            client.close()
        server.close()
    if sign == signal.SIGTERM:
        assert any("Application shutdown complete" in line for line in server.log)
    assert not any("Traceback" in line for line in server.log)


def test_a_client_that_reads_nothing_does_not_hold_up_the_end() -> None:
    server = Server()
    token = server.open(Walk(steps=3000))  # 12 MB
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(
            f"GET /lab/stream/{token} HTTP/1.1\r\nHost: {server.address}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        assert line.recv(12) == b"HTTP/1.1 101"
        until(lambda: server.get("/report")["recordings_bytes"] > 10_000_000)
        started = descendants(server.process.pid)
        server.process.terminate()
        server.process.wait(60)
        until(lambda: not any(map(alive, started)))
    server.close()
