"""A disk that is full: the server serves on, and commands that write say so and leave no half file."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from normviz import files
from tests.apps import ROOT, App
from tests.faults.guests import Guest
from tests.faults.scenes import RACE, check
from tests.load.visitors import Visitor

FULL = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Starts a command whose processes cannot put a byte into any file, nor into their log."""


class Collector(Visitor):
    """Takes away what a page offers."""

    async def download(self, page: str, query: str, labels: Sequence[str]) -> list[str]:
        """The files behind the buttons with these words."""
        assert self._session
        asked = BackMsg()
        asked.rerun_script.page_name, asked.rerun_script.query_string = page, query
        await self._session.send(asked.SerializeToString())
        session, offered = "", {}
        while (told := await self._hear()).WhichOneof("type") != "script_finished":
            session = told.new_session.initialize.session_id or session
            if told.delta.new_element.WhichOneof("type") == "download_button":
                button = told.delta.new_element.download_button
                offered[button.label] = button.deferred_file_id
        return [await self._fetch(session, offered[label]) for label in labels]

    async def _fetch(self, session: str, file: str) -> str:
        assert self._session
        wanted = BackMsg()
        wanted.backend_operation_request.request_id = file
        wanted.backend_operation_request.session_id = session
        wanted.backend_operation_request.deferred_file.file_id = file
        await self._session.send(wanted.SerializeToString())
        while (told := await self._hear()).WhichOneof("type") != "backend_operation_response":
            pass
        assert not told.backend_operation_response.error_msg
        url = f"http://{self.address}{told.backend_operation_response.deferred_file.url}"
        return await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=60).read().decode())

    async def _hear(self) -> ForwardMsg:
        assert self._session
        data = await asyncio.wait_for(self._session.recv(), 60)
        assert isinstance(data, bytes)
        return ForwardMsg.FromString(data)


@pytest.mark.slow
def test_the_server_needs_no_disk() -> None:
    async def scene(app: App) -> None:
        guest = Guest(app.address, "train", RACE.format(1))
        await guest.stay()
        check(guest)
        async with Collector(app.address) as collector:
            labels = ("Whole run (HTML)", "PyTorch script")
            whole, code = await collector.download("train", RACE.format(1), labels)
        assert whole.startswith("<!doctype html>")
        compile(code, "script", "exec")

    nowhere = "/proc/nowhere"
    full = (sys.executable, "-c", FULL)
    with App(Path(os.devnull), ready="lab/ready", wrapped=full, HOME=nowhere, TMPDIR=nowhere) as app:
        asyncio.run(scene(app))


# --- commands -------------------------------------------------------------------------------------

SMALL = ["train", "--set", "norms=none", "--set", "steps=50", "--set", "seeds=1", "--set", "depth=2"]


def commanded(words: list[str], most: int | None = None, out: Path = Path(os.devnull)) -> str:
    """What a command says that is refused, with files of at most so many bytes."""
    limit = None if most is None else partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
    with out.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "normviz", *words], cwd=ROOT, stdout=output, stderr=subprocess.PIPE,
            text=True, timeout=300, check=False, preexec_fn=limit,
        )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["run", *SMALL, "--out", "{}"], 1000),
        (["export", "train", "--format", "script", "--out", "{}/race.py"], 1000),
        (["warm", "{lesson}", "--out", "{}"], 1000),
        (["recordings", "signal", "--out", "{}"], 1000),
    ],
)
def test_a_command_that_fills_the_disk_leaves_no_half_file(
    words: list[str], most: int, tmp_path: Path
) -> None:
    folder, lesson = tmp_path / "out", tmp_path / "mine.toml"
    folder.mkdir()
    settings = 'settings = { norms = ["none"], steps = 50, seeds = 1, depth = 2 }'
    lesson.write_text(f'title = "x"\n[[steps]]\npage = "train"\n{settings}\n')
    told = commanded([word.format(folder, lesson=lesson) for word in words], most)
    assert "normviz: cannot write" in told
    assert "File too large" in told
    assert not list(folder.iterdir())


def test_an_output_on_a_full_disk_gets_a_sentence() -> None:
    told = commanded(["list", "--json"], out=Path("/dev/full"))
    assert told == "normviz: the system refused: No space left on device\n"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    files.write(path, b"first")
    link.symlink_to(path)
    files.write(link, b"second")
    assert link.is_symlink()
    assert path.read_bytes() == b"second"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
        with pytest.raises(OSError, match="too large"):
            files.write(path, b"x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"second"
    assert {one.name for one in tmp_path.iterdir()} == {"file", "link"}
    with pytest.raises(OSError, match="No space left"):
        files.write(Path("/dev/full"), b"x")
    assert Path("/dev/full").is_char_device()
