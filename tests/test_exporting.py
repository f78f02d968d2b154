"""The command export as a shell sees it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from normviz import __version__
from normviz.frames import Recording
from normviz.specs import EXPERIMENTS
from tests.test_command_line import ROOT, answer, normviz

SMALL = ["signal", "--set", "norms=none,batch", "--set", "depth=3", "--set", "width=32", "--set", "seeds=1"]


def test_the_version_is_the_one_of_the_project() -> None:
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_tables_of_all_charts_hold_the_numbers_of_the_run(tmp_path: Path) -> None:
    told = answer("export", *SMALL, "--format", "csv", "--out", str(tmp_path / "tables"))
    assert {Path(one["path"]).stem for one in told["files"]} >= {"sd", "hist_pre", "chosen_layer"}
    assert all(Path(one["path"]).stat().st_size == one["bytes"] > 0 for one in told["files"])
    ran = answer("run", *SMALL, "--out", str(tmp_path))
    recording, _ = Recording.from_bytes(Path(ran["recording"]).read_bytes())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "tables" / "sd.csv").read_text())))
    found = [float(row["y: SD of the pre-activations"]) for row in rows if row["quantity"] == "sd_median"]
    assert found == pytest.approx([*recording.at("sd_median").ravel()], rel=1e-6)


def test_the_whole_run_is_one_file_that_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    answer("export", *SMALL, "--format", "html", "--out", str(path))
    text = path.read_text()
    assert EXPERIMENTS["signal"].title in text
    assert "python -m normviz run signal --set norms=none,batch" in text
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=", text.split("<body>")[0])


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ([*SMALL, "--format", "csv", "--figure", "sdd"], "signal has no figure “sdd”; it has sd"),
        ([*SMALL, "--format", "csv", "--figure", "hist_prr"], "Did you mean hist_pre?"),
        ([*SMALL, "--format", "html", "--figure", "sd"], "holds the whole run"),
        (["anatomy", "--format", "png"], "computed in the browser and has no charts"),
        (["start", "--format", "csv", "--figure", "tiles"], "csv without --figure"),
        (["start", "--set", "batch=3", "--format", "csv"], "Batch size"),
        (["signal", "--format", "pdf"], "invalid choice"),
        (
            ["sequences", "--format", "script", "--chapter", "depths"],
            "it has the chapters future, modes, depth",
        ),
        (["forgotten_eval", "--format", "script", "--chapter", "repair"], "Did you mean repairs?"),
        (["sequences", "--format", "html", "--chapter", "depth"], "--chapter goes with script, notebook"),
        (["trian", "--format", "csv"], "Did you mean train"),
    ],
)
def test_what_cannot_be_met_gets_a_sentence(words: list[str], hint: str, tmp_path: Path) -> None:
    done = normviz("export", *words, "--out", str(tmp_path / "x"))
    assert done.returncode == 2
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_script_must_not_hide_a_module_of_python(tmp_path: Path) -> None:
    done = normviz("export", "signal", "--format", "script", "--out", str(tmp_path / "signal.py"))
    assert done.returncode == 2
    assert "would hide Python's own module signal" in done.stderr


def test_a_chapter_is_exported(tmp_path: Path) -> None:
    words = ["forgotten_eval", "--format", "script", "--chapter", "repairs"]
    answer("export", *words, "--out", str(tmp_path / "repairs.py"))
    assert "recalibrate" in (tmp_path / "repairs.py").read_text()


def test_a_script_is_exported(tmp_path: Path) -> None:
    told = answer(
        "export", "train", "--set", "depth=2", "--format", "script", "--out", str(tmp_path / "race.py")
    )
    text = (tmp_path / "race.py").read_text()
    compile(text, "race.py", "exec")
    assert "normviz" not in "\n".join(line for line in text.splitlines() if "import" in line)
    assert json.dumps(told["spec"]["depth"]) == "2"
