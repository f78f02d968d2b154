"""Replicas behind the shipped proxies: a browser stays with one, and finds another when that is gone."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.containers.proxies import DEPLOY, free_port, nginx, replica, running
from tests.player.processes import until


class Browser:
    """Keeps its cookies, as a browser does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = httpx.Client(base_url=f"http://{address}", trust_env=False)

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        """What the replica says that answers."""
        told: dict[str, Any] = self.http.get(path, headers=headers).raise_for_status().json()
        return told

    def websocket(self, path: str) -> dict[str, Any]:
        """What the replica says at the other end of a websocket."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        with connect(f"ws://{self.address}{path}", additional_headers={"Cookie": cookie}, proxy=None) as line:
            told: dict[str, Any] = json.loads(line.recv(10))
            return told


@dataclass(frozen=True)
class Site:
    """nginx before two replicas."""

    address: str
    replicas: dict[str, ExitStack]
    """By name, to be closed."""
    stack: ExitStack

    def browser(self) -> Browser:
        """A new one."""
        browser = Browser(self.address)
        self.stack.enter_context(browser.http)
        return browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The site, at work."""
    ports = {"8501": free_port(), "8502": free_port()}
    replicas = {name: ExitStack() for name in ports}
    with ExitStack() as stack:
        for name, port in ports.items():
            stack.enter_context(replicas[name]).enter_context(replica(name, port))
        address = stack.enter_context(nginx("nginx-replicas.conf", tmp_path, ports))
        yield Site(address, replicas, stack)


def test_pages_and_websockets_of_a_browser_reach_one_replica(site: Site) -> None:
    browsers = [site.browser() for _ in range(16)]
    for browser in browsers:
        browser.get("/")  # the first answer, from anywhere, brings the cookie
    seen = []
    for browser in browsers:
        names = {browser.get(path)["name"] for path in ("/train", "/static/x.js", "/lab/assets/1/y.js")}
        names |= {browser.websocket(path)["name"] for path in ("/_stcore/stream", "/lab/stream/token")}
        assert len(names) == 1
        seen += names
    assert set(seen) == set(site.replicas), "sixteen browsers, and all by one replica: once in 32,768"


def test_a_replica_that_is_gone_is_replaced_by_the_other(site: Site) -> None:
    browser = site.browser()
    browser.get("/")
    name = browser.get("/train")["name"]
    site.replicas[name].close()
    (other,) = set(site.replicas) - {name}
    assert [browser.get("/train")["name"] for _ in range(3)] == [other] * 3
    assert browser.websocket("/_stcore/stream")["name"] == other


def test_the_app_learns_what_it_asks_for(site: Site) -> None:
    """Its own name with the port, to judge origins by, and the visitor's address, to count streams by."""
    told = site.browser().get("/", **{"X-Forwarded-For": "203.0.113.7"})
    assert told["host"] == site.address
    assert told["x-forwarded-for"].split(", ")[-1] == "127.0.0.1", "what a visitor claims comes before"
    assert told["x-forwarded-proto"] == "http"


def test_a_cookie_of_somebody_s_own_making_is_replaced(site: Site) -> None:
    answer = site.browser().http.get("/", headers={"Cookie": "normviz=x"})
    drawn = answer.headers["set-cookie"]
    assert drawn.startswith("normviz=")
    assert "HttpOnly; SameSite=Lax" in drawn
    kept = site.browser().http.get("/", headers={"Cookie": drawn.partition(";")[0]})
    assert "set-cookie" not in kept.headers


def test_the_proxy_of_compose_speaks_tls_and_passes_websockets_on(tmp_path: Path) -> None:
    app, port = free_port(), free_port()
    environment = {
        "SITE": f"https://localhost:{port}", "APP_HOST": "localhost", "APP_PORT": str(app),
        "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path),
    }  # fmt: skip
    text = (DEPLOY / "Caddyfile").read_text()
    ours = text.replace("admin off\n", "admin off\nauto_https disable_redirects\n")  # they would take port 80
    (tmp_path / "Caddyfile").write_text(ours)
    command = ["caddy", "run", "--config", str(tmp_path / "Caddyfile")]
    with replica("app", app), running(command, port, environment):
        authority = tmp_path / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        until(authority.exists)
        trusted = ssl.create_default_context(cafile=str(authority))
        with httpx.Client(verify=trusted, base_url=f"https://localhost:{port}", trust_env=False) as client:
            until(lambda: _answers(client))
            told = client.get("/train").raise_for_status()
        assert told.json()["host"] == f"localhost:{port}"
        assert (told.json()["x-forwarded-proto"], told.json()["x-forwarded-for"]) == ("https", "127.0.0.1")
        assert "normviz" in client.cookies
        with connect(f"wss://localhost:{port}/lab/stream/token", ssl=trusted, proxy=None) as line:
            assert json.loads(line.recv(10)) == {"name": "app", "path": "/lab/stream/token"}


def _answers(client: httpx.Client) -> bool:
    """It has its certificate by now."""
    try:
        return client.get("/").is_success
    except httpx.TransportError:
        return False
