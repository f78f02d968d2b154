"""The operator's tables: what is documented is what is read; what is wrong is told before anything starts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from streamlit import config
from streamlit.web.server.starlette.starlette_server_config import DEFAULT_WEBSOCKET_PING_INTERVAL

from normviz.__main__ import main
from normviz.player import Settings
from normviz.spec import SpecError
from normviz.ui import operating, options

ROOT = Path(__file__).parents[2]
CONFIGURED = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
TEXTS = [
    *(ROOT / "normviz").rglob("*.py"), ROOT / "README.md", ROOT / "Dockerfile", ROOT / "compose.yaml",
    ROOT / "Makefile", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").iterdir(),
]  # fmt: skip


def test_the_document_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    document = operating.DOCUMENT.read_text()
    assert operating.written(document) == document, "python -m normviz settings --write"
    assert main(["settings"]) == 0
    assert capsys.readouterr().out.strip() in document
    with pytest.raises(ValueError, match="end of settings"):
        operating.written("no marks")


def test_every_setting_has_a_row_with_its_default_and_its_meaning() -> None:
    rows = {row["variable"]: row for row in operating.settings()}
    assert len(rows) == len(fields(Settings))
    for field in fields(Settings):
        row = rows[f"NORMVIZ_{field.name.upper()}"]
        default = getattr(Settings(), field.name)
        if isinstance(default, int | float):
            assert float(row["default"]) == default
        else:
            assert row["default"] == (default or "")
        assert len(row["meaning"]) > 10
        assert row["allowed"]
        assert "|" not in "".join(row.values()), "a bar would end the cell"


def test_no_variable_is_read_or_named_that_the_table_does_not_have() -> None:
    rows = {row["variable"] for row in operating.settings()}
    named = {word for path in TEXTS for word in re.findall(r"\bNORMVIZ_[A-Z_]*[A-Z]\b", path.read_text())}
    assert named == rows


def test_options_are_those_that_streamlit_knows() -> None:
    known = config.get_config_options()
    for name in [one.name for one in (*options.OPTIONS, *options.FIXED)]:
        assert options.variable(name) == known[name].env_var
    rows = {row["option"]: row for row in operating.options()}
    for name, value in ("port", 8501), ("maxMessageSize", CONFIGURED["server"]["maxMessageSize"]):
        assert rows[f"server.{name}"]["default"] == str(value)
    assert rows["server.websocketPingInterval"]["default"] == str(DEFAULT_WEBSOCKET_PING_INTERVAL)
    assert rows["server.allowedHosts"]["default"] == ""
    for fixed in options.FIXED:
        section, _, key = fixed.name.partition(".")
        ours = CONFIGURED.get(section, {}).get(key)
        assert (known[fixed.name].default_val if ours is None else ours) == fixed.value


def test_the_answer_for_programs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NORMVIZ_RUNS", "7")
    assert main(["settings", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"] == operating.settings()
    assert {"options", "fixed"} == set(told["streamlit"])


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("NORMVIZ_RUNS", "0", "NORMVIZ_RUNS: “0” does not work; allowed is a whole number from 1 to 1000."),
        ("NORMVIZ_PAGES", "train, sginal", "NORMVIZ_PAGES: “sginal” does not work"),
        ("NORMVIZ_LESSONS", "/no/such", "allowed is a folder that exists. Make it first."),
    ],
)
def test_what_is_wrong_is_told(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    text: str,
    sentence: str,
) -> None:
    monkeypatch.setenv(variable, text)
    assert main(["settings"]) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.out == ""


def test_a_departure_from_a_fixed_option_is_refused_or_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {one.name: one.value for one in options.FIXED}
    monkeypatch.setattr(config, "get_option", here.__getitem__)
    assert list(options.departures()) == []
    here["server.enableCORS"] = False
    (sentence,) = options.departures()
    assert sentence.startswith("server.enableCORS: “false” does not work; allowed is true.")
    here["client.showErrorDetails"] = "full"
    with pytest.raises(SpecError, match="visitors see tracebacks"):
        list(options.departures())


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"NORMVIZ_PAGES": "trian"}, "Did you mean train?"),
        ({"STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "full"}, "client.showErrorDetails: “full” does not work"),
    ],
)
def test_a_server_with_a_wrong_setting_does_not_start(environment: dict[str, str], sentence: str) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address=127.0.0.1"]
    ended = subprocess.run(
        [*command, "--server.port=0"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip
    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
