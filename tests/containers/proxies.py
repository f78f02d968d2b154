"""Reverse proxies as they are shipped in ``deploy/``, and something to stand behind them."""

from __future__ import annotations

import http
import json
import logging
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

DEPLOY = Path(__file__).parents[2] / "deploy"
_MAIN = """
daemon off;
pid {folder}/pid;
error_log stderr warn;
{user}
events {{}}
http {{
    log_format chosen '$request_uri $upstream_addr';
    access_log {folder}/chosen.log chosen;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def nginx(name: str, folder: Path, ports: Mapping[str, int], port: int = 0) -> Iterator[str]:
    """Run nginx with a shipped file, on this port or a free one; its host and port.

    ``ports`` are those behind it in the file, and here.  ``chosen.log`` in its folder tells of each request
    that has ended to which of them it was passed.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.fail("nginx is missing: make services, or sudo apt-get install nginx-light", pytrace=False)
    port = port or free_port()
    text = (DEPLOY / name).read_text()
    for one, here in {"listen 80;": f"listen 127.0.0.1:{port};", **_addresses(ports)}.items():
        assert one in text
        text = text.replace(one, here)
    (folder / "site.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))
    with running([program, "-c", str(folder / "nginx.conf"), "-p", str(folder)], port):
        yield f"127.0.0.1:{port}"


def _addresses(ports: Mapping[str, int]) -> dict[str, str]:
    return {f"127.0.0.1:{one}": f"127.0.0.1:{here}" for one, here in ports.items()}


@contextmanager
def running(command: list[str], port: int, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a program that listens on a port, until the end of the block."""
    with subprocess.Popen(command, env={**os.environ, **(environment or {})}) as process:
        try:
            deadline = time.monotonic() + 30
            while not _listens(port):
                assert process.poll() is None, f"{command[0]} ended by itself"
                assert time.monotonic() < deadline, f"{command[0]} does not listen"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def replica(name: str, port: int, host: str = "127.0.0.1") -> Iterator[None]:
    """A server that says its name and what it was asked, to requests and on websockets."""

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        told = {
            "name": name,
            "path": request.path,
            **{key.lower(): request.headers[key] for key in request.headers},
        }
        return connection.respond(http.HTTPStatus.OK, json.dumps(told))

    def talk(connection: ServerConnection) -> None:
        assert connection.request
        connection.send(json.dumps({"name": name, "path": connection.request.path}))

    silent = logging.Logger("replica", logging.CRITICAL)  # its last words would come after the test's
    with serve(talk, host, port, process_request=answer, logger=silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
