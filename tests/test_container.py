"""The container, without an engine that builds it: what its Dockerfile copies and starts, tried here."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.player.processes import alive, descendants, until

ROOT = Path(__file__).parents[1]
DOCKERFILE = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
FINAL = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
IGNORED = (ROOT / ".dockerignore").read_text().split("\n")


def copied(stage: str) -> list[tuple[list[str], str]]:
    """Sources and destination of each COPY from the context."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", stage, re.MULTILINE)
    return [(words[:-1], words[-1]) for words in (line.split() for line in lines)]


def command(instruction: str) -> list[str]:
    """The exec form of CMD, or of the CMD of HEALTHCHECK."""
    found = re.search(rf"^{instruction}.*?(\[.+\])$", FINAL, re.MULTILINE)
    assert found
    words: list[str] = json.loads(found[1])
    return words


def test_what_is_copied_is_in_the_context() -> None:
    """The context is a list of what may come in; a source that it leaves out would fail the build."""
    sources = [source for sources, _ in copied(DOCKERFILE) for source in sources]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in IGNORED


def test_a_user_without_rights_runs_it() -> None:
    assert re.search(r"^USER (?!root)\w+$", FINAL, re.MULTILINE)


def test_what_is_copied_serves_and_writes_nothing(tmp_path: Path) -> None:
    """Started by the image's own command in a folder with nothing else, until its own health check passes."""
    app, home = tmp_path / "app", tmp_path / "home"
    home.mkdir()
    for sources, destination in copied(FINAL):
        for source in sources:
            target = app / destination / (source if destination.endswith("/") else "")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, target)
    before = sorted(app.rglob("*"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def here(words: list[str]) -> list[str]:
        changed = [w.replace("8501", str(port)).replace("0.0.0.0", "127.0.0.1") for w in words]
        tool = [sys.executable] if changed[0] == "python" else [sys.executable, "-m", changed[0]]
        return [*tool, *changed[1:]]

    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home), "OMP_NUM_THREADS": "1"}
    environment |= dict(re.findall(r"(PYTHON\w+)=(\S+)", FINAL))
    environment.pop("PYTHONPATH", None)
    check = here(command("HEALTHCHECK"))
    with subprocess.Popen(here(command("CMD")), cwd=app, env=environment) as server:
        try:
            deadline = time.monotonic() + 120
            while subprocess.run(check, env=environment, capture_output=True, check=False).returncode:
                assert server.poll() is None, "it ended by itself"
                assert time.monotonic() < deadline, "it never became ready"
                time.sleep(0.2)
            hosts = descendants(server.pid)
            assert hosts
            server.send_signal(signal.SIGTERM)
            server.wait(30)
            until(lambda: not any(map(alive, hosts)))
        finally:
            server.kill()
    assert sorted(app.rglob("*")) == before
