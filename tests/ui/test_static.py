"""The stage's files over HTTP: what is served, what is not, and how long browsers may keep it."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import plotly
import pytest

from normviz.ui import static
from normviz.ui.pages import PAGES
from tests.ui.asked import Answer, ask


def get(path: str, **headers: str) -> Answer:
    """Ask the routes as a server would."""
    return ask(static.routes(), path, **headers)


FILES = sorted(path.name for path in static.FOLDER.iterdir() if path.is_file())


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_to_keep(name: str) -> None:
    answer = get("/" + static.address(name))
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.body == (static.FOLDER / name).read_bytes()
    if name.endswith(".js"):
        assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("name", ["stage.js", static.PLOTLY])
def test_files_travel_compressed_to_those_who_can(name: str) -> None:
    packed = get("/" + static.address(name), accept_encoding="gzip")
    plain = get("/" + static.address(name))
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2


def test_plotly_js_is_of_the_version_that_plotly_py_was_made_for() -> None:
    """So that what the tests of the figures check against plotly.py holds for what draws them."""
    whole = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    ours = (static.FOLDER / static.PLOTLY).read_text("utf-8")
    version = r"plotly\.js (?:\(cartesian - minified\) )?v([\d.]+)"
    assert re.findall(version, ours[:300]) == re.findall(version, whole.read_text("utf-8")[:300]) != []
    assert "Permission is hereby granted" in (static.FOLDER / "plotly.LICENSE.txt").read_text()


def test_other_versions_are_asked_for_again() -> None:
    """An address without our version must not be kept: its contents may change."""
    for address in ("/lab/assets/stage.js", "/lab/assets/0123456789ab/stage.js"):
        answer = get(address)
        assert answer.status == 200
        assert answer.headers["cache-control"] == "no-cache"
        assert get(address, if_none_match=answer.headers["etag"]).status == 304


@pytest.mark.parametrize(
    "path",
    [
        "/../static.py",
        "/%2e%2e/static.py",
        "/..%2fstatic.py",
        "/static.py",
        "/nothing.js",
        "//etc/passwd",
        "/x/../stage.js",
    ],
)
def test_nothing_else_is_served(path: str) -> None:
    assert get("/lab/assets" + path).status == 404


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_modules_import_only_what_is_served(name: str) -> None:
    source = (static.FOLDER / name).read_text()
    for wanted in re.findall(r'from "([^"]+)"', source):
        assert wanted.startswith("./")
        assert wanted[2:] in FILES


def test_the_list_of_pages_needs_neither_torch_nor_streamlit() -> None:
    """So the command line lists them at once."""
    code = (
        "import sys; from normviz.ui.pages import PAGES;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'streamlit')) or len(PAGES) == 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_page_has_a_script_and_an_address_of_its_own() -> None:
    assert all(page.file.is_file() for page in PAGES)
    assert len({page.url_path for page in PAGES}) == len(PAGES)
    assert [page.url_path for page in PAGES].count("") == 1
