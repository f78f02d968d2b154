"""A real start with each setting wrong: the process ends with one clear sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from normviz.player import Settings

ROOT = Path(__file__).parents[1]
CLEAN = {"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
REDIS = {"NORMVIZ_ENGINE": "redis", "NORMVIZ_REDIS": "redis://127.0.0.1:1/0"}
SECURE = REDIS | {"NORMVIZ_REDIS": "rediss://127.0.0.1:1/0"}
NOWHERE = "/no/such/place"

WRONG = {
    "NORMVIZ_PAGES": ("train, sginal", "signal?"),
    "NORMVIZ_ENGINE": ("forks", "one of auto, fork, persistent, redis"),
    "NORMVIZ_DEVICE": ("gpu", "cuda, cuda:N"),
    "NORMVIZ_PROCESSES": ("-1", "0 to 64"),
    "NORMVIZ_RUNS": ("0", "1 to 1000"),
    "NORMVIZ_SHARE": ("two", "1 to 1000"),
    "NORMVIZ_LEASE": ("nan", "0.2 to 3600"),
    "NORMVIZ_LARGEST_RUN": ("1e400", "1e+06 to 1e+18"),
    "NORMVIZ_LARGEST_RECORDING": ("64MB", "1 to 4096"),
    "NORMVIZ_RECORDINGS": ("0.5", "1 to 1e+06"),
    "NORMVIZ_KEPT": ("-16", "0 to 1e+06"),
    "NORMVIZ_RUN_MEMORY": ("1e3", "0 to 1e+06"),
    "NORMVIZ_RUN_SECONDS": ("an hour", "0 to 1e+06"),
    "NORMVIZ_SILENCE": ("0", "0.5 to 86400"),
    "NORMVIZ_CONNECTIONS": ("0", "1 to 100000"),
    "NORMVIZ_CONNECTIONS_PER_ADDRESS": ("1,000", "1 to 100000"),
    "NORMVIZ_LOG": ("yaml", "one of text, json"),
    "NORMVIZ_LOG_LEVEL": ("all", "one of debug, info, warning, error"),
    "NORMVIZ_METRICS": ("maybe", "1 (yes) or 0 (no)"),
    "NORMVIZ_OPERATOR_TOKEN": ("too short", "16 to 200 letters"),
    "NORMVIZ_DRAIN": ("-1", "0 to 86400"),
    "NORMVIZ_EMBED_IN": ("moodle.example.org", "origins such as https://moodle.example.org"),
    "NORMVIZ_LESSONS": (NOWHERE, "a folder that exists"),
    "NORMVIZ_RECORDED": (NOWHERE, "a folder that exists"),
    "NORMVIZ_REDIS": ("http://redis", "redis://host:port/number"),
    "NORMVIZ_REDIS_PASSWORD_FILE": (NOWHERE, "a file that can be read"),
    "NORMVIZ_REDIS_CA": (NOWHERE, "a file that can be read"),
    "NORMVIZ_REDIS_CERTIFICATE": (NOWHERE, "a file that can be read"),
    "NORMVIZ_REDIS_KEY": (NOWHERE, "a file that can be read"),
    "NORMVIZ_REDIS_KEEP": ("59", "60 to 1e+06"),
    "NORMVIZ_EXPERIMENTS": (
        "no_such_module",
        "names of Python modules, separated by commas. It is not found",
    ),
}
"""A wrong value of each setting, and what is said of the right ones."""

START = """
import json, os, sys
from streamlit.web import cli
import normviz.ui.site  # what every start imports, once for all of them

statuses = {}
for log, environment in json.loads(sys.argv[1]).items():
    if (pid := os.fork()) == 0:
        break
    statuses[log] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
else:
    with open(sys.argv[2], "w") as file:
        json.dump(statuses, file)
    sys.exit()
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Streamlit tells an address before the app is loaded
os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 2)
os.environ |= environment
sys.argv = ["streamlit", "run", "app.py", "--server.address=127.0.0.1", "--server.port=0"]
cli.main()
"""


@dataclass(frozen=True)
class Start:
    """What came of a start."""

    status: int
    told: str


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Start]:
    """A start with each setting wrong; all are forks of one process that has imported what they need."""
    folder = tmp_path_factory.mktemp("starts")
    logs = {str(folder / name): {**_beside(name), name: value} for name, (value, _) in WRONG.items()}
    statuses = folder / "statuses"
    subprocess.run(
        [sys.executable, "-c", START, json.dumps(logs), str(statuses)], cwd=ROOT, check=True, timeout=300,
        stdin=subprocess.DEVNULL, env=CLEAN,
    )  # fmt: skip
    ended = json.loads(statuses.read_text())
    return {Path(log).name: Start(ended[log], Path(log).read_text()) for log in logs}


def _beside(name: str) -> dict[str, str]:
    """Settings without which one is of no effect."""
    if name in ("NORMVIZ_REDIS", "NORMVIZ_REDIS_PASSWORD_FILE"):
        return REDIS
    return SECURE if name.startswith("NORMVIZ_REDIS_") else {}


def test_every_setting_is_tried() -> None:
    assert set(WRONG) == {knob.label for _, knob, _ in Settings.knobs()}


@pytest.mark.parametrize("name", WRONG)
def test_a_start_with_a_wrong_value_ends_with_one_sentence(starts: dict[str, Start], name: str) -> None:
    value, allowed = WRONG[name]
    start = starts[name]
    assert start.status == 1
    (line,) = start.told.splitlines()
    wrong = "a text of 9 characters" if "TOKEN" in name else value.rpartition(", ")[2]
    assert line.startswith(f"{name}: “{wrong}” does not work; ")
    assert allowed in line


@pytest.mark.parametrize("words", [("streamlit", "run", "app.py", "--server.port=0"), ("normviz", "worker")])
def test_and_so_does_one_that_is_no_fork(words: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**CLEAN, **REDIS, "NORMVIZ_EXPERIMENTS": "no_such_module"},
    )  # fmt: skip
    assert ended.returncode in (1, 2)
    (line,) = ended.stderr.splitlines()
    assert "NORMVIZ_EXPERIMENTS: “no_such_module” does not work" in line
