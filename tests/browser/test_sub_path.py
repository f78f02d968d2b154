"""The site under a path of another one, through nginx with the shipped configuration."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visitors import Server, Visitor, serving
from tests.containers.proxies import free_port, nginx

pytestmark = pytest.mark.browser

RUN = "train?norms=none,batch&depth=2&width=16&steps=50&seeds=1"


def test_a_page_streams_and_comes_back_when_the_proxy_does(chromium: Browser, tmp_path: Path) -> None:
    with serving(tmp_path / "log", base="normviz") as server:
        port, ports = free_port(), {"8501": urlsplit(server.address).port or 0}
        with nginx("nginx-subpath.conf", tmp_path, ports, port) as address:
            visitor = Visitor(chromium, Server(f"http://{address}/normviz/", server.pid, server.log))
            page = visitor.open("../normviz")
            expect(page.locator("h1")).to_have_count(1)
            assert page.url == f"http://{address}/normviz/?predict=0", "the slash is added, the query kept"
            visitor.play(RUN)
            assert visitor.data("loss")
            assert not visitor.faults, visitor.faults
            paths = {urlsplit(url).path for url in visitor.requests if url.startswith("http://")}
            assert all(path.startswith("/normviz") for path in paths)
            assert httpx.get(f"http://{address}/elsewhere", trust_env=False).status_code == 404
        with nginx("nginx-subpath.conf", tmp_path, ports, port):
            page.get_by_role("link", name="Signal", exact=True).first.click()
            visitor.page.wait_for_url("**/normviz/signal*")
            visitor.wait("status", "done")
            assert visitor.state()["frames"] > 0
        visitor.context.close()
