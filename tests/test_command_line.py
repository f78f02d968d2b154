"""The command line as a shell sees it: stdout, stderr, exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from normviz.bench import BENCHES
from normviz.frames import Recording
from normviz.specs import EXPERIMENTS, from_json

ROOT = Path(__file__).parents[1]
OURS = [name for name, kind in EXPERIMENTS.items() if kind.__module__.startswith("normviz.")]
"""Without what other tests have added for themselves in this process."""
SMALL = ["--set", "norms=none,batch", "--set", "steps=50", "--set", "seeds=1", "--set", "depth=2"]


def normviz(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "normviz", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)


def answer(*words: str) -> dict[str, Any]:
    """What a successful command prints under ``--json``."""
    done = normviz(*words, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def test_list_names_everything() -> None:
    told = answer("list")
    assert told["norms"] == [
        "none", "batch", "layer", "group", "instance", "rms", "batch_renorm", "frn",
        "weight_norm", "weight_standardization", "ghost_batch", "dyt",
    ]  # fmt: skip
    assert told["networks"][:2] == ["mlp", "cnn"]
    assert {"digits", "shapes", "moons", "circles", "spiral", "xor", "marked", "digits_rows"} <= set(
        told["datasets"]
    )
    assert told["experiments"] == OURS
    assert all({"title", "path"} <= set(page) for page in told["pages"])
    paths = [page["path"] for page in told["pages"]]
    assert len(set(paths)) == len(paths) >= 3


def test_listing_starts_no_torch() -> None:
    code = "import sys; from normviz.__main__ import main; main(['list']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_prints_its_summary_and_keeps_its_recording(tmp_path: Path) -> None:
    told = answer("run", "train", *SMALL, "--out", str(tmp_path))
    recording, about = Recording.from_bytes(Path(told["recording"]).read_bytes())
    spec = from_json(json.dumps(about["spec"]))
    assert spec.to_json() == json.dumps(
        {"experiment": "train", **told["spec"]}, sort_keys=True, separators=(",", ":")
    )
    assert recording.frame(-1).step == 50
    assert json.loads((tmp_path / "train.json").read_text())["spec"] == told["spec"]
    plain = normviz("run", "train", *SMALL)
    assert plain.returncode == 0
    assert "frames in" in plain.stderr
    assert "batch" in plain.stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["run", "trian"], "Did you mean train"),
        (["run", "train", "--set", "batchsize=8"], "Did you mean batch_size"),
        (["run", "train", "--set", "norms=bacth"], "Did you mean batch"),
        (["run", "train", "--set", "lr=fast"], "a number from"),
        (["run", "train", "--set", "lr"], "field=value"),
        (["run", "train", *SMALL, "--out", "/dev/null/x"], "cannot write"),
        (["bench", "stak"], "Did you mean stack"),
        (["lst"], "Did you mean list"),
        (["export", "train", "--format", "scrpt", "--out", "x"], "Did you mean script"),
        (["run", "trian", "--help"], "Did you mean train"),
        ([], "--help"),
    ],
)
def test_a_wrong_word_gets_a_sentence(words: list[str], hint: str) -> None:
    done = normviz(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [[], ["list"], ["run"], ["bench"]])
def test_help_is_worth_reading(words: list[str]) -> None:
    done = normviz(*words, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 5
    if words == ["run"]:
        for kind in map(EXPERIMENTS.__getitem__, OURS):
            assert kind.title in done.stdout
            assert all(f"  {name}" in done.stdout for name, _, _ in kind.knobs())
    if words == ["bench"]:
        assert all(name in done.stdout for name in BENCHES)


@pytest.mark.parametrize("command", ["run", "export"])
def test_help_after_an_experiment_is_about_its_fields(command: str) -> None:
    done = normviz(command, "signal", "--help")
    assert done.returncode == 0
    assert all(f"\n  {name}" in done.stdout for name, _, _ in EXPERIMENTS["signal"].knobs())
    assert EXPERIMENTS["train"].title not in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["run", "train", "--out", "/dev/null/x"],
        ["export", "train", "--format", "csv", "--out", "/dev/null/x"],
        ["export", "train", "--format", "html", "--out", "/dev/null/x.html"],
        ["warm", "broken-networks", "--out", "/dev/null/x"],
    ],
)
def test_where_nothing_can_be_written_nothing_is_computed(words: list[str]) -> None:
    """The lab, which computes, is not even imported."""
    code = f"import sys; from normviz.__main__ import main; status = main({words!r}); "
    code += "sys.exit(status + 10 * ('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2, done.stderr
    assert "cannot write to /dev/null" in done.stderr


def test_the_cost_of_a_frame_is_measured() -> None:
    told = answer("bench", "frames")
    assert 6 * 8 * 64 * 2 < told["bytes"] <= 6500
    assert told["encode_ms"] > 0


def test_warm_records_the_runs_of_a_lesson(tmp_path: Path) -> None:
    lesson = tmp_path / "mine.toml"
    settings = 'settings = { norms = ["none"], steps = 50, seeds = 1, depth = 2 }'
    lesson.write_text(f'title = "x"\n[[steps]]\npage = "train"\n{settings}\n[[steps]]\npage = "anatomy"\n')
    told = answer("warm", str(lesson), "--out", str(tmp_path / "recorded"))
    (run,) = told["runs"]
    recording, about = Recording.from_bytes((tmp_path / "recorded" / run["recording"]).read_bytes())
    assert from_json(about["spec"]).key == run["key"]
    assert len(recording) == 11
    wrong = normviz("warm", "no-such-lesson", "--out", str(tmp_path))
    assert wrong.returncode == 2
    assert "Lesson: “no-such-lesson” does not work; allowed is one of" in wrong.stderr
