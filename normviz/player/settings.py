"""What the operator of a server may set, by environment variables.

| variable | default | allowed | meaning |
| --- | --- | --- | --- |
| NORMVIZ_ENGINE | auto | auto, fork, persistent | how runs are computed: one forked process a run (Linux, CPU) or a few lasting processes |
| NORMVIZ_PROCESSES | 0 | 0 to 64 | lasting processes of the persistent form; 0: one for each processor core |
| NORMVIZ_RUNS | 64 | 1 to 1000 | runs computed at once; further ones wait in line |
| NORMVIZ_LEASE | 10 | 0.2 to 3600 s | how long a run goes on that nobody watches |
| NORMVIZ_LARGEST_RUN | 1e13 | 1e6 to 1e18 | multiply-adds of the largest run |
| NORMVIZ_LARGEST_RECORDING | 64 | 1 to 4096 MB | the largest recording |
| NORMVIZ_RECORDINGS | 512 | 1 to 1048576 MB | memory for all recordings; those watched least recently go first |
| NORMVIZ_KEPT | 32 | 0 to 1048576 MB | of them, for those that nobody has watched for a minute |
| NORMVIZ_RUN_MEMORY | 1024 | 0 to 1048576 MB | memory of one run beyond the engine's own; 0: no limit (fork form) |
| NORMVIZ_RUN_SECONDS | 3600 | 0 to 1000000 s | processor time of one run; 0: no limit (fork form) |
| NORMVIZ_LOG | text | text, json | the log on standard error: lines to read, or one JSON object a line |
| NORMVIZ_LOG_LEVEL | info | debug, info, warning, error | the least important lines that the log has |
| NORMVIZ_METRICS | 0 | 1 (yes) or 0 (no) | GET /lab/metrics for Prometheus; if NORMVIZ_OPERATOR_TOKEN is set, with that token (Bearer) |
| NORMVIZ_OPERATOR_TOKEN | | 16 to 200 letters, digits and signs, without a space | opens the page /operator and the route /lab/drain to whoever knows it; without it, neither is there |
| NORMVIZ_DRAIN | 0 | 0 to 86400 s | how long the server goes on after SIGTERM while somebody watches a run in progress |
| NORMVIZ_CONNECTIONS | 2000 | 1 to 100000 | websockets open at once; a window has one, and with charts two |
| NORMVIZ_CONNECTIONS_PER_ADDRESS | 800 | 1 to 100000 | the same from one network address (a classroom may share one: six windows each for sixty people) |
| NORMVIZ_EMBED_IN | | origins, comma-separated | sites that may show pages of this one in a frame, such as https://moodle.example.org or https://*.example.org, or one * for every site |
| NORMVIZ_LESSONS | | a folder | further lessons, one TOML file each (see ``normviz.ui.lessons``); a file of the name of a shipped one takes its place |
| NORMVIZ_RECORDED | | a folder | recordings made beforehand (``python -m normviz warm``), read at the start |
| NORMVIZ_EXPERIMENTS | | module names, comma-separated | modules with further experiments, each adding to ``normviz.specs.EXPERIMENTS`` |

A wrong value is refused at start with a sentence.
"""  # noqa: E501

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from normviz.spec import Knob, SpecError, knob

_PREFIX = "NORMVIZ_"
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_ORIGIN = re.compile(r"\*|https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", re.IGNORECASE)
_ORIGINS = "origins such as https://moodle.example.org, separated by commas, or * for every site"
_LISTS = ("embed_in", "experiments")
_FOLDERS = ("lessons", "recorded")
_TOKEN = re.compile(r"[!-~]{16,200}")  # what a header may carry
_TOKEN_FORM = "16 to 200 letters, digits and signs, without a space"
_MAKE_ONE = "Make one: python -c 'import secrets; print(secrets.token_urlsafe(24))'"
OPERATOR_TOKEN = _PREFIX + "OPERATOR_TOKEN"
MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Limits and choices of one server.  Each field is the variable of its name (see the table above).

    Raises:
        SpecError: a value is not accepted.
    """

    engine: str = knob("auto", label="NORMVIZ_ENGINE", choices=("auto", "fork", "persistent"))
    processes: int = knob(0, label="NORMVIZ_PROCESSES", low=0, high=64)
    runs: int = knob(64, label="NORMVIZ_RUNS", low=1, high=1000)
    lease: float = knob(10.0, label="NORMVIZ_LEASE", low=0.2, high=3600, unit="s")
    largest_run: float = knob(1e13, label="NORMVIZ_LARGEST_RUN", low=1e6, high=1e18)
    largest_recording: int = knob(64, label="NORMVIZ_LARGEST_RECORDING", low=1, high=4096, unit="MB")
    recordings: int = knob(512, label="NORMVIZ_RECORDINGS", low=1, high=1_048_576, unit="MB")
    kept: int = knob(32, label="NORMVIZ_KEPT", low=0, high=1_048_576, unit="MB")
    run_memory: int = knob(1024, label="NORMVIZ_RUN_MEMORY", low=0, high=1_048_576, unit="MB")
    run_seconds: int = knob(3600, label="NORMVIZ_RUN_SECONDS", low=0, high=1_000_000, unit="s")
    connections: int = knob(2000, label="NORMVIZ_CONNECTIONS", low=1, high=100_000)
    connections_per_address: int = knob(
        800, label="NORMVIZ_CONNECTIONS_PER_ADDRESS", low=1, high=100_000
    )  # fmt: skip
    log: str = knob(
        "text", label="NORMVIZ_LOG", choices=("text", "json"),
        help="the log on standard error: lines to read, or one JSON object a line",
    )  # fmt: skip
    log_level: str = knob(
        "info", label="NORMVIZ_LOG_LEVEL", choices=("debug", "info", "warning", "error"),
        help="the least important lines that the log has",
    )  # fmt: skip
    metrics: bool = knob(
        False, label="NORMVIZ_METRICS",
        help="GET /lab/metrics for Prometheus; if NORMVIZ_OPERATOR_TOKEN is set, with that token (Bearer)",
    )  # fmt: skip
    operator_token: str = field(
        default="", repr=False,
        metadata={"knob": Knob(
            OPERATOR_TOKEN, form=_TOKEN_FORM,
            help="opens the page /operator and the route /lab/drain to whoever knows it; without it, neither "
            "is there",
        )},
    )  # fmt: skip
    drain: float = knob(
        0.0, label="NORMVIZ_DRAIN", low=0, high=86_400, unit="s",
        help="how long the server goes on after SIGTERM while somebody watches a run in progress",
    )  # fmt: skip
    embed_in: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    lessons: str = ""
    recorded: str = ""

    def __post_init__(self) -> None:
        for name, knob_, default in _knobs():
            object.__setattr__(self, name, knob_.accept(name, getattr(self, name), default))
        for module in self.experiments:
            if not _MODULE.fullmatch(module):
                raise SpecError("NORMVIZ_EXPERIMENTS", module, "names of Python modules, separated by commas")
        if self.operator_token and not _TOKEN.fullmatch(self.operator_token):
            # The token itself is not said: this sentence ends up in a log.
            told, form = f"a text of {len(self.operator_token)} characters", _TOKEN_FORM
            raise SpecError(OPERATOR_TOKEN, told, form, _MAKE_ONE)
        for origin in self.embed_in:
            if not _ORIGIN.fullmatch(origin):
                raise SpecError(_PREFIX + "EMBED_IN", origin, _ORIGINS)
        for name in _FOLDERS:
            folder = getattr(self, name)
            if folder and not Path(folder).is_dir():
                raise SpecError(_PREFIX + name.upper(), folder, "a folder that exists", "Make it first.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment; variables that are not set or empty keep their default.

        Raises:
            SpecError: a value is not accepted.
        """
        values: dict[str, Any] = {}
        for name, knob_, default in _knobs():
            if text := environment.get(knob_.label, "").strip():
                values[name] = knob_.read(name, text, default)
        for name in _LISTS:
            if text := environment.get(_PREFIX + name.upper(), "").strip():
                values[name] = tuple(part.strip() for part in text.split(","))
        for name in _FOLDERS:
            values[name] = environment.get(_PREFIX + name.upper(), "").strip()
        return cls(**values)


def misspelt(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A sentence about each variable that looks like a setting and is none."""
    known = [_PREFIX + one.name.upper() for one in fields(Settings)]
    for variable in environment:
        near = difflib.get_close_matches(variable, known, 1, cutoff=0.85)
        if variable.startswith(_PREFIX) and variable not in known and near:
            yield f"{variable} is not a setting and has no effect; is {near[0]} meant?"


def _knobs() -> list[tuple[str, Knob, Any]]:
    return [(one.name, one.metadata["knob"], one.default) for one in fields(Settings) if one.metadata]


def lessons_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The operator's own lessons."""
    text = environment.get(_PREFIX + "LESSONS", "").strip()
    return Path(text) if text else None
