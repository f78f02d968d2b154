"""Before the first visitor all is made that they would wait for; after the end nothing stays behind."""

from __future__ import annotations

import signal
import socket

import pytest

from normviz.ui import lifespan
from normviz.ui.exhibits import first_spec
from normviz.ui.pages import PAGES, Page
from normviz.ui.playable import _played
from normviz.ui.words import LANGUAGES
from tests.player.processes import alive, descendants, until
from tests.player.small_experiments import Fault, Walk
from tests.ui.sites import IdlePlayer, Sent, visit
from tests.ui.streams import Client, Server

PLAYING = [page for page in PAGES if first_spec(page.url_path, {})]


@pytest.mark.parametrize("page", PLAYING, ids=lambda page: page.url_path)
@pytest.mark.parametrize("code", LANGUAGES)
def test_what_a_page_plays_at_first_is_made_already(
    page: Page, code: str, idle: IdlePlayer, sent: Sent
) -> None:
    _played.cache_clear()
    lifespan._play(page)
    made = _played.cache_info().misses
    assert made == len(LANGUAGES)
    visit(page.url_path, lang=code)
    assert any(one["key"].startswith("stage") for one in sent)
    assert _played.cache_info().misses == made


def test_there_is_room_for_what_all_pages_play_at_first() -> None:
    room = _played.cache_parameters()["maxsize"]
    assert room is not None
    assert len(PLAYING) * len(LANGUAGES) <= room


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
