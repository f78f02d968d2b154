"""The container: its build and its life, without an engine (see ``images``)."""

from __future__ import annotations

import base64
import hashlib
import re
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.images import ROOT, Container, Image, admitted, instructions, isolation, stages
from tests.player.processes import alive, children, descendants, until

PACKAGES, FINAL = stages()
WHY_NOT = isolation()
isolated = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

VISIT = """
import asyncio, json
from tests.load.visitors import Visitor

async def watch():
    async with Visitor("127.0.0.1:8501") as visitor:
        visit = await visitor.watch("train", "norms=none,batch&depth=2&width=16&steps=50&seeds=1&predict=0")
    print(json.dumps({"status": visit.status, "frames": visit.frames, "errors": visitor.errors}))

asyncio.run(watch())
"""


def test_nothing_comes_in_but_what_is_copied() -> None:
    for source in ("tests", "docs", "deploy", ".git", "normviz.env", "build", "normviz/ui/__pycache__/x.pyc"):
        assert not admitted(source)
    for source in ("app.py", "normviz/lab/data/x.npz", ".streamlit/config.toml", "constraints.txt"):
        assert admitted(source)


def test_neither_a_compiler_nor_a_package_manager_is_brought_in() -> None:
    """The slim base has no compiler; packages come as wheels or not at all, so none is needed."""
    steps = [rest for name, rest in (*PACKAGES, *FINAL) if name == "RUN"]
    assert not any(re.search(r"\bapt(-get)?\b|\bapk\b", step) for step in steps)
    (install,) = [step for step in steps if "pip install" in step]
    assert "--only-binary=:all:" in install
    assert not any("pip" in rest for name, rest in FINAL if name == "RUN")
    bases = [rest for name, rest in (*PACKAGES, *FINAL) if name == "FROM"]
    assert [base.split()[0] for base in bases] == ["python:${PYTHON}"] * 2
    (default,) = [rest for name, rest in instructions((ROOT / "Dockerfile").read_text()) if name == "ARG"][:1]
    assert re.fullmatch(r"PYTHON=3\.\d+-slim", default)


# --- the stage of the packages -----------------------------------------------------------------------------


def wheel(folder: Path, name: str, version: str) -> None:
    """An empty stand-in for a package, in an index of such."""
    folder, name = folder / re.sub("[-_.]+", "-", name).lower(), name.replace("-", "_")
    about = f"{name}-{version}.dist-info"
    texts = {
        f"{name}.py": f"version = {version!r}\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in texts.items()]
    folder.mkdir(parents=True, exist_ok=True)
    file = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(folder / file, "w") as archive:
        for path, text in texts.items():
            archive.writestr(path, text)
        archive.writestr(f"{about}/RECORD", "\n".join([*rows, f"{about}/RECORD,,"]))
    with (folder / "index.html").open("a") as index:
        index.write(f'<a href="{file}">{file}</a>\n')


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@isolated
def test_the_pinned_packages_are_installed_with_the_asked_build_of_torch(tmp_path: Path) -> None:
    """The step as it is written, with empty stand-ins for the packages: gigabytes would take minutes."""
    image = Image(tmp_path)
    pinned = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert "torch" in dict(pinned)
    for name, version in pinned:
        wheel(tmp_path / "index", name, version)
    wheel(tmp_path / "cpu", "torch", dict(pinned)["torch"] + "+cpu")
    wheel(tmp_path / "cpu", "torch", "99.0+cpu")
    image.environment["PIP_INDEX_URL"] = "file:///index"
    image.build(PACKAGES, {"TORCH_INDEX": "file:///cpu"})
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    got = {path.name.removesuffix(".dist-info") for path in packages.glob("*.dist-info")}
    expected = {f"{name.replace('-', '_')}-{version}" for name, version in pinned if name != "torch"}
    assert expected | {f"torch-{dict(pinned)['torch']}+cpu"} <= got
    assert list(packages.glob("__pycache__/torch.*.pyc")), "nothing can be compiled later"


# --- the container at work ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, its packages those of the tests."""
    image = Image(tmp_path_factory.mktemp("image"))
    image.build(FINAL)
    return image


@pytest.fixture(scope="module")
def container(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """The image's command at work under a base path, until its health check passes."""
    image.environment["STREAMLIT_SERVER_BASE_URL_PATH"] = "some/where"
    log = tmp_path_factory.mktemp("container") / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(image.started(image.command, read_only=True), stdout=out, stderr=out) as process,
    ):
        try:
            until(lambda: children(process.pid))
            container = Container(image, process, min(children(process.pid)), log)
            deadline = time.monotonic() + 120
            while container.run(image.check).returncode:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, "it never became ready"
                time.sleep(0.3)
            yield container
        finally:
            process.kill()


@isolated
class TestContainer:
    """One container, from its start to its end."""

    def test_it_runs_as_a_user_without_any_right(self, container: Container) -> None:
        told = container.run(["cat", "/proc/1/status"]).stdout
        facts = {name: words.split() for name, words in re.findall(r"^(\w+):(.*)$", told, re.MULTILINE)}
        assert set(facts["Uid"]) == {"10001"}
        assert facts["Groups"] == []
        assert set(facts["CapEff"] + facts["CapBnd"]) == {"0" * 16}
        assert facts["NoNewPrivs"] == ["1"]
        assert container.run(["id", "-un"]).stdout.strip() == "normviz"

    def test_nothing_can_be_written_but_in_one_folder(self, container: Container) -> None:
        for path in ("/x", "/app/x", "/app/normviz/x", "/venv/x", "/etc/x", "/usr/x"):
            told = container.run(["touch", path], user=0)
            assert "Read-only file system" in told.stderr, path
        assert container.run(["sh", "-c", "touch $HOME/x && rm /tmp/x"]).returncode == 0

    def test_it_asks_nobody_for_its_address(self, container: Container) -> None:
        """Streamlit would ask a service elsewhere, and say here, where there is none, that it failed."""
        assert "http://localhost:8501/some/where" in container.log.read_text()
        assert "external IP" not in container.log.read_text()

    def test_all_is_compiled_before(self, container: Container) -> None:
        """Python finds what it would otherwise compile at every start of a process."""
        told = container.run(["python", "-v", "-c", "import normviz.spec"]).stderr
        assert "code object from '/app/normviz/__pycache__/spec." in told
        assert "code object from '/app/normviz/spec.py'" not in told

    def test_a_run_streams_to_its_end(self, container: Container) -> None:
        told = container.visit(VISIT.replace("127.0.0.1:8501", "127.0.0.1:8501/some/where"))
        assert told == {"status": "done", "frames": 11, "errors": []}

    def test_an_export_is_made(self, container: Container) -> None:
        words = ["train", "--set", "steps=50", "--set", "seeds=1", "--set", "depth=2", "--format", "html"]
        made = container.run(["python", "-m", "normviz", "export", *words, "--out", "/tmp/run.html"])
        assert made.returncode == 0, made.stderr
        assert int(container.run(["stat", "-c", "%s", "/tmp/run.html"]).stdout) > 1_000_000

    def test_the_check_fails_without_a_server(self, container: Container) -> None:
        changed = [word.replace("8501", "8502") for word in container.image.check]
        assert container.run(changed).returncode != 0
        assert container.run(container.image.check).returncode == 0

    def test_it_ends_when_it_is_asked_to(self, container: Container) -> None:
        """All of it, within compose's grace: process 1 would ignore a signal that it does not handle."""
        started = descendants(container.pid)
        assert started
        grace = re.search(r"stop_grace_period: (\d+)s", (ROOT / "compose.yaml").read_text())
        assert grace
        subprocess.run(["kill", f"-{signal.SIGTERM}", str(container.pid)], check=True)
        assert container.process.wait(int(grace[1])) == 0
        assert not any(map(alive, started))
