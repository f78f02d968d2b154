"""Replicas behind the shipped proxies: a browser stays with one, and finds another when that is gone."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.containers.names import name_server
from tests.containers.proxies import DEPLOY, free_port, nginx, replica, running
from tests.player.processes import until

_REFRESHED = 1.5
"""Seconds after which the shipped Caddy has asked anew where the replicas are."""


NAMED = "lab.localhost"
"""A name of a site for which Caddy makes the certificate itself."""


class Browser:
    """Keeps its cookies, those of websockets included, as a browser does."""

    def __init__(self, address: str, http: httpx.Client, tls: ssl.SSLContext | None = None) -> None:
        self.address, self.http, self._tls = address, http, tls
        self.cookies = SimpleCookie()

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        """What the replica says that answers."""
        answer = self.http.get(path, headers=headers | self._own).raise_for_status()
        self._keep(answer.headers.get_list("set-cookie"))
        self.http.cookies.clear()
        told: dict[str, Any] = answer.json()
        return told

    def websocket(self, path: str) -> dict[str, Any]:
        """What the replica says at the other end of a websocket."""
        url = f"{'wss' if self._tls else 'ws'}://{self.address}{path}"
        with connect(url, ssl=self._tls, additional_headers=self._own, proxy=None, open_timeout=30) as line:
            assert line.response
            self._keep(line.response.headers.get_all("Set-Cookie"))
            told: dict[str, Any] = json.loads(line.recv(10))
            return told

    @property
    def _own(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())}

    def _keep(self, told: list[str]) -> None:
        for one in told:
            self.cookies.load(one)


@dataclass(frozen=True)
class Site:
    """nginx before two replicas."""

    address: str
    ports: dict[str, int]
    """By name of the replica."""
    replicas: dict[str, ExitStack]
    """By name, to be closed."""
    stack: ExitStack

    def other(self, name: str) -> str:
        """Which one it is besides this one."""
        (found,) = set(self.replicas) - {name}
        return found

    def end(self, name: str) -> None:
        """End a replica, and every connection with it."""
        self.replicas[name].close()

    def start(self, name: str) -> None:
        """Start it again."""
        self.replicas[name].enter_context(replica(name, self.ports[name]))

    def browser(self) -> Browser:
        """A new one."""
        client = httpx.Client(base_url=f"http://{self.address}", trust_env=False)
        return Browser(self.address, self.stack.enter_context(client))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The site, at work."""
    ports = {"8501": free_port(), "8502": free_port()}
    with ExitStack() as stack:
        replicas = {name: stack.enter_context(ExitStack()) for name in ports}
        address = stack.enter_context(nginx("nginx-replicas.conf", tmp_path, ports))
        made = Site(address, ports, replicas, stack)
        for name in ports:
            made.start(name)
        yield made


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
    name = browser.get("/")["name"]
    site.end(name)
    assert [browser.get("/train")["name"] for _ in range(3)] == [site.other(name)] * 3
    assert browser.websocket("/_stcore/stream")["name"] == site.other(name)


def test_replicas_that_end_in_turn_leave_nobody_out(site: Site) -> None:
    """As when they are updated: the second one ends as soon as the first one is back."""
    browser = site.browser()
    first = browser.get("/")["name"]
    site.end(first)
    assert browser.get("/train")["name"] == site.other(first)
    site.start(first)
    site.end(site.other(first))
    newcomer = site.browser()
    assert [one.get("/train")["name"] for one in (browser, newcomer)] == [first] * 2
    assert browser.websocket("/_stcore/stream")["name"] == first


def test_a_browser_stays_with_the_replica_that_took_its_session_over(site: Site) -> None:
    """When the first one is back, a stream or a download there would know nothing of the session."""
    browser = site.browser()
    first = browser.get("/")["name"]
    site.end(first)
    assert browser.websocket("/_stcore/stream")["name"] == site.other(first)
    site.start(first)
    assert browser.websocket("/lab/stream/token")["name"] == site.other(first)
    assert browser.get("/media/file")["name"] == site.other(first)


def test_a_request_that_another_replica_answers_does_not_take_the_browser_away_from_its_session(
    site: Site,
) -> None:
    browser = site.browser()
    first = browser.get("/")["name"]
    site.end(first)
    answers = [browser.get("/static/x.js"), browser.websocket("/lab/stream/token")]
    assert [one["name"] for one in answers] == [site.other(first)] * 2
    site.start(first)
    assert browser.websocket("/_stcore/stream")["name"] == first


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


@contextmanager
def caddy(folder: Path, app: int, name: str = "localhost", resolver: str = "") -> Iterator[Browser]:
    """Caddy as it is shipped, before what listens at a name on this port; a browser that trusts it."""
    port = free_port()
    environment = {
        "SITE": f"https://localhost:{port}, https://{NAMED}:{port}", "APP_HOST": name, "APP_PORT": str(app),
        "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder),
    }  # fmt: skip
    text = (DEPLOY / "Caddyfile").read_text()
    ours = {"admin off\n": "admin off\nauto_https disable_redirects\n"}  # they would take port 80
    if resolver:
        ours["refresh"] = f"resolvers {resolver}\n\t\t\trefresh"
    for one, here in ours.items():
        assert text.count(one) == 1
        text = text.replace(one, here)
    (folder / "Caddyfile").write_text(text)
    with running(["caddy", "run", "--config", str(folder / "Caddyfile")], port, environment):
        authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        until(authority.exists)
        trusted = ssl.create_default_context(cafile=str(authority))
        with httpx.Client(
            verify=trusted, base_url=f"https://localhost:{port}", trust_env=False, timeout=30
        ) as client:
            until(lambda: _answers(client))
            yield Browser(f"localhost:{port}", client, trusted)


def test_the_proxy_of_compose_speaks_tls_and_passes_websockets_on(tmp_path: Path) -> None:
    app = free_port()
    with replica("app", app), caddy(tmp_path, app) as browser:
        told = browser.get("/train")
        assert told["host"] == browser.address
        assert (told["x-forwarded-proto"], told["x-forwarded-for"]) == ("https", "127.0.0.1")
        assert "normviz" in browser.cookies
        told = browser.websocket("/lab/stream/token")
        assert told == {"name": "app", "path": "/lab/stream/token"}


def test_the_proxy_of_compose_has_browsers_come_back_by_tls_but_not_to_localhost(tmp_path: Path) -> None:
    """There it would reach every other server of the machine."""
    app = free_port()
    with replica("app", app), caddy(tmp_path, app) as browser:
        port = browser.address.partition(":")[2]
        here = browser.http.get("/")
        named = browser.http.build_request(
            "GET", "/", headers={"Host": f"{NAMED}:{port}"}, extensions={"sni_hostname": NAMED}
        )
        until(lambda: _succeeds(browser.http, named))
        assert browser.http.send(named).headers["strict-transport-security"] == "max-age=86400"
        assert here.is_success
        assert "strict-transport-security" not in here.headers


def test_the_proxy_of_compose_replaces_a_replica_that_is_gone(tmp_path: Path) -> None:
    """The engine of the containers forgets its name; the browser stays with the other one."""
    app, there = free_port(), ["127.0.0.1", "127.0.0.2"]
    with ExitStack() as stack:
        replicas = {one: stack.enter_context(ExitStack()) for one in there}
        for one in there:
            replicas[one].enter_context(replica(one, app, one))
        resolver = stack.enter_context(name_server(there))
        browser = stack.enter_context(caddy(tmp_path, app, "replicas.test", resolver))
        first = browser.get("/")["name"]
        assert {browser.get("/train")["name"] for _ in range(8)} == {first}
        (other,) = set(there) - {first}
        replicas[first].close()
        there.remove(first)
        assert browser.get("/_stcore/health")["name"] == other
        assert browser.websocket("/_stcore/stream")["name"] == other
        replicas[first].enter_context(replica(first, app, first))
        there.append(first)
        time.sleep(_REFRESHED)
        assert browser.websocket("/lab/stream/token")["name"] == other


def _answers(client: httpx.Client) -> bool:
    """It has its certificate by now."""
    return _succeeds(client, client.build_request("GET", "/"))


def _succeeds(client: httpx.Client, request: httpx.Request) -> bool:
    try:
        return client.send(request).is_success
    except httpx.TransportError:
        return False
